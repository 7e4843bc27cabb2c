//! [`SharedConfig`]: what the environment and the selected profile say together. Owns reading the two files and the order of variable before
//! profile; their grammar is [`profile`](crate::profile)'s and the hosts are [`endpoint`](crate::endpoint)'s.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::CredentialsError;
use crate::endpoint::{self, ConfiguredUrl, EndpointError, EndpointSettings, Service};
use crate::env_vars::AWS_CA_BUNDLE;
use crate::profile::{
    FileKind, FileLocation, FileLocations, Platform, Profile, ProfileFile, ProfileSet, SelectedProfile,
};
use crate::region::Region;
use crate::seam::{RequestOptions, World};

/// The largest config or credentials file read.
const FILE_LIMIT: u64 = 64 * 1024 * 1024;

/// The environment, and the shared config and credentials files as they were when read.
///
/// ```
/// use sagewire_credentials::SharedConfig;
/// use sagewire_credentials::seam::{MapEnv, MapFiles, World};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let world = World::builder()
///     .with_env(MapEnv::from([("HOME", "/home/me")]))
///     .with_files(MapFiles::new().with("/home/me/.aws/config", "[default]\nregion = eu-west-1\n"))
///     .build();
/// let config = SharedConfig::load(&world, None).await?;
/// assert_eq!(config.setting("AWS_REGION", "region").as_deref(), Some("eu-west-1"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SharedConfig {
    world: World,
    profiles: Arc<ProfileSet>,
}

impl SharedConfig {
    /// Reads both files. The profile is `profile`, else what `AWS_PROFILE` says, else `default`. Files that do not exist are empty.
    ///
    /// # Errors
    /// [`InvalidConfiguration`](crate::ErrorKind::InvalidConfiguration) where a file cannot be read or breaks the grammar, with file and line.
    pub async fn load(world: &World, profile: Option<&str>) -> Result<Self, CredentialsError> {
        let locations = FileLocations::resolve(|name| world.env().var(name), Platform::current());
        let selected = profile.map_or(locations.profile, SelectedProfile::explicit);
        let config = read(world, &locations.config).await?;
        let credentials = read(world, &locations.credentials).await?;
        let files: Vec<_> = [
            (FileKind::Config, &locations.config, &config),
            (FileKind::Credentials, &locations.credentials, &credentials),
        ]
        .into_iter()
        .filter_map(|(kind, location, content)| {
            Some(ProfileFile::new(kind, location.path()?, content.as_ref()?.as_slice()))
        })
        .collect();
        let profiles = ProfileSet::parse(selected, &files).map_err(|error| {
            CredentialsError::invalid_configuration("The AWS config files cannot be used: mend the line named here.")
                .with_cause(error)
        })?;
        for warning in profiles.warnings() {
            tracing::warn!(%warning, "a line of the AWS config files was passed over");
        }
        Ok(Self { world: world.clone(), profiles: Arc::new(profiles) })
    }

    /// What the files hold.
    #[must_use]
    pub fn profiles(&self) -> &ProfileSet {
        &self.profiles
    }

    /// The selected profile, if the files define it.
    #[must_use]
    pub fn profile(&self) -> Option<&Profile> {
        self.profiles.selected()
    }

    /// The world the environment is taken from.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The value of `variable`, else of the selected profile's `key`. Blank values count as unset.
    #[must_use]
    pub fn setting(&self, variable: &str, key: &str) -> Option<String> {
        let of_profile = || Some(self.profile()?.setting(key)?.trim().to_owned());
        self.world.var(variable).or_else(of_profile)
    }

    /// Whether FIPS and dual-stack hosts are asked for.
    ///
    /// # Errors
    /// As [`EndpointSettings::resolve`].
    pub fn endpoint_settings(&self) -> Result<EndpointSettings, EndpointError> {
        EndpointSettings::resolve(|name| self.world.env().var(name), self.profile())
    }

    /// The URL that the program (`explicit`), the environment or the profile sets for `service`, if any does.
    ///
    /// # Errors
    /// As [`configured_endpoint_url`](endpoint::configured_endpoint_url).
    pub fn configured_url(
        &self,
        service: Service,
        explicit: Option<&str>,
    ) -> Result<Option<ConfiguredUrl>, EndpointError> {
        endpoint::configured_endpoint_url(service, explicit, |name| self.world.env().var(name), Some(&self.profiles))
    }

