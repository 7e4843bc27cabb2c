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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{
        AssumeRoleCredentials, ProcessCredentials, StaticCredentials, WebIdentityCredentials, WebIdentityToken,
    };
    use crate::seam::World;
    use crate::{CachedProvider, Credentials};

    #[test]
    fn no_source_shows_what_it_holds() {
        let world = World::builder().build();
        let keys = Credentials::new("hidden-id", "hidden-secret").with_session_token("hidden-token");
        let keys = Arc::new(StaticCredentials::new(keys));
        let token = WebIdentityToken::Literal("hidden-jwt".into());
        let shown = [
            format!("{keys:?} {keys:#?}"),
            format!("{:#?}", AssumeRoleCredentials::new(&world, "arn", keys.clone())),
            format!("{:#?}", WebIdentityCredentials::new(&world, "arn", token)),
            format!("{:#?}", ProcessCredentials::new(&world, "hidden command")),
            format!("{:#?}", CachedProvider::new(&world, keys)),
        ];
        for text in shown {
            assert!(!text.contains("hidden"), "{text}");
        }
    }
}
