//! One run: an emulator with its faults, a client, and all requests at once.
//!
//! Owns how a schedule is carried out and its evidence gathered. Time is tokio's and paused: no run
//! waits for anything.

use std::{
    sync::{
        Arc, Once,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use futures_util::{Stream, StreamExt as _, future::join_all, stream};
use sagewire::{
    ChatChunk, Client, CompletionResponse, Error, Provider, SageMaker, Settings,
    credentials::{
        Credentials, CredentialsError, ProvideCredentials,
        seam::{Clock, World},
    },
};
use sagewire_emulator::Emulator;
use sagewire_proxy::Ledger;
use sagewire_router::{Circuit, Deployment, Router, RouterSettings};
use sagewire_sagemaker::{ReqwestTransport, Transport};
use sagewire_tests::{
    memory::MemoryTransport,
    observed::{Attempt, Observations, ObservedTransport},
};

use crate::{
    callers::Turn,
    gateway::Gateway,
    model::{End, Evidence, Left, Outcome},
    proxied,
    schedule::{Asked, Kind, Net, Schedule, TARGETS, Way},
    speaker::Speaker,
};

/// No request may take longer, by the run's own time.
const A_DAY: Duration = Duration::from_secs(86_400);
/// How many sessions a run may use up.
const SESSIONS: usize = 40;

/// When a run begins, in seconds since 1970: on 14 November 2023, at 22:13:20.
const BEGINNING: u64 = 1_700_000_000;

/// What is put in a run's way to see whether the model notices.
#[derive(Clone, Copy, Default)]
pub(crate) struct Saboteur {
    pub(crate) provider: Option<fn(Arc<dyn Provider>) -> Arc<dyn Provider>>,
    pub(crate) transport: Option<fn(Arc<dyn Transport>) -> Arc<dyn Transport>>,
    pub(crate) container_lies: bool,
    pub(crate) ledger: Option<fn() -> Arc<dyn Ledger>>,
}

/// A clock that the client moves by a second whenever it looks, so that no two signatures are of
/// the same time.
#[derive(Clone, Debug)]
struct Ticking(Arc<AtomicU64>);

impl Ticking {
    fn new() -> Self {
        Self(Arc::new(AtomicU64::new(BEGINNING)))
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }
}

impl Clock for Ticking {
    fn now(&self) -> SystemTime {
        Self::at(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// A session, and the next one when AWS says that it has expired.
#[derive(Debug, Default)]
struct Sessions(AtomicU64);

fn session(number: u64) -> (String, String, String) {
    (format!("ASIASESSION{number}"), format!("secret-of-session-{number}"), format!("token-of-session-{number}"))
}

#[async_trait]
impl ProvideCredentials for Sessions {
    async fn provide_credentials(&self) -> Result<Credentials, CredentialsError> {
        let (access_key_id, secret, token) = session(self.0.load(Ordering::Relaxed));
        Ok(Credentials::new(access_key_id, secret).with_session_token(token))
    }

    fn invalidate(&self, credentials: &Credentials) {
        let now = self.0.load(Ordering::Relaxed);
        // Of two calls that met the same expiry, one renews.
        if session(now).0 == credentials.access_key_id() {
            let _ = self.0.compare_exchange(now, now + 1, Ordering::Relaxed, Ordering::Relaxed);
        }
    }
}

/// The bytes of a run's thread.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    /// The most that were held at a time.
    pub(crate) most: u64,
    /// What is still held when the run and all that is known of it are gone.
    pub(crate) kept: i64,
}

/// A run with its evidence judged by `judge`, and the memory that it took and did not give back.
///
/// Everything in a run happens on one thread, and so does every allocation. What is set up once for
/// a thread and stays is no loss: where bytes are kept, a second run of the same schedule decides.
pub(crate) fn weighed<T>(schedule: &Schedule, saboteur: Saboteur, judge: impl FnOnce(&Evidence) -> T) -> (T, Memory) {
    let (judged, first) = weigh(schedule, saboteur, judge);
    if first.kept <= 0 {
        return (judged, first);
    }
    let ((), again) = weigh(schedule, saboteur, |_| ());
    (judged, Memory { most: first.most.max(again.most), kept: again.kept })
}

fn weigh<T>(schedule: &Schedule, saboteur: Saboteur, judge: impl FnOnce(&Evidence) -> T) -> (T, Memory) {
    let mut evidence = None;
    let taken = allocation_counter::measure(|| evidence = Some(run(schedule, saboteur)));
    let judged = judge(evidence.as_ref().unwrap());
    let given_back = allocation_counter::measure(|| drop(evidence));
    (judged, Memory { most: taken.bytes_max, kept: taken.bytes_current + given_back.bytes_current })
}

/// Carries a schedule out, in a runtime of its own with its time paused.
pub(crate) fn run(schedule: &Schedule, saboteur: Saboteur) -> Evidence {
    // What a process makes once, such as a tokenizer, another thread may not wait for: its paused time
    // would run on meanwhile.
    static MADE_READY: Once = Once::new();
    MADE_READY.call_once(|| drop(run_alone(&Schedule::quiet(), Saboteur::default())));
    run_alone(schedule, saboteur)
}

fn run_alone(schedule: &Schedule, saboteur: Saboteur) -> Evidence {
    fastrand::seed(schedule.seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(carry_out(schedule, saboteur))
}

async fn carry_out(schedule: &Schedule, saboteur: Saboteur) -> Evidence {
    let clock = Ticking::new();
    let ticks = Arc::clone(&clock.0);
    let emulator = Arc::new(emulator(schedule, &clock, saboteur.container_lies).await);
    let tasks = alive_tasks();
    let seen = Arc::new(Observations::default());
    let (mut spending, mut resting) = (Vec::new(), Vec::new());
    let outcomes = {
        let sagemaker = sagemaker(schedule, &emulator, clock, Arc::clone(&seen), saboteur);
        let provider = provider(&sagemaker, saboteur);
        match schedule.way {
            Way::Provider => {
                join_all(schedule.requests.iter().map(|asked| {
                    let (provider, seen) = (&*provider, &*seen);
                    async move { within_a_day(asked, ask(schedule, provider, seen, asked)).await }
                }))
                .await
            }
            Way::Router => {
                let router = router(schedule, &sagemaker, saboteur);
                let outcomes = join_all(schedule.requests.iter().map(|asked| {
                    let (router, seen) = (&router, &*seen);
                    async move { within_a_day(asked, ask(schedule, router, seen, asked)).await }
                }))
                .await;
                resting = at_rest(&router).await;
                outcomes
            }
            Way::Proxy => {
                let router = Arc::new(router(schedule, &sagemaker, saboteur));
                let proxy = proxied::Proxy::start(Arc::clone(&router) as _, &schedule.keys, saboteur.ledger).await;
                let asking = schedule.requests.iter().map(|asked| {
                    let (proxy, seen) = (&proxy, &*seen);
                    async move { within_a_day(asked, proxy.ask(seen, asked)).await }
                });
                let outcomes = if schedule.in_turn {
                    stream::iter(asking).buffered(1).collect().await
                } else {
                    join_all(asking).await
                };
                spending = proxy.spending().await;
                proxy.stop().await;
                resting = at_rest(&router).await;
                outcomes
            }
        }
    };
    let left = what_is_left(&emulator, tasks, &seen).await;
    let seconds = ticks.load(Ordering::Relaxed) - BEGINNING;
    let sent = seen.attempts();
    let secrets = secrets(schedule, &sent);
    Evidence { outcomes, sent, received: emulator.received(), seconds, left, spending, resting, secrets }
}

/// The ids of the deployments that rest.
async fn at_rest(router: &Router) -> Vec<String> {
    let rests = |circuit: &Circuit| !matches!(circuit, Circuit::Closed);
    let all = router.health().await.into_iter();
    all.filter(|deployment| rests(&deployment.state.circuit)).map(|deployment| deployment.id).collect()
}

/// The sessions' secrets, the callers' keys, and every signature.
fn secrets(schedule: &Schedule, sent: &[Attempt]) -> Vec<String> {
    let sessions = (0..SESSIONS as u64).map(session).flat_map(|(_, secret, token)| [secret, token]);
    let keys = schedule.keys.iter().map(|key| key.secret.to_owned());
    let signatures = sent.iter().filter_map(|attempt| attempt.authorization.split_once("Signature="));
    sessions.chain(keys).chain(signatures.map(|(_, signature)| signature.to_owned())).collect()
}

async fn emulator(schedule: &Schedule, clock: &Ticking, lies: bool) -> Emulator {
    let clock = clock.clone();
    let mut builder = Emulator::builder()
        .no_default_endpoints()
        .no_example_credentials()
        .clock(Arc::new(move || Ticking::at(clock.0.load(Ordering::Relaxed))))
        .chaos(schedule.chaos.clone());
    for number in 0..SESSIONS {
        let (access_key_id, secret, token) = session(number.try_into().unwrap());
        builder = builder.session(access_key_id, secret, token);
    }
    for target in &TARGETS {
        builder = builder.endpoint(target.name, Speaker { tongue: target.tongue, lies });
    }
    builder.start().await.unwrap()
}

fn sagemaker(
    schedule: &Schedule,
    emulator: &Arc<Emulator>,
    clock: Ticking,
    seen: Arc<Observations>,
    saboteur: Saboteur,
) -> SageMaker {
    let mut transport: Arc<dyn Transport> = match schedule.net {
        Net::Memory => MemoryTransport::http1(Arc::clone(emulator)),
        Net::MemoryHttp2 => MemoryTransport::http2(Arc::clone(emulator)),
        Net::Sockets => Arc::new(ReqwestTransport::new(Duration::from_secs(5)).unwrap()),
    };
    transport = ObservedTransport::new(Gateway::new(transport, &schedule.requests), seen);
    if let Some(wrap) = saboteur.transport {
        transport = wrap(transport);
    }
    SageMaker::builder()
        .world(World::builder().with_clock(clock).build())
        .endpoint_url(emulator.url())
        .region("us-east-1")
        .settings(Settings::new().with_credentials(Arc::new(Sessions::default())))
        .transport(transport)
        .build()
        .unwrap()
}

fn provider(sagemaker: &SageMaker, saboteur: Saboteur) -> Arc<dyn Provider> {
    let client: Arc<dyn Provider> = Arc::new(Client::builder().sagemaker(sagemaker.clone()).build());
    saboteur.provider.map_or(Arc::clone(&client), |wrap| wrap(client))
}

fn router(schedule: &Schedule, sagemaker: &SageMaker, saboteur: Saboteur) -> Router {
    let mut settings = RouterSettings::default().with_num_retries(schedule.num_retries);
    settings.allowed_fails = schedule.allowed_fails;
    let mut deployments = Vec::new();
    for target in &TARGETS {
        if let Some(fallback) = target.fallback {
            settings = settings.with_fallbacks(target.name, [fallback]);
        }
        for id in ["a", "b"] {
            let own = target.settings(1).or(sagemaker.settings());
            let provider = provider(&sagemaker.with_settings(own), saboteur);
            let deployment = Deployment::new(target.name, target.model, provider);
            deployments.push(deployment.with_id(format!("{}-{id}", target.name)));
        }
    }
    Router::builder().deployments(deployments).settings(settings).seed(schedule.seed).build().unwrap()
}

async fn within_a_day(asked: &Asked, asking: impl Future<Output = Outcome>) -> Outcome {
    tokio::time::timeout(A_DAY, asking).await.unwrap_or_else(|_| Outcome::of(asked, End::Never))
}

impl Outcome {
    pub(crate) fn of(asked: &Asked, end: End) -> Self {
        Self {
            asked: asked.clone(),
            text: String::new(),
            finished: false,
            end,
            afterwards: 0,
            attempts_at_first_piece: None,
            told_attempts: None,
            shown: String::new(),
            refused_by_key: false,
            turn: Turn::default(),
        }
    }
}

impl Outcome {
    /// Ends with an error, which a program may print in any way.
    fn fail(&mut self, error: &Error) {
        let attempts = usize::try_from(error.attempts()).unwrap();
        self.shown.push_str(&format!("{error} {error:?} {error:#?}"));
        self.end = End::Failed {
            kind: error.kind().to_string(),
            told: error.message().len() > 10,
            attempts: (attempts > 0).then_some(attempts),
        };
    }
}

async fn ask(schedule: &Schedule, provider: &dyn Provider, seen: &Observations, asked: &Asked) -> Outcome {
    let (model, context) = match schedule.way {
        Way::Provider => (asked.target.model, asked.context(schedule.max_attempts)),
        Way::Router | Way::Proxy => (asked.target.name, asked.callers_context()),
    };
    let told = |attempts: u32| Some(usize::try_from(attempts).unwrap());
    let mut outcome = Outcome::of(asked, End::Whole);
    let failed = match asked.kind {
        Kind::Chat => match provider.chat(asked.chat(model), &context).await {
            Ok(reply) => {
                outcome.text = reply.value.content().to_owned();
                outcome.finished = reply.value.choices.iter().any(|choice| choice.finish_reason.is_some());
                outcome.told_attempts = told(reply.meta.attempts);
                None
            }
            Err(error) => Some(error),
        },
        Kind::Completion => match provider.complete(asked.completion(model), &context).await {
            Ok(reply) => {
                outcome.text = reply.value.choices.iter().map(|choice| choice.text.as_str()).collect();
                outcome.finished = reply.value.choices.iter().any(|choice| choice.finish_reason.is_some());
                outcome.told_attempts = told(reply.meta.attempts);
                None
            }
            Err(error) => Some(error),
        },
        Kind::Embedding => match provider.embed(asked.embedding(model), &context).await {
            Ok(reply) => {
                let vectors: Vec<Vec<f32>> = reply.value.data.iter().map(|entry| entry.floats().into_owned()).collect();
                outcome.text = format!("{vectors:?}");
                outcome.told_attempts = told(reply.meta.attempts);
                None
            }
            Err(error) => Some(error),
        },
        Kind::ChatStream => match provider.chat_stream(asked.chat(model), &context).await {
            Ok(stream) => {
                outcome.told_attempts = told(stream.meta.attempts);
                return read(stream, seen, outcome).await;
            }
            Err(error) => Some(error),
        },
        Kind::CompletionStream => match provider.complete_stream(asked.completion(model), &context).await {
            Ok(stream) => {
                outcome.told_attempts = told(stream.meta.attempts);
                return read(stream, seen, outcome).await;
            }
            Err(error) => Some(error),
        },
    };
    if let Some(error) = failed {
        outcome.fail(&error);
    }
    outcome
}

/// What the two kinds of streamed pieces have in common.
trait Piece {
    fn text(&self) -> String;
    fn finished(&self) -> bool;
}

impl Piece for ChatChunk {
    fn text(&self) -> String {
        self.content().to_owned()
    }

    fn finished(&self) -> bool {
        self.choices.iter().any(|choice| choice.finish_reason.is_some())
    }
}

impl Piece for CompletionResponse {
    fn text(&self) -> String {
        self.choices.iter().map(|choice| choice.text.as_str()).collect()
    }

    fn finished(&self) -> bool {
        self.choices.iter().any(|choice| choice.finish_reason.is_some())
    }
}

async fn read<T: Piece>(
    stream: impl Stream<Item = Result<T, Error>>,
    seen: &Observations,
    mut outcome: Outcome,
) -> Outcome {
    let mut stream = std::pin::pin!(stream);
    // The first piece has been decoded when the stream is there.
    outcome.attempts_at_first_piece = Some(seen.attempts_of(outcome.asked.number));
    let mut pieces = 0;
    loop {
        if outcome.asked.abandoned_after.is_some_and(|after| pieces >= after) {
            outcome.end = End::Abandoned;
            return outcome;
        }
        match stream.next().await {
            None => break,
            Some(Ok(piece)) => {
                pieces += 1;
                outcome.text.push_str(&piece.text());
                outcome.finished |= piece.finished();
            }
            Some(Err(error)) => {
                outcome.fail(&error);
                break;
            }
        }
    }
    for _ in 0..3 {
        outcome.afterwards += usize::from(stream.next().await.is_some());
    }
    outcome
}

fn alive_tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

/// What has not gone with its clients. Bodies and all that the client holds go at once; the
/// emulator's end of a connection may sleep in the middle of a fault first, which takes none of our
/// time.
async fn what_is_left(emulator: &Emulator, tasks: usize, seen: &Observations) -> Left {
    let bodies = seen.held();
    for wait in [Duration::from_millis(1), Duration::from_secs(60)] {
        for _ in 0..200 {
            if emulator.open_connections() == 0 && alive_tasks() <= tasks {
                return Left { bodies, ..Left::default() };
            }
            tokio::time::sleep(wait).await;
        }
    }
    Left { connections: emulator.open_connections(), tasks: alive_tasks().saturating_sub(tasks), bodies }
}