    /// The URL to call `service` at: the one set, else that of AWS's own host in `region`.
    ///
    /// # Errors
    /// As [`configured_url`](Self::configured_url) and [`service_url`](endpoint::service_url).
    pub fn service_url(
        &self,
        service: Service,
        region: Option<&Region>,
        explicit: Option<&str>,
    ) -> Result<String, EndpointError> {
        let configured = self.configured_url(service, explicit)?;
        endpoint::service_url(service, region.map(Region::as_str), self.endpoint_settings()?, configured.as_ref())
    }

    /// Options for requests to AWS's services: `AWS_CA_BUNDLE`, else the profile's `ca_bundle`.
    #[must_use]
    pub fn request_options(&self) -> RequestOptions {
        let bundle = self.setting(AWS_CA_BUNDLE, "ca_bundle");
        RequestOptions::default().with_ca_bundle(bundle.map(|path| Arc::from(Path::new(&path))))
    }

    /// The home folder.
    pub(crate) fn home(world: &World) -> Result<PathBuf, CredentialsError> {
        let home = Platform::current().home(|name| world.env().var(name));
        home.map(PathBuf::from)
            .ok_or_else(|| CredentialsError::invalid_configuration("The home folder is not known: set HOME."))
    }
}

async fn read(world: &World, location: &FileLocation) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, CredentialsError> {
    let Some(path) = location.path() else { return Ok(None) };
    match world.files().read(Path::new(path), FILE_LIMIT).await {
        Ok(content) => Ok(Some(content)),
        // A home such as /dev/null, as services have, makes the path no path at all.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            if let Some(variable) = location.variable() {
                tracing::warn!(variable, path, "the file does not exist");
            }
            Ok(None)
        }
        Err(error) => {
            let message =
                format!("The AWS config file `{path}` cannot be read: mend its permissions, or name another file.");
            Err(CredentialsError::invalid_configuration(message).with_cause(error))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SharedConfig;
    use crate::ErrorKind;
    use crate::endpoint::Service;
    use crate::seam::{MapEnv, MapFiles, World};

    async fn load(env: MapEnv, config: &str) -> Result<SharedConfig, crate::CredentialsError> {
        let files = MapFiles::new().with("/h/.aws/config", config);
        let world = World::builder().with_env(env.with("HOME", "/h")).with_files(files).build();
        SharedConfig::load(&world, None).await
    }

    #[tokio::test]
    async fn a_variable_comes_before_the_profile() {
        let config = "[default]\nregion = eu-west-1\nuse_fips_endpoint = True\nca_bundle = /ca.pem\n";
        let shared = load(MapEnv::from([("AWS_REGION", "us-east-1")]), config).await.unwrap();
        assert_eq!(shared.setting("AWS_REGION", "region").as_deref(), Some("us-east-1"));
        assert_eq!(shared.setting("AWS_UNSET", "region").as_deref(), Some("eu-west-1"));
        assert!(shared.endpoint_settings().unwrap().use_fips);
        assert_eq!(shared.request_options().ca_bundle.as_deref(), Some(std::path::Path::new("/ca.pem")));
    }

    #[tokio::test]
    async fn a_broken_file_is_named_with_its_line() {
        let error = load(MapEnv::new(), "[default]\nregion\n").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
        assert!(crate::error::describe(&error).contains("/h/.aws/config:2"), "{}", crate::error::describe(&error));
    }

    #[tokio::test]
    async fn files_that_are_not_there_are_empty() {
        let world = World::builder().with_env(MapEnv::from([("AWS_CONFIG_FILE", "/none")])).build();
        assert!(SharedConfig::load(&world, None).await.unwrap().profiles().is_empty());
    }

    #[tokio::test]
    async fn a_service_is_called_where_the_settings_say() {
        let shared = load(MapEnv::new(), "[default]\nendpoint_url = http://localhost:4566\n").await.unwrap();
        let region = crate::Region::new("eu-west-1").unwrap();
        assert_eq!(shared.service_url(Service::Sts, Some(&region), None).unwrap(), "http://localhost:4566");
        assert_eq!(shared.service_url(Service::Sts, None, Some("http://[::1]")).unwrap(), "http://[::1]");
        let shared = load(MapEnv::new(), "").await.unwrap();
        let url = shared.service_url(Service::Sts, Some(&region), None).unwrap();
        assert_eq!(url, "https://sts.eu-west-1.amazonaws.com");
    }
}
