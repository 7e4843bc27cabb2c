//! What the server serves: a provider, the models it is asked for, who may ask, and how much.
//!
//! Owns the state of one configuration, and what outlives a reload of it. Requests are answered in
//! `routes`.

use std::{sync::Arc, time::Duration};

use axum::Router;
use sagewire::sagemaker::IdSource;
use sagewire_types::Provider;
use tower_service::Service as _;

pub use builder::{AppBuilder, AppError};
pub use insight::{Insight, Resting};
pub use served::{Probe, ServedDeployment, ServedModel};

use self::uploads::Uploads;
pub(crate) use self::{
    models::{Model, ModelTable},
    probes::HealthRecords,
    settings::AppSettings,
};
use crate::{
    batches::Batches,
    callers::{Admission, ExpectedOutputs, Keyring, Ledger, WrongKeys},
    clock::Clock,
    http::{cors::Cors, request_id::RequestIds, response::Body, responses::store::ResponseStore},
    limits::Limits,
    telemetry::{Gauge, Metrics, SpanSink},
};

mod builder;
mod insight;
mod models;
pub(crate) mod probes;
mod served;
mod settings;
mod uploads;

/// The service that a [`Server`](crate::Server) serves. A clone is the same one.
///
/// ```
/// use std::sync::Arc;
///
/// use sagewire_proxy::{App, ServedModel};
/// # use sagewire_types::{Answer, Call, CallContext, ChatResponse, Error, FinishReason, Provider, Reply};
/// # #[derive(Debug)]
/// # struct MyProvider;
/// # #[async_trait::async_trait]
/// # impl Provider for MyProvider {
/// #     async fn call(&self, call: Call, _: &CallContext) -> Result<Answer, Error> {
/// #         Ok(Reply::new(ChatResponse::text(call.model(), "hi", FinishReason::Stop)).into())
/// #     }
/// # }
///
/// let app = App::builder()
///     .provider(Arc::new(MyProvider))
///     .model(ServedModel::new("my-model"))
///     .master_key("sk-1234")
///     .build()?;
/// assert!(app.asks_for_key());
/// # Ok::<(), sagewire_proxy::AppError>(())
/// ```
#[derive(Clone, Debug)]
pub struct App {
    state: Arc<State>,
    router: Router,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) models: ModelTable,
    /// What deployments derive ids from: a fallback may lead to any of them.
    pub(crate) id_sources: Vec<IdSource>,
    pub(crate) keyring: Keyring,
    pub(crate) cors: Cors,
    pub(crate) limits: Limits,
    pub(crate) settings: AppSettings,
    pub(crate) insight: Option<Arc<dyn Insight>>,
    pub(crate) spans: Option<Arc<dyn SpanSink>>,
    pub(crate) clock: Clock,
    /// Files and batches, if they are kept.
    pub(crate) batches: Option<Arc<Batches>>,
    pub(crate) lasting: Arc<Lasting>,
}

/// What outlives a reload: counters, and the requests at work.
#[derive(Debug)]
pub(crate) struct Lasting {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) admission: Arc<Admission>,
    pub(crate) wrong_keys: WrongKeys,
    pub(crate) request_ids: RequestIds,
    pub(crate) health: HealthRecords,
    pub(crate) expected_outputs: ExpectedOutputs,
    pub(crate) responses: ResponseStore,
    pub(crate) uploads: Arc<Uploads>,
}

impl State {
    /// The numbers that are read when somebody asks for them.
    #[expect(clippy::cast_precision_loss, reason = "no count of requests is near 2^52")]
    pub(crate) async fn gauges(&self) -> Vec<Gauge> {
        let count = |name, help, value: usize| Gauge::new(name, help, value as f64);
        let admission = &self.lasting.admission;
        let mut gauges = vec![
            count("sagewire_requests_in_flight", "Requests at work.", admission.at_work()),
            count("sagewire_requests_queued", "Requests that wait for their turn.", admission.waiting()),
            Gauge::new("sagewire_upload_bytes", "Bytes of uploads that are held.", self.lasting.uploads.held() as f64),
        ];
        if let Some(insight) = &self.insight {
            gauges.extend(insight.gauges().await);
        }
        gauges
    }
}

impl App {
    fn new(state: State) -> Self {
        let state = Arc::new(state);
        Self { router: crate::http::router(Arc::clone(&state)), state }
    }

    /// Starts a new app.
    pub fn builder() -> AppBuilder {
        AppBuilder::default()
    }

    /// Whether callers must send a key.
    #[must_use]
    pub fn asks_for_key(&self) -> bool {
        !self.state.keyring.is_empty()
    }

    /// Answers one request, for a server of your own in place of [`Server`](crate::Server): TLS and
    /// the limits of connections are then that server's. Dropping the future, or the body, says
    /// that the caller went away.
    ///
    /// ```
    /// # async fn run(app: sagewire_proxy::App, request: http::Request<http_body_util::Full<bytes::Bytes>>) {
    /// let response = app.answer(request).await;
    /// println!("{}", response.status());
    /// # }
    /// ```
    pub async fn answer<B>(&self, request: http::Request<B>) -> http::Response<Body>
    where
        B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
        B::Error: Into<axum::BoxError>,
    {
        let Ok(response) = self.router.clone().call(request.map(Body::new)).await;
        response
    }

    /// The routes as an [`axum::Router`], which is a [`tower` service](https://docs.rs/tower-service): to be served by a server of your own, or
    /// merged into a larger application.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// The names that `/models` lists to those who may use every model.
    pub fn models(&self) -> impl Iterator<Item = &str> {
        self.state.models.iter().filter(|model| !model.hidden && !model.is_wildcard()).map(|model| model.name.as_str())
    }

    /// The names of models that were found in the account.
    pub fn found_models(&self) -> impl Iterator<Item = &str> {
        self.state.models.iter().filter(|model| model.is_found).map(|model| model.name.as_str())
    }

    /// What answers: where [`Wiring`](crate::Wiring) made the app, the router over the
    /// configuration's deployments.
    #[must_use]
    pub fn provider(&self) -> &Arc<dyn Provider> {
        &self.state.provider
    }

    /// How often every deployment is to be probed in the background, where it is.
    #[must_use]
    pub fn background_health_checks(&self) -> Option<Duration> {
        self.state.settings.background_health_checks
    }

    /// The numbers of the app and of what lies behind it.
    #[cfg_attr(not(feature = "otlp"), expect(dead_code, reason = "only an exporter wants them"))]
    pub(crate) async fn gauges(&self) -> Vec<Gauge> {
        self.state.gauges().await
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    pub(crate) fn lasting(&self) -> &Arc<Lasting> {
        &self.state.lasting
    }
}
