//! [`SharedConfig`]: the environment and the selected profile together.
//!
//! This file reads the two shared files and decides that a variable wins over the profile. The
//! grammar is in [`profile`](crate::profile), and the hosts are in [`endpoint`](crate::endpoint).

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::CredentialsError;
use crate::endpoint::{self, ConfiguredUrl, EndpointError, EndpointSettings, Service};
use crate::env_vars::{AWS_CA_BUNDLE, AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE};
use crate::error::describe;
use crate::profile::{
    FileKind, FileLocations, Platform, Profile, ProfileFile, ProfileSet, SelectedProfile, SyntaxError,
};
use crate::region::Region;
use crate::seam::{RequestOptions, World};

/// The largest config or credentials file that is read, in bytes.
const FILE_LIMIT: u64 = 64 * 1024 * 1024;

/// The environment, and the shared config and credentials files as they were when they were read.
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
/// let config = SharedConfig::load(&world, None).await;
/// assert_eq!(config.setting("AWS_REGION", "region").as_deref(), Some("eu-west-1"));
/// # });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SharedConfig {
    world: World,
    profiles: Arc<ProfileSet>,
    problems: Arc<[FileProblem]>,
}

/// A shared file that is not used, because it cannot be read or breaks the grammar.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum FileProblem {
    #[error("cannot read the AWS config file `{path}`; check its permissions or name another file in `{variable}`")]
    Unreadable { path: String, variable: &'static str, source: Arc<io::Error> },
    #[error("invalid AWS config file")]
    Broken(#[from] SyntaxError),
}

impl From<FileProblem> for CredentialsError {
    fn from(problem: FileProblem) -> Self {
        Self::invalid_configuration("cannot use the AWS config files; fix the file named here").with_cause(problem)
    }
}

impl SharedConfig {
    /// Reads both files. The profile is `profile`, else the one that `AWS_PROFILE` names, else
    /// `default`.
    ///
    /// A file that does not exist is empty. One that cannot be read or breaks the grammar is
    /// ignored with a warning, so that it cannot stop a call that does not need it: see
    /// [`problems`](Self::problems).
    pub async fn load(world: &World, profile: Option<&str>) -> Self {
        let locations = FileLocations::resolve(|name| world.env().var(name), Platform::current());
        let selected = profile.map_or(locations.profile, SelectedProfile::explicit);
        let mut problems = Vec::new();
        let mut contents = Vec::new();
        for (kind, location, variable) in [
            (FileKind::Config, &locations.config, AWS_CONFIG_FILE),
            (FileKind::Credentials, &locations.credentials, AWS_SHARED_CREDENTIALS_FILE),
        ] {
            let Some(path) = location.path() else { continue };
            match read(world, path, location.variable()).await {
                Ok(content) => contents.extend(content.map(|content| (kind, path, content))),
                Err(error) => {
                    problems.push(FileProblem::Unreadable { path: path.into(), variable, source: error.into() });
                }
            }
        }
        let mut files: Vec<_> =
            contents.iter().map(|(kind, path, content)| ProfileFile::new(*kind, path, content)).collect();
        let profiles = loop {
            match ProfileSet::parse(selected.clone(), &files) {
                Ok(profiles) => break profiles,
                Err(error) => {
                    files.retain(|file| file.name() != error.origin().file());
                    problems.push(error.into());
                }
            }
        };
        for problem in &problems {
            tracing::warn!(problem = describe(problem), "an AWS config file is ignored");
        }
        for warning in profiles.warnings() {
            tracing::warn!(%warning, "a line of an AWS config file is ignored");
        }
        Self { world: world.clone(), profiles: Arc::new(profiles), problems: problems.into() }
    }

    /// Why each ignored file is ignored. Report it if the files do not give what was looked for in
    /// them.
    pub fn problems(&self) -> impl Iterator<Item = CredentialsError> {
        self.problems.iter().cloned().map(CredentialsError::from)
    }

    /// The file that breaks the grammar, if one does. Its author meant to configure something, so
    /// credentials must not be taken from elsewhere. A file that cannot be read may belong to
    /// another user (`HOME=/root` in a container).
    pub(crate) fn broken_file(&self) -> Option<CredentialsError> {
        let broken = self.problems.iter().find(|problem| matches!(problem, FileProblem::Broken(_)));
        broken.cloned().map(CredentialsError::from)
    }

    /// The contents of the files.
    #[must_use]
    pub fn profiles(&self) -> &ProfileSet {
        &self.profiles
    }

    /// The selected profile, if the files define it.
    #[must_use]
    pub fn profile(&self) -> Option<&Profile> {
        self.profiles.selected()
    }

    /// The world of the environment and the files.
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

    /// Whether FIPS and dual-stack hosts are requested.
    ///
    /// # Errors
    /// As [`EndpointSettings::resolve`].
    pub fn endpoint_settings(&self) -> Result<EndpointSettings, EndpointError> {
        EndpointSettings::resolve(|name| self.world.env().var(name), self.profile())
    }

    /// The URL that the program (`explicit`), the environment or the profile sets for `service`, if
    /// one of them does.
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

    /// The URL to call `service` at: the configured one, else that of AWS's own host in `region`.
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
            .ok_or_else(|| CredentialsError::invalid_configuration("unknown home folder; set `HOME`"))
    }
}

