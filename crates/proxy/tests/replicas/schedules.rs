//! Random schedules: which replica is asked by whom, when a container fails, and how Redis does, all from one seed.

use std::{path::PathBuf, sync::Mutex};

use async_trait::async_trait;
use futures_util::{StreamExt as _, future::join_all, stream};
use sagewire_emulator::{Container, ContainerReply, Emulator, Invocation, Messages};
use tokio::time::Instant;

use super::{
    App, Bytes, Full, Redis, Request, Wiring, ask_with, readiness, send, started, until,
    weather::{Relay, Weather},
};

const SCHEDULES: u64 = 12;
const REPLICAS: usize = 3;
const STEPS: usize = 90;
/// Requests under way at the same time.
const AT_ONCE: usize = 6;
/// What the key `few` has a minute.
const FEW: usize = 12;

/// A container that fails as often as not.
#[derive(Debug)]
struct Sick {
    chance: Mutex<fastrand::Rng>,
    otherwise: Messages,
}

#[async_trait]
impl Container for Sick {
    async fn invoke(&self, invocation: Invocation) -> ContainerReply {
        let fails = self.chance.lock().unwrap().bool();
        if fails { ContainerReply::new(500, "text/plain", "sick") } else { self.otherwise.invoke(invocation).await }
    }
}

/// Who asks, and what becomes of the answer.
#[derive(Clone, Copy, Debug)]
enum Caller {
    /// Has more than it can use: each of its requests is answered.
    Team,
    /// Has few requests.
    Few,
    /// The same, and goes away when the answer has begun.
    FewWhoLeave,
}

#[derive(Clone, Copy, Debug)]
struct Step {
    changes: Option<Weather>,
    /// Whether Redis loses everything.
    flushes: bool,
    replica: usize,
    caller: Caller,
}

fn drawn(rng: &mut fastrand::Rng, may_flush: bool) -> Vec<Step> {
    let step = |at: usize| Step {
        changes: (at % 7 == 6).then(|| Weather::ALL[rng.usize(..Weather::ALL.len())]),
        flushes: may_flush && rng.u32(..30) == 0,
        replica: rng.usize(..REPLICAS),
        caller: [Caller::Team, Caller::Team, Caller::Few, Caller::FewWhoLeave][rng.usize(..4)],
    };
    (0..STEPS).map(step).collect()
}

/// Every schedule, with what must hold after each.
pub(crate) async fn all(program: PathBuf) {
    for seeds in (0..SCHEDULES).collect::<Vec<_>>().chunks(3) {
        join_all(seeds.iter().map(|seed| schedule(&program, *seed))).await;
    }
}

