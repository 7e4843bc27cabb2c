//! Setting up a [`SageMaker`] provider.
//!
//! Owns the builder; what its settings mean is theirs to say.

use std::{collections::HashMap, sync::Arc, time::Duration};

use sagewire_chat_template::ChatTemplate;
use sagewire_credentials::{
    AwsParams, Credentials, Region, SharedCredentialsProvider, StaticCredentials,
    seam::{CA_BUNDLE_LIMIT, SystemFiles, World},
};
use sagewire_sigv4::Signer;
use sagewire_types::{Error, ErrorKind};

use crate::{
    SageMaker,
    call::{attempt::Sender, capacity::Waiting, clock::Clocks, place::Learned, retry::TokenBucket},
    client::Shared,
    settings::Settings,
    template::Templates,
    transport::{ReqwestTransport, Transport},
};

/// How long connecting may take unless it is set.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Sets up a [`SageMaker`].
///
/// ```
/// use sagewire_sagemaker::SageMaker;
///
/// let sagemaker = SageMaker::builder()
///     .endpoint_url("http://127.0.0.1:8080")
///     .region("us-east-1")?
///     .keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
///     .build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct SageMakerBuilder {
    settings: Settings,
    world: Option<World>,
    transport: Option<Arc<dyn Transport>>,
    connect_timeout: Option<Duration>,
    prompt_templates: HashMap<String, ChatTemplate>,
}

impl SageMakerBuilder {
    /// Where calls go, in place of the region's host. With a path it is used as it stands.
    pub fn endpoint_url(mut self, url: impl Into<String>) -> Self {
        self.settings.base_url = Some(url.into());
        self
    }

    /// The region.
    ///
    /// # Errors
    /// `Configuration` for a text that is no region's name.
    pub fn region(mut self, region: &str) -> Result<Self, Error> {
        let region = Region::new(region).map_err(|error| {
            Error::new(ErrorKind::Configuration, error.to_string()).with_param("aws_region_name").with_source(error)
        })?;
        self.settings.region = Some(region);
        Ok(self)
    }

    /// Signs with these keys.
    pub fn keys(self, access_key_id: impl Into<String>, secret_access_key: impl Into<String>) -> Self {
        let credentials = Credentials::new(access_key_id, secret_access_key);
        self.credentials(Arc::new(StaticCredentials::new(credentials)))
    }

    /// Signs with what this provider gives.
    pub fn credentials(mut self, credentials: SharedCredentialsProvider) -> Self {
        self.settings.credentials = Some(credentials);
        self
    }

    /// Sets everything a call may also set for itself.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings.or(&self.settings);
        self
    }

    /// Registers a chat template for the endpoint, or else the Hugging Face model, of this name.
    pub fn prompt_template(mut self, name: impl Into<String>, template: ChatTemplate) -> Self {
        self.prompt_templates.insert(name.into(), template);
        self
    }

    /// How long connecting may take. Default: 5 s. Not for a transport of your own.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = Some(limit);
        self
    }

    /// Sends through this transport in place of reqwest's.
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Takes environment, files and clock from this world in place of the system's.
    pub fn world(mut self, world: World) -> Self {
        self.world = Some(world);
        self
    }

    /// The provider. Nothing is read or sent yet.
    ///
    /// # Errors
    /// `Configuration` where TLS cannot be set up, or variables such as `AWS_ROLE_NAME` contradict each other.
    pub fn build(self) -> Result<SageMaker, Error> {
        let world = self.world.unwrap_or_else(World::system);
        let transport = match self.transport {
            Some(transport) => transport,
            None => Arc::new(network(&world, self.connect_timeout.unwrap_or(CONNECT_TIMEOUT))?),
        };
        let sender = Sender {
            transport,
            clock: Arc::clone(world.clock()),
            signer: Signer::new(),
            bucket: TokenBucket::default(),
            clocks: Clocks::default(),
        };
        let default_credentials = AwsParams::default()
            .provider(&world)
            .map_err(|error| Error::new(ErrorKind::Configuration, error.to_string()).with_source(error))?;
        Ok(SageMaker {
            shared: Arc::new(Shared {
                world,
                sender,
                default_credentials,
                waiting: Waiting::default(),
                refused_details: Learned::default(),
                refused_usage: Learned::default(),
                batch_limits: Learned::default(),
                templates: Templates::new(self.prompt_templates),
            }),
            settings: Arc::new(self.settings),
            target: Arc::default(),
        })
    }
}

/// The network, trusting what `AWS_CA_BUNDLE` names, if anything.
fn network(world: &World, connect_timeout: Duration) -> Result<ReqwestTransport, Error> {
    let wrong = |message: String| Error::new(ErrorKind::Configuration, message).with_param("AWS_CA_BUNDLE");
    let pem = match world.var("AWS_CA_BUNDLE") {
        Some(path) => SystemFiles::read_blocking(path.as_ref(), CA_BUNDLE_LIMIT).map_err(|error| {
            wrong(format!("the CA bundle `{path}` cannot be read; fix or unset `AWS_CA_BUNDLE`")).with_source(error)
        })?,
        None => Default::default(),
    };
    ReqwestTransport::trusting(connect_timeout, &pem).map_err(|error| wrong(error.to_string()).with_source(error))
}

#[cfg(test)]
mod tests {
    use sagewire_credentials::seam::MapEnv;

    use super::*;

    #[test]
    fn a_ca_bundle_that_is_not_there_is_named() {
        let world = World::builder().with_env(MapEnv::from([("AWS_CA_BUNDLE", "/nowhere/ca.pem")])).build();
        let error = SageMaker::builder().world(world).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.to_string().contains("/nowhere/ca.pem"), "{error}");
    }
}
