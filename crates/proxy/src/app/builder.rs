//! Putting an app together.

use std::sync::Arc;

use sagewire_router::SharedResponses;
use sagewire_types::Provider;

use super::{App, AppSettings, HealthRecords, Insight, Lasting, ModelTable, ServedModel, State};
use crate::{
    batches::Batches,
    callers::{Admission, ExpectedOutputs, KeyDigest, Keyring, Ledger, MASTER, MemoryLedger, WrongKeys},
    clock::Clock,
    config::{CallerKey, Config},
    http::{cors::Cors, request_id::RequestIds, responses::store::ResponseStore},
    limits::Limits,
    telemetry::SpanSink,
};

/// Puts an [`App`] together. Setters may be called in any order; a later call of one wins.
#[derive(Debug, Default)]
#[must_use]
pub struct AppBuilder {
    provider: Option<Arc<dyn Provider>>,
    models: Vec<ServedModel>,
    keyring: Keyring,
    origins: Option<Vec<String>>,
    hosts: Vec<String>,
    limits: Limits,
    settings: AppSettings,
    insight: Option<Arc<dyn Insight>>,
    spans: Option<Arc<dyn SpanSink>>,
    ledger: Option<Arc<dyn Ledger>>,
    shared_responses: Option<Arc<dyn SharedResponses>>,
    clock: Option<Clock>,
    batches: Option<Arc<Batches>>,
    previous: Option<App>,
    may_be_empty: bool,
}

/// Why an app cannot be put together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppError {
    /// There is nothing that answers.
    #[error("the app has no provider: give it one with `provider`")]
    NoProvider,
    /// There is nothing to ask for.
    #[error("the app has no model: name at least one with `model`")]
    NoModel,
    /// The master key is of no use.
    #[error("the master key {0}")]
    MasterKey(&'static str),
}

impl AppBuilder {
    /// Sets what answers every call.
    pub fn provider(mut self, provider: Arc<dyn Provider>) -> Self {
        self.provider = Some(provider);
        self
    }

    /// Adds a model that callers may ask for.
    pub fn model(mut self, model: ServedModel) -> Self {
        self.models.push(model);
        self
    }

    /// Adds models that callers may ask for.
    pub fn models(mut self, models: impl IntoIterator<Item = ServedModel>) -> Self {
        self.models.extend(models);
        self
    }

    /// Sets the key that may do everything: the key itself. It is kept as its digest alone.
    pub fn master_key(mut self, key: &str) -> Self {
        self.keyring.master = Some(KeyDigest::of(key));
        self
    }

    /// Adds a key with rights and limits of its own.
    pub fn caller_key(mut self, key: CallerKey) -> Self {
        self.keyring.keys.push(Arc::new(key));
        self
    }

    /// Sets what a request may use.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Takes keys, limits and settings from a configuration. Its deployments are the wiring's.
    pub fn settings(mut self, config: &Config) -> Self {
        let general = &config.general_settings;
        let own = &config.sagewire_settings;
        self.keyring = Keyring {
            master: general.master_key,
            keys: own.keys.iter().cloned().map(Arc::new).collect(),
            header: general.key_header_name.clone(),
        };
        self.origins = own.cors.allow_origins.clone();
        self.hosts = own.allowed_hosts.clone();
        self.limits = own.limits;
        if let Some(limit) = general.max_parallel_requests {
            self.limits.concurrent = limit;
        }
        if let Some(limit) = general.max_request_bytes {
            self.limits.body_bytes = limit;
        }
        self.settings = AppSettings::from_config(config);
        self
    }

    /// Sets who knows more about what lies behind the provider.
    pub fn insight(mut self, insight: Arc<dyn Insight>) -> Self {
        self.insight = Some(insight);
        self
    }

    /// Sets where the requests' spans go. They go there after a reload, too.
    pub fn spans(mut self, sink: Arc<dyn SpanSink>) -> Self {
        self.spans = Some(sink);
        self
    }

    /// Sets where the keys' use is counted, in place of this process's memory.
    pub fn ledger(mut self, ledger: Arc<dyn Ledger>) -> Self {
        self.ledger = Some(ledger);
        self
    }

    /// Sets where stored responses are kept for all replicas, beside this process's memory.
    pub fn shared_responses(mut self, shared: Arc<dyn SharedResponses>) -> Self {
        self.shared_responses = Some(shared);
        self
    }

    /// Sets the clock, in place of the system's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Sets where files and batches are.
    pub(crate) fn batches(mut self, batches: Arc<Batches>) -> Self {
        self.batches = Some(batches);
        self
    }

    /// Goes on counting where another app stopped: after a reload of the configuration.
    pub fn continuing(mut self, previous: &App) -> Self {
        self.previous = Some(previous.clone());
        self
    }

    /// Takes an app without models, to which models come later.
    pub fn allow_no_models(mut self) -> Self {
        self.may_be_empty = true;
        self
    }

    /// The app.
    ///
    /// # Errors
    /// [`AppError`] where something is missing.
    pub fn build(self) -> Result<App, AppError> {
        let provider = self.provider.ok_or(AppError::NoProvider)?;
        if self.models.is_empty() && !self.may_be_empty {
            return Err(AppError::NoModel);
        }
        if self.keyring.master == Some(KeyDigest::of("")) {
            return Err(AppError::MasterKey("is empty: set a secret one, or remove it"));
        }
        let previous_spans = self.previous.as_ref().and_then(|previous| previous.state().spans.clone());
        let lasting = self.previous.map(|previous| Arc::clone(previous.lasting())).unwrap_or_else(|| {
            Arc::new(Lasting {
                metrics: Arc::default(),
                ledger: self.ledger.unwrap_or_else(|| Arc::new(MemoryLedger::default())),
                admission: Arc::new(Admission::default()),
                wrong_keys: WrongKeys::default(),
                request_ids: RequestIds::default(),
                health: HealthRecords::default(),
                expected_outputs: ExpectedOutputs::default(),
                responses: ResponseStore::shared(self.shared_responses),
                uploads: Arc::default(),
            })
        });
        let mut id_sources = Vec::new();
        for source in self.models.iter().flat_map(|model| &model.deployments).flat_map(|one| &one.id_sources) {
            if !id_sources.contains(source) {
                id_sources.push(source.clone());
            }
        }
        let models = ModelTable::new(self.models, &lasting.metrics, &lasting.expected_outputs);
        lasting.metrics.forget_others(&|model| models.iter().any(|known| known.name == model), &|name| {
            self.keyring.master.is_some() && name == MASTER || self.keyring.keys.iter().any(|key| key.name == name)
        });
        Ok(App::new(State {
            provider,
            models,
            id_sources,
            cors: Cors::new(self.origins.as_deref(), self.hosts, !self.keyring.is_empty()),
            keyring: self.keyring,
            limits: self.limits,
            settings: self.settings,
            insight: self.insight,
            spans: self.spans.or(previous_spans),
            clock: self.clock.unwrap_or_else(Clock::system),
            batches: self.batches,
            lasting,
        }))
    }
}
