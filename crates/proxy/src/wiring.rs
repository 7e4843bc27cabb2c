//! From a configuration to an app: the one place that knows which provider is behind it.
//!
//! Owns making the SageMaker provider, the router over its deployments, and the app over both, and
//! what of them outlives a reload: connections, credentials, cooldowns.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sagewire::{
    CallContext, Provider, SageMaker,
    batch::{Buckets, S3Results},
    credentials::{AwsParams, seam::World},
    sagemaker::Transport,
};
#[cfg(feature = "redis")]
use sagewire_router::SharedResponses;
use sagewire_router::{
    Router, RouterState,
    cache::{AnswerCache, Caching},
};

#[cfg(feature = "redis")]
use self::shared_state::SharedState;
pub use self::{check::Findings, discovery::Look, error::WiringError};
use self::{
    credentials::CredentialShelf,
    discovery::{Found, Search, with_found},
    insight::RouterInsight,
    models::{add_aliases, check_prefix, routed, serve},
    overlay::Overlay,
};
use crate::{
    App, Clock, Config, Ledger, Probe, ServedDeployment, ServedModel, SpanSink,
    batches::BatchRunner,
    callers::FileLedger,
    config::{CacheParams, EnvironmentVariables},
};

mod answers;
mod batches;
mod check;
mod credentials;
mod deployment;
mod discovery;
mod error;
mod insight;
mod models;
mod overlay;
#[cfg(feature = "redis")]
mod shared_state;

/// Makes apps from configurations. Keep it over reloads: the next app takes over connections,
/// credentials and cooldowns.
///
/// ```no_run
/// use sagewire::credentials::seam::World;
/// use sagewire_proxy::{Config, Wiring};
///
/// # fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let world = World::system();
/// let (config, warnings) = Config::from_file("config.yaml", &|name| world.var(name))?;
/// let app = Wiring::new(world).app(&config, None)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Wiring {
    world: World,
    kept: Mutex<KeptOverReloads>,
    spans: Option<Arc<dyn SpanSink>>,
    transport: Option<Arc<dyn Transport>>,
    /// Where endpoints are looked for.
    search: tokio::sync::Mutex<Option<Search>>,
    /// Held while a server is given another app, so that none is replaced by an older one.
    turn: Mutex<()>,
    /// Told when there is another configuration.
    reconfigured: tokio::sync::Notify,
}

/// The section of the Redis that replicas share.
const COORDINATION_REDIS: &str = "general_settings.coordination_redis";

/// How often the state file is written, at most.
const KEEP_EVERY: Duration = Duration::from_secs(1);

/// What outlives a reload.
#[derive(Debug, Default)]
struct KeptOverReloads {
    sagemaker: Option<(EnvironmentVariables, World, SageMaker)>,
    credentials: CredentialShelf,
    router_state: Option<Arc<dyn RouterState>>,
    #[cfg(feature = "redis")]
    shared: Option<SharedState>,
    ledger: Option<Arc<FileLedger>>,
    /// The answers that are kept, and how.
    answers: Option<(CacheParams, Arc<dyn AnswerCache>)>,
    /// What was found in the account.
    found: Found,
    /// The configuration of the last app.
    config: Option<Arc<Config>>,
    /// The batches that are run. The first configuration that has a store decides which.
    batches: Option<Arc<BatchRunner>>,
}

impl Wiring {
    /// Wiring in this world: its environment, files, clock and network.
    #[must_use]
    pub fn new(world: World) -> Self {
        Self {
            world,
            kept: Mutex::default(),
            spans: None,
            transport: None,
            search: tokio::sync::Mutex::default(),
            turn: Mutex::default(),
            reconfigured: tokio::sync::Notify::new(),
        }
    }

    /// Sets where the requests' spans go: to an `OtlpExporter`'s sink, for example.
    #[must_use]
    pub fn with_spans(mut self, sink: Arc<dyn SpanSink>) -> Self {
        self.spans = Some(sink);
        self
    }

