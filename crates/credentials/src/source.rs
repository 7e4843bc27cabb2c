//! The sources, one file each. Each can be used alone; the chain orders them.

mod assume_role;
mod container;
mod environment;
mod instance_metadata;
mod login;
mod metadata_document;
mod process;
mod profile;
mod sso;
mod static_keys;
mod web_identity;

pub use assume_role::AssumeRoleCredentials;
pub use container::ContainerCredentials;
pub use environment::EnvironmentCredentials;
pub use instance_metadata::InstanceMetadataCredentials;
pub use login::LoginCredentials;
pub use process::ProcessCredentials;
pub use profile::ProfileCredentials;
pub use sso::SsoCredentials;
pub use static_keys::StaticCredentials;
pub use web_identity::{WebIdentityCredentials, WebIdentityToken};

/// Lower-case hexadecimal, as in the names of cache files.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
