//! Setting up a [`SageMaker`] provider.
//!
//! Owns the builder; what its settings mean is theirs to say.

use std::{collections::HashMap, sync::Arc, time::Duration};

use sagewire_chat_template::ChatTemplate;
use sagewire_credentials::{
    AwsParams, CachedProvider, Credentials, ProvideCredentials, SharedCredentialsProvider, StaticCredentials,
    seam::{CA_BUNDLE_LIMIT, SystemFiles, World},
};
use sagewire_sigv4::Signer;
use sagewire_types::{Error, ErrorKind};

use crate::{
    SageMaker,
    call::{
        attempt::Sender, capacity::Waiting, clock::Clocks, later::AsyncObjects, place::Learned, retry::TokenBucket,
    },
    client::Shared,
    request::bearer::Tokens,
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
///     .region("us-east-1")
///     .keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
///     .build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct SageMakerBuilder {
    /// What was set, in its order: the later over the earlier.
    layers: Vec<Layer>,
    world: Option<World>,
    transport: Option<Arc<dyn Transport>>,
    connect_timeout: Option<Duration>,
    prompt_templates: HashMap<String, ChatTemplate>,
    async_objects: Option<Arc<dyn AsyncObjects>>,
}

/// Something that was set.
#[derive(Debug)]
enum Layer {
    Settings(Box<Settings>),
    /// LiteLLM's parameters.
    Aws(Box<AwsParams>),
    /// Credentials to be kept and renewed.
    Credentials(SharedCredentialsProvider),
}

impl SageMakerBuilder {
    fn set(mut self, layer: Layer) -> Self {
        self.layers.push(layer);
        self
    }

    /// Where calls go, in place of the region's host. With a path it is used as it stands.
    pub fn endpoint_url(self, url: impl Into<String>) -> Self {
        self.settings(Settings::new().with_base_url(url))
    }

    /// The region, such as `eu-central-1`. [`build`](Self::build) checks it.
    pub fn region(self, region: impl Into<String>) -> Self {
        self.aws_params(AwsParams { aws_region_name: Some(region.into()), ..AwsParams::default() })
    }

    /// Signs with these keys.
    pub fn keys(self, access_key_id: impl Into<String>, secret_access_key: impl Into<String>) -> Self {
        let credentials = StaticCredentials::new(Credentials::new(access_key_id, secret_access_key));
        self.settings(Settings::new().with_credentials(Arc::new(credentials)))
    }

    /// Signs with what this provider gives. That is [kept](CachedProvider) until shortly before it
    /// expires, or until AWS refuses it.
    pub fn credentials(self, credentials: impl ProvideCredentials + 'static) -> Self {
        self.set(Layer::Credentials(Arc::new(credentials)))
    }

    /// Takes credentials and region from LiteLLM's `aws_*` parameters, such as a role to assume.
    pub fn aws_params(self, params: AwsParams) -> Self {
        self.set(Layer::Aws(Box::new(params)))
    }

    /// Sets everything a call may also set for itself.
    pub fn settings(self, settings: Settings) -> Self {
        self.set(Layer::Settings(Box::new(settings)))
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
    pub fn transport(mut self, transport: impl Transport + 'static) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Takes environment, files and clock from this world in place of the system's.
    pub fn world(mut self, world: World) -> Self {
        self.world = Some(world);
        self
    }

    /// Fetches the answers of asynchronous endpoints through this, where `async_inference` is set.
    pub fn async_objects(mut self, objects: Arc<dyn AsyncObjects>) -> Self {
        self.async_objects = Some(objects);
        self
    }

    /// The provider. Nothing is read or sent yet.
    ///
    /// # Errors
    /// `Configuration` for a text that is no region's name, where TLS cannot be set up, or
    /// parameters or variables such as `AWS_ROLE_NAME` contradict each other.
    pub fn build(self) -> Result<SageMaker, Error> {
        let world = self.world.unwrap_or_else(World::system);
        let mut settings = Settings::new();
        for layer in self.layers {
            match layer {
                Layer::Settings(layer) => settings = layer.or(&settings),
                Layer::Aws(params) => settings.take_aws(&params, &world)?,
                Layer::Credentials(own) => settings.credentials = Some(Arc::new(CachedProvider::new(&world, own))),
            }
        }
        let transport = match self.transport {
            Some(transport) => transport,
            None => Arc::new(network(&world, self.connect_timeout.unwrap_or(CONNECT_TIMEOUT))?),
        };
        let sender = Sender {
            tokens: Tokens::default(),
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
                async_objects: self.async_objects,
                sender,
                default_credentials,
                waiting: Waiting::default(),
                refused_details: Learned::default(),
                refused_usage: Learned::default(),
                batch_limits: Learned::default(),
                routes: Learned::default(),
                templates: Templates::new(self.prompt_templates),
            }),
            settings: Arc::new(settings),
            targets: Arc::default(),
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
    use sagewire_credentials::{Region, seam::MapEnv};

    use super::*;

    #[test]
    fn a_region_is_checked_when_the_provider_is_built() {
        let error = SageMaker::builder().region("somewhere else").build().unwrap_err();
        assert_eq!((error.kind(), error.param()), (ErrorKind::Configuration, Some("aws_region_name")));
        let built = SageMaker::builder().region("us-east-1").region("eu-central-1").build().unwrap();
        assert_eq!(built.settings().region.as_ref().map(Region::as_str), Some("eu-central-1"));
    }

    #[test]
    fn a_ca_bundle_that_is_not_there_is_named() {
        let world = World::builder().with_env(MapEnv::from([("AWS_CA_BUNDLE", "/nowhere/ca.pem")])).build();
        let error = SageMaker::builder().world(world).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.to_string().contains("/nowhere/ca.pem"), "{error}");
    }
}