    /// Sends every call through this transport in place of the network's own.
    #[must_use]
    pub fn with_transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// The app of a configuration. `previous` is the one that it takes over from.
    ///
    /// # Errors
    /// [`WiringError`], naming the deployment at fault.
    pub fn app(&self, config: &Config, previous: Option<&App>) -> Result<App, WiringError> {
        // What is kept is put back whole or not at all, so a panic elsewhere leaves it usable.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (world, sagemaker) = self.sagemaker(config, &mut kept)?;
        let mut shelf = CredentialShelf::default();
        let mut router = Router::builder().settings(config.router_settings.clone());
        let found = kept.found.of(config);
        if found.is_some() {
            router = router.allow_no_deployments();
        }
        let deployments = with_found(config, found);
        let found = found.is_some().then(|| deployments.iter().filter(|(_, is_found)| *is_found).count());
        let ledger = counted(config, &world, &mut kept, previous.is_some())?;
        if let Some(state) = &kept.router_state {
            router = router.state(Arc::clone(state));
        }
        let mut models: Vec<ServedModel> = Vec::new();
        let open_to_all_keys =
            config.sagewire_settings.discover.as_ref().is_some_and(|discover| discover.open_to_all_keys);
        for (deployment, is_found) in &deployments {
            let settings = check_prefix(deployment).and_then(|()| {
                deployment::settings(deployment, config, &world, &kept.credentials, &mut shelf)
                    .map_err(|source| WiringError::Deployment { deployment: deployment.id.clone(), source })
            });
            let settings = match settings {
                Ok(settings) => settings,
                Err(error) if *is_found || config.router_settings.ignore_invalid_deployments => {
                    tracing::warn!(target: "sagewire::proxy", %error, "a deployment is left out");
                    continue;
                }
                Err(error) => return Err(error),
            };
            let native_routes: Vec<String> = settings.native_routes().into_iter().map(str::to_owned).collect();
            let id_sources: Vec<_> = settings.id_sources().cloned().collect();
            let provider: Arc<dyn Provider> = Arc::new(sagemaker.with_settings(settings));
            router = router.deployment(routed(deployment, Arc::clone(&provider)));
            serve(
                &mut models,
                deployment,
                is_found.then_some(open_to_all_keys),
                ServedDeployment::new(&deployment.id, &deployment.model)
                    .with_mode(deployment.mode)
                    .with_info(deployment.model_info.clone())
                    .with_parameters(deployment.parameters.to_map())
                    .with_native_routes(native_routes)
                    .with_id_sources(id_sources)
                    .with_max_upload_bytes(deployment.routing.max_upload_bytes)
                    .with_revision(answers::revision(deployment, config, &world))
                    .with_probe(Probe::new(provider, CallContext::new())),
            );
        }
        add_aliases(&mut models, &config.router_settings);
        let router = Arc::new(router.build()?);
        kept.router_state = Some(Arc::clone(router.state()));
        kept.credentials = shelf;
        let insight = RouterInsight::new(Arc::clone(&router), kept.credentials.ages()).with_found(found);
        #[cfg(feature = "redis")]
        let insight = insight.with_redis(kept.shared.as_ref().map(|shared| Arc::clone(&shared.redis)));
        let provider: Arc<dyn Provider> = match answers::kept(config, &world, &mut kept)? {
            Some(cache) => Arc::new(Caching::new(router, cache).with_writer(crate::http::chat_as_written)),
            None => router,
        };
        let mut app = App::builder().settings(config).models(models).insight(Arc::new(insight)).provider(provider);
        if found.is_some() {
            app = app.allow_no_models();
        }
        if let Some(ledger) = ledger {
            app = app.ledger(ledger);
        }
        #[cfg(feature = "redis")]
        if let Some(shared) = &kept.shared {
            app = app.shared_responses(Arc::clone(&shared.responses) as Arc<dyn SharedResponses>);
        }
        let batches = batches::kept(config, &world, &mut kept)?;
        if let Some(runner) = &batches {
            app = app.batches(Arc::clone(runner.batches()));
        }
        if let Some(sink) = &self.spans {
            app = app.spans(Arc::clone(sink));
        } else if config.sagewire_settings.otlp.endpoint.is_some() {
            tracing::warn!(target: "sagewire::proxy", "`sagewire_settings.otlp` has no effect: this program does not send spans");
        }
        if let Some(previous) = previous {
            app = app.continuing(previous);
        }
        let app = app.build()?;
        kept.config = Some(Arc::new(config.clone()));
        self.reconfigured.notify_one();
        if let Some(runner) = &batches {
            runner.set_app(&app);
        }
        Ok(app)
    }

    /// Connects to what replicas share, if the configuration of the last app names it. If that
    /// fails, it is tried again in the background.
    pub async fn connect(&self) {
        #[cfg(feature = "redis")]
        if let Some(redis) = self.redis() {
            redis.connect().await;
        }
    }

    /// Whether the Redis that this configuration names for its replicas answers, and where it is.
    /// `None` if it names none.
    ///
    /// # Errors
    /// [`WiringError`] if its settings are of no use, or if this program knows no Redis.
    pub async fn reach_redis(&self, config: &Config) -> Result<Option<(String, bool)>, WiringError> {
        #[cfg(feature = "redis")]
        {
            let shared = SharedState::of(config, &self.world_of(config));
            let shared = shared.map_err(|source| WiringError::Redis { key: COORDINATION_REDIS, source })?;
            let Some(SharedState { redis, .. }) = shared else { return Ok(None) };
            Ok(Some((redis.settings().address(), redis.connect().await)))
        }
        #[cfg(not(feature = "redis"))]
        match config.general_settings.coordination_redis {
            Some(_) => Err(WiringError::NoRedis { key: COORDINATION_REDIS }),
            None => Ok(None),
        }
    }

