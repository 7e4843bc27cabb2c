//! The configuration files that all AWS SDKs share: `~/.aws/config` and `~/.aws/credentials`.
//!
//! This module has the places of the files ([`FileLocations`]), their grammar, their contents
//! ([`ProfileSet`], [`Profile`]) and the source of credentials that a profile
//! names ([`resolve_chain`]). It is pure: the sources of credentials read the files.
//!
//! The grammar is that of the [AWS SDKs and tools reference][files]. Where the tools differ, a file
//! that the AWS CLI reads is read in the same way.
//!
//! [files]: https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
//!
//! ```
//! use sagewire_credentials::profile::{BaseSource, FileKind, ProfileFile, ProfileSet, SelectedProfile, resolve_chain};
//!
//! let config = "
//! [profile app]
//! role_arn = arn:aws:iam::123456789012:role/app
//! source_profile = base
//! region = eu-west-1
//!
//! [profile base]
//! credential_process = /usr/local/bin/keys
//! ";
//! let files = [ProfileFile::new(FileKind::Config, "/home/me/.aws/config", config.as_bytes())];
//! let profiles = ProfileSet::parse(SelectedProfile::explicit("app"), &files)?;
//! assert_eq!(profiles.selected().and_then(|profile| profile.get("region")), Some("eu-west-1"));
//!
//! let chain = resolve_chain(&profiles, profiles.selected_name())?;
//! assert!(matches!(chain.base(), BaseSource::Process(_)));
//! assert_eq!(chain.roles().len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub use error::{ProfileError, SyntaxError, SyntaxErrorKind};
pub use location::{FileLocation, FileLocations, Platform, ProfileChoice, SelectedProfile};
pub use role_chain::{RoleChain, RoleStep, resolve_chain};
pub use section::{Origin, Profile, Property, Section};
pub use set::{FileKind, ProfileFile, ProfileSet};
pub use source::{BaseSource, NamedSource, ProcessSource, WebIdentitySource};
pub use sso::{SsoRole, SsoSource};
pub use warning::{Warning, WarningKind};

mod error;
mod grammar;
mod location;
mod role_chain;
mod section;
mod set;
mod source;
mod sso;
mod warning;
