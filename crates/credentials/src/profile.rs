//! The configuration files that all AWS SDKs share: `~/.aws/config` and `~/.aws/credentials`.
//!
//! Owns where the files are ([`FileLocations`]), their grammar, what they hold ([`ProfileSet`],
//! [`Profile`]) and which source of credentials a profile asks for ([`resolve_chain`]). All of it
//! is pure: text and an environment look-up go in, values come out. It reads no file, calls nothing
//! and knows no clock; the sources of credentials do that.
//!
//! The grammar is the one of the [AWS SDKs and tools reference][files]; where SDKs differ, the rule
//! of AWS's Rust SDK holds, except that an indented line that starts with `#` or `;` is a comment,
//! as it is for the AWS CLI.
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