    /// Does what is done beside answering requests, until the future is dropped: writes the state
    /// file whenever something has changed, and runs batches.
    pub async fn keep(&self) {
        let counts = async {
            loop {
                tokio::time::sleep(KEEP_EVERY).await;
                self.write_state_file();
            }
        };
        tokio::join!(counts, self.run_batches());
    }

    async fn run_batches(&self) {
        // A reload may bring the first store.
        let runner = loop {
            match self.batches() {
                Some(runner) => break runner,
                None => tokio::time::sleep(KEEP_EVERY).await,
            }
        };
        runner.run().await;
    }

    fn batches(&self) -> Option<Arc<BatchRunner>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).batches.clone()
    }

    /// Ends what runs beside requests, tells replicas, and writes to the state file, what they do not
    /// know yet: at the end of a process.
    pub async fn finish(&self) {
        if let Some(runner) = self.batches() {
            runner.finish().await;
        }
        self.write_state_file();
        #[cfg(feature = "redis")]
        if let Some(redis) = self.redis() {
            redis.flush().await;
        }
    }

    fn write_state_file(&self) {
        let ledger = self.kept.lock().unwrap_or_else(PoisonError::into_inner).ledger.clone();
        if let Some(Err(error)) = ledger.map(|ledger| ledger.write()) {
            let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            tracing::warn!(target: "sagewire::proxy", cause, "{error}");
        }
    }

    #[cfg(feature = "redis")]
    fn redis(&self) -> Option<Arc<sagewire_redis::Redis>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.shared.as_ref().map(|shared| Arc::clone(&shared.redis))
    }

    /// How a configuration differs from the one that the last app was made of.
    pub(crate) fn changes(&self, config: &Config) -> Vec<String> {
        config.changes_since(&self.config().map_or_else(Default::default, |before| before.summary()))
    }

    /// Ends when there is another configuration.
    pub(crate) async fn is_reconfigured(&self) {
        self.reconfigured.notified().await;
    }

    /// The world as the configuration's calls see it: the file's `environment_variables` stand
    /// before those of the process.
    #[must_use]
    pub fn world_of(&self, config: &Config) -> World {
        let overlay = Overlay::new(config.environment_variables.clone(), Arc::clone(self.world.env()));
        self.world.to_builder().with_env(overlay).build()
    }

    /// The provider, with its connections; a new one only where the file's own environment has
    /// changed.
    fn sagemaker(&self, config: &Config, kept: &mut KeptOverReloads) -> Result<(World, SageMaker), WiringError> {
        let variables = &config.environment_variables;
        if let Some((known, world, sagemaker)) = &kept.sagemaker
            && known == variables
        {
            return Ok((world.clone(), sagemaker.clone()));
        }
        let world = self.world_of(config);
        let results = S3Results::new(Buckets::new(AwsParams::default(), world.clone()));
        let mut builder = SageMaker::builder().world(world.clone()).async_objects(Arc::new(results));
        if let Some(transport) = &self.transport {
            builder = builder.transport(Arc::clone(transport));
        }
        let sagemaker = builder.build().map_err(WiringError::Provider)?;
        kept.sagemaker = Some((variables.clone(), world.clone(), sagemaker.clone()));
        // They were found in the old environment.
        kept.credentials = CredentialShelf::default();
        Ok((world, sagemaker))
    }
}

/// Where the keys' use is counted, if it is not the app's own memory. The first app decides it;
/// those after a reload go on with it.
fn counted(
    config: &Config,
    world: &World,
    kept: &mut KeptOverReloads,
    is_reload: bool,
) -> Result<Option<Arc<dyn Ledger>>, WiringError> {
    #[cfg(feature = "redis")]
    {
        if is_reload {
            let same = match &kept.shared {
                Some(shared) => shared.is_of(config),
                None => config.general_settings.coordination_redis.is_none(),
            };
            if !same {
                tracing::warn!(target: "sagewire::proxy", "a change of `general_settings.coordination_redis` takes effect at the next start");
            }
            return Ok(None);
        }
        let shared = SharedState::of(config, world);
        if let Some(shared) = shared.map_err(|source| WiringError::Redis { key: COORDINATION_REDIS, source })? {
            kept.router_state = Some(Arc::clone(&shared.router_state) as Arc<dyn RouterState>);
            let ledger: Arc<dyn Ledger> = Arc::clone(&shared.ledger) as Arc<dyn Ledger>;
            kept.shared = Some(shared);
            return Ok(Some(ledger));
        }
    }
    #[cfg(not(feature = "redis"))]
    {
        let _ = world;
        if config.general_settings.coordination_redis.is_some() {
            return Err(WiringError::NoRedis { key: COORDINATION_REDIS });
        }
    }
    let Some(path) = config.sagewire_settings.state_file.as_ref().filter(|_| !is_reload) else { return Ok(None) };
    let ledger = Arc::new(FileLedger::open(path, Clock::system())?);
    kept.ledger = Some(Arc::clone(&ledger));
    Ok(Some(ledger))
}