/// The content of a file, if it exists. `variable` is the one that names it, if it is not in its
/// usual place.
async fn read(world: &World, path: &str, variable: Option<&str>) -> io::Result<Option<zeroize::Zeroizing<Vec<u8>>>> {
    // The usual way to say that there is no file.
    if path == "/dev/null" {
        return Ok(None);
    }
    match world.files().read(Path::new(path), FILE_LIMIT).await {
        Ok(content) => Ok(Some(content)),
        // With a home such as /dev/null, as services have, a part of the path is not a folder.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            if let Some(variable) = variable {
                tracing::warn!(variable, path, "the AWS config file does not exist");
            }
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::SharedConfig;
    use crate::ErrorKind;
    use crate::endpoint::Service;
    use crate::seam::{MapEnv, MapFiles, World};

    async fn load(env: MapEnv, config: &str) -> SharedConfig {
        let files = MapFiles::new().with("/h/.aws/config", config);
        let world = World::builder().with_env(env.with("HOME", "/h")).with_files(files).build();
        SharedConfig::load(&world, None).await
    }

    #[tokio::test]
    async fn a_variable_comes_before_the_profile() {
        let config = "[default]\nregion = eu-west-1\nuse_fips_endpoint = True\nca_bundle = /ca.pem\n";
        let shared = load(MapEnv::from([("AWS_REGION", "us-east-1")]), config).await;
        assert_eq!(shared.setting("AWS_REGION", "region").as_deref(), Some("us-east-1"));
        assert_eq!(shared.setting("AWS_UNSET", "region").as_deref(), Some("eu-west-1"));
        assert!(shared.endpoint_settings().unwrap().use_fips);
        assert_eq!(shared.request_options().ca_bundle.as_deref(), Some(std::path::Path::new("/ca.pem")));
    }

    #[tokio::test]
    async fn a_broken_file_is_ignored_and_reported() {
        let files = MapFiles::new()
            .with("/h/.aws/config", "[default]\nregion = eu-west-1\n")
            .with("/h/.aws/credentials", "[default]\nregion = us-east-1\nnonsense\n");
        let world = World::builder().with_env(MapEnv::from([("HOME", "/h")])).with_files(files).build();
        let shared = SharedConfig::load(&world, None).await;
        assert_eq!(shared.setting("AWS_REGION", "region").as_deref(), Some("eu-west-1"));
        let error = shared.broken_file().unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
        assert!(crate::error::describe(&error).contains("/h/.aws/credentials:3"), "{}", crate::error::describe(&error));
    }

    #[cfg(all(unix, feature = "system"))]
    #[tokio::test]
    async fn a_file_that_cannot_be_read_is_ignored_and_reported() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        let env = MapEnv::from([("AWS_CONFIG_FILE", path), ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")]);
        let world = World::builder().with_env(env).with_files(crate::seam::SystemFiles).build();
        let shared = SharedConfig::load(&world, None).await;
        assert!(shared.broken_file().is_none());
        let text = crate::error::describe(&shared.problems().next().unwrap());
        assert!(
            text.contains(path) && text.contains("AWS_CONFIG_FILE") && text.ends_with("not a regular file"),
            "{text}"
        );
    }

    #[tokio::test]
    async fn files_that_do_not_exist_are_empty() {
        let world = World::builder().with_env(MapEnv::from([("AWS_CONFIG_FILE", "/none")])).build();
        let shared = SharedConfig::load(&world, None).await;
        assert!(shared.profiles().is_empty() && shared.problems().next().is_none());
    }

    #[tokio::test]
    async fn a_service_is_called_where_the_settings_say() {
        let shared = load(MapEnv::new(), "[default]\nendpoint_url = http://localhost:4566\n").await;
        let region = crate::Region::new("eu-west-1").unwrap();
        assert_eq!(shared.service_url(Service::Sts, Some(&region), None).unwrap(), "http://localhost:4566");
        assert_eq!(shared.service_url(Service::Sts, None, Some("http://[::1]")).unwrap(), "http://[::1]");
        let shared = load(MapEnv::new(), "").await;
        let url = shared.service_url(Service::Sts, Some(&region), None).unwrap();
        assert_eq!(url, "https://sts.eu-west-1.amazonaws.com");
    }
}