async fn schedule(program: &std::path::Path, seed: u64) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let may_flush = seed % 3 == 2;
    let steps = drawn(&mut rng, may_flush);
    let redis = Redis::start(program);
    let relay = Relay::start(redis.port).await;
    let emulator = Emulator::builder()
        .endpoint("sick", Sick { chance: Mutex::new(rng), otherwise: Messages::new() })
        .start()
        .await
        .unwrap();
    let mut proxies: Vec<(Wiring, App)> = Vec::new();
    for _ in 0..REPLICAS {
        proxies.push(replica(&emulator, relay.port).await);
    }
    // When all have come back each of them has seen the others.
    relay.set(Weather::Refused);
    all_are(&proxies, "unavailable", &relay).await;
    relay.set(Weather::Fair);
    all_are(&proxies, "connected", &relay).await;

    let began = Instant::now();
    let (spent, answered) = (Mutex::new(0), Mutex::new(0));
    let asking = stream::iter(steps).for_each_concurrent(AT_ONCE, async |step| {
        if step.flushes {
            redis.connect().await.command(&["FLUSHALL"]).await;
        }
        if let Some(weather) = step.changes {
            relay.set(weather);
            if weather == Weather::Fair {
                all_are(&proxies, "connected", &relay).await;
            }
        }
        let app = &proxies[step.replica].1;
        let told = format!("seed {seed}: {step:?}");
        match step.caller {
            Caller::Team => {
                let (status, body) = ask_with(app, "sk-team").await;
                assert_eq!(status, 200, "{told}: a deployment is well: {body}");
                *spent.lock().unwrap() += body["usage"]["total_tokens"].as_u64().unwrap();
            }
            Caller::Few => match ask_with(app, "sk-few").await {
                (200, _) => *answered.lock().unwrap() += 1,
                (status, body) => assert_eq!(status, 429, "{told}: {body}"),
            },
            Caller::FewWhoLeave => match leave(app).await {
                200 => *answered.lock().unwrap() += 1,
                status => assert_eq!(status, 429, "{told}"),
            },
        }
    });
    tokio::time::timeout(std::time::Duration::from_secs(120), asking).await.expect("a request waits for Redis");

    relay.set(Weather::Fair);
    all_are(&proxies, "connected", &relay).await;
    let (spent, answered) = (spent.into_inner().unwrap(), answered.into_inner().unwrap());
    if !may_flush {
        // With Redis all of them together, and without it each its share.
        let a_minute = FEW + REPLICAS * FEW.div_ceil(REPLICAS);
        let minutes = 1 + usize::try_from(began.elapsed().as_secs() / 60).unwrap();
        assert!((1..=a_minute * minutes).contains(&answered), "seed {seed}: {answered}");
    }
    until(async || {
        let mut known = Vec::new();
        for (_, app) in &proxies {
            known.push(spent_by_team(app).await);
        }
        let agree = known.windows(2).all(|two| two[0] == two[1]);
        agree && if may_flush { known[0] <= spent } else { known[0] == spent }
    })
    .await;
    let mut connection = redis.connect().await;
    until(async || !connection.has_keys("*:places").await && !connection.has_keys("*:calls").await).await;
}

async fn replica(emulator: &Emulator, redis: u16) -> (Wiring, App) {
    const LIMITS: &str = "rpm: 100000, tpm: 100000000, max_parallel_requests: 50";
    let model = |endpoint: &str| {
        format!(
            "{{model_name: m, litellm_params: {{model: sagemaker_chat/{endpoint}, {LIMITS}}}, model_info: {{id: {endpoint}}}}}"
        )
    };
    let yaml = format!(
        "model_list: [{}, {}]\n\
         router_settings: {{num_retries: 3, redis_host: 127.0.0.1, redis_port: {redis}}}\n\
         general_settings: {{master_key: sk-master}}\n\
         sagewire_settings: {{keys: [{{name: team, key: sk-team, rpm: 100000, token_budget: 100000000}}, \
         {{name: few, key: sk-few, rpm: {FEW}, tpm: 1000000}}]}}\n",
        model("messages"),
        model("sick")
    );
    started(emulator, &yaml).await
}

/// Waits until each replica sees Redis so, or the weather is another than it is now.
async fn all_are(proxies: &[(Wiring, App)], state: &str, relay: &Relay) {
    let weather = relay.get();
    until(async || {
        for (_, app) in proxies {
            // What is asked shows that Redis does not answer.
            assert_eq!(ask_with(app, "sk-master").await.0, 200);
            let (status, body) = readiness(app).await;
            assert_eq!(status, 200, "it stays ready: {body}");
            if body["shared_state"] != state && relay.get() == weather {
                return false;
            }
        }
        true
    })
    .await;
}

/// Asks for a stream and reads nothing of it.
async fn leave(app: &App) -> u16 {
    let body = r#"{"model": "m", "messages": [{"role": "user", "content": "Hello"}], "stream": true}"#;
    let request = Request::post("/v1/chat/completions").header("authorization", "Bearer sk-few");
    app.answer(request.body(Full::new(Bytes::from(body))).unwrap()).await.status().as_u16()
}

async fn spent_by_team(app: &App) -> u64 {
    let request = Request::get("/key/info").header("authorization", "Bearer sk-team");
    let (status, info) = send(app, request.body(Full::new(Bytes::new())).unwrap()).await;
    assert_eq!(status, 200, "{info}");
    info["info"]["tokens_spent"].as_u64().unwrap()
}
