//! Several proxies over one Redis, each with a connection of its own, as replicas in processes of
//! their own have it.
//!
//! Needs `SAGEWIRE_REDIS_SERVER`; without it every test is reported as ignored.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

use std::{path::PathBuf, time::Duration};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use libtest_mimic::{Arguments, Failed, Trial};
use sagewire::credentials::seam::{MapEnv, World};
use sagewire_emulator::{EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY, Emulator};
use sagewire_proxy::{App, Config, Wiring};
use serde_json::Value;

use self::{processes::Trouble, redis_server::Redis};

mod processes;
mod redis_server;
mod round_trips;
mod schedules;
mod weather;

fn main() {
    let program = sagewire_test_programs::redis_server();
    let trial = |name: &str, test: fn(PathBuf) -> Result<(), Failed>| -> Trial {
        program.trial(name, move |program: &PathBuf| test(program.clone()))
    };
    let mut trials = vec![
        trial("a_keys_requests_are_exact_over_three_proxies", |program| run(requests_are_exact(program))),
        trial("a_deployments_requests_are_exact_over_three_proxies", |program| run(deployments_are_exact(program))),
        trial("a_budget_goes_on_after_every_proxy_was_restarted", |program| run(budgets_go_on(program))),
        trial("a_stored_response_is_every_replicas_and_its_keys_alone", |program| run(responses_are_shared(program))),
        trial("no_request_fails_because_redis_is_killed", |program| run(redis_is_killed(program))),
        trial("a_call_waits_for_one_round_trip_and_for_none_after_it", |program| run(round_trips::one(program))),
        trial("a_refused_key_takes_nothing_of_its_deployment", |program| run(round_trips::refused(program))),
        trial("no_schedule_of_faults_fails_a_request_or_loses_a_count", |program| run(schedules::all(program))),
        trial("processes::ten_thousand_requests_and_not_one_more", |program| run(processes::exact(program))),
        trial("processes::places_of_a_killed_proxy_come_back", |program| run(processes::killed(program))),
        trial("processes::redis_is_killed", |program| run(processes::trouble(program, Trouble::Killed))),
        trial("processes::redis_is_slow", |program| run(processes::trouble(program, Trouble::Slow))),
        trial("processes::redis_is_flushed", |program| run(processes::trouble(program, Trouble::Flushed))),
    ];
    #[cfg(unix)]
    trials.push(trial("processes::redis_is_paused", |program| run(processes::trouble(program, Trouble::Paused))));
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn run(test: impl Future<Output = ()>) -> Result<(), Failed> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(test);
    Ok(())
}

const LIMITED_KEY: &str = "keys: [{name: team, key: sk-team, rpm: 40}]";
const BUDGET_KEY: &str = "keys: [{name: team, key: sk-team, token_budget: 60, budget_duration: 30d}]";
const FREE_KEY: &str = "keys: [{name: team, key: sk-team}]";

/// A proxy with nothing of another one but Redis, which it gives up after so many seconds.
async fn proxy(emulator: &Emulator, redis: u16, keys: &str, params: &str, patience: f64) -> (Wiring, App) {
    let yaml = format!(
        "model_list: [{{model_name: m, litellm_params: {{model: sagemaker_chat/messages{params}}}, model_info: {{id: d}}}}]\n\
         router_settings: {{num_retries: 0, redis_host: 127.0.0.1, redis_port: {redis}}}\n\
         general_settings: {{master_key: sk-master, coordination_redis: {{timeout: {patience}}}}}\n\
         sagewire_settings: {{{keys}}}\n"
    );
    started(emulator, &yaml).await
}

/// A proxy of this configuration, which calls the emulator.
async fn started(emulator: &Emulator, yaml: &str) -> (Wiring, App) {
    let env = MapEnv::from([
        ("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", emulator.url().as_str()),
        ("AWS_ACCESS_KEY_ID", EXAMPLE_ACCESS_KEY_ID),
        ("AWS_SECRET_ACCESS_KEY", EXAMPLE_SECRET_ACCESS_KEY),
        ("AWS_REGION", "us-east-1"),
    ]);
    let world = World::builder().with_env(env).build();
    let (config, warnings) = Config::from_yaml(yaml, &|name| world.var(name)).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    let wiring = Wiring::new(world);
    let app = wiring.app(&config, None).unwrap();
    wiring.connect().await;
    (wiring, app)
}

async fn ask(app: &App) -> (u16, Value) {
    ask_with(app, "sk-team").await
}

async fn ask_with(app: &App, key: &str) -> (u16, Value) {
    let body = r#"{"model": "m", "messages": [{"role": "user", "content": "Hello"}]}"#;
    let request = Request::post("/v1/chat/completions").header("authorization", format!("Bearer {key}"));
    send(app, request.body(Full::new(Bytes::from(body))).unwrap()).await
}

/// A stream is read to its end; its events are no JSON.
async fn ask_for_stream(app: &App) -> (u16, Value) {
    let body = r#"{"model": "m", "messages": [{"role": "user", "content": "Hello"}], "stream": true}"#;
    let request = Request::post("/v1/chat/completions").header("authorization", "Bearer sk-team");
    send(app, request.body(Full::new(Bytes::from(body))).unwrap()).await
}

/// Looks again and again until something is so.
async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), looking).await.expect("it has not become so within a minute");
}

async fn readiness(app: &App) -> (u16, Value) {
    send(app, Request::get("/health/readiness").body(Full::new(Bytes::new())).unwrap()).await
}

async fn send(app: &App, request: Request<Full<Bytes>>) -> (u16, Value) {
    let response = app.answer(request).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

async fn answered(proxies: &[(Wiring, App)], requests: usize) -> usize {
    let mut answered = 0;
    for (_, app) in proxies.iter().cycle().take(requests) {
        match ask(app).await {
            (200, _) => answered += 1,
            (status, body) => assert_eq!(status, 429, "{body}"),
        }
    }
    answered
}

async fn three(emulator: &Emulator, redis: &Redis, keys: &str, params: &str) -> Vec<(Wiring, App)> {
    let mut proxies = Vec::new();
    for _ in 0..3 {
        proxies.push(proxy(emulator, redis.port, keys, params, 30.0).await);
    }
    proxies
}

async fn requests_are_exact(program: PathBuf) {
    let (emulator, redis) = (Emulator::start().await.unwrap(), Redis::start(&program));
    let proxies = three(&emulator, &redis, LIMITED_KEY, "").await;
    assert_eq!(answered(&proxies, 50).await, 40);
}

async fn deployments_are_exact(program: PathBuf) {
    let (emulator, redis) = (Emulator::start().await.unwrap(), Redis::start(&program));
    let proxies = three(&emulator, &redis, FREE_KEY, ", rpm: 40").await;
    assert_eq!(answered(&proxies, 50).await, 40);
}

async fn budgets_go_on(program: PathBuf) {
    let (emulator, redis) = (Emulator::start().await.unwrap(), Redis::start(&program));
    let proxies = three(&emulator, &redis, BUDGET_KEY, "").await;
    let before = answered(&proxies, 60).await;
    assert!((1..60).contains(&before), "{before}");
    for (wiring, _) in &proxies {
        wiring.finish().await;
    }
    drop(proxies);
    let proxies = three(&emulator, &redis, BUDGET_KEY, "").await;
    assert_eq!(answered(&proxies, 3).await, 0, "the budget was spent before the restart");
}

/// Whether a configuration that names this Redis finds it.
async fn is_reached(redis: &Redis) -> bool {
    let yaml = format!(
        "model_list: [{{model_name: m, litellm_params: {{model: sagemaker/e}}}}]\n\
         general_settings: {{coordination_redis: {{url: 'redis://127.0.0.1:{}'}}}}\n",
        redis.port
    );
    let (config, _) = Config::from_yaml(&yaml, &|_| None).unwrap();
    let world = World::builder().with_env(MapEnv::new()).build();
    let (address, answers) = Wiring::new(world).reach_redis(&config).await.unwrap().unwrap();
    assert_eq!(address, format!("127.0.0.1:{}", redis.port));
    answers
}

async fn responses_are_shared(program: PathBuf) {
    const KEYS: &str =
        "keys: [{name: team, key: sk-team}, {name: other, key: sk-other}], response_store: {max_responses: 100}";
    let (emulator, mut redis) = (Emulator::start().await.unwrap(), Redis::start(&program));
    let proxies = three(&emulator, &redis, KEYS, "").await;
    let [(_, one), (_, two), (_, three)] = proxies.as_slice() else { panic!("three proxies") };
    let asked = |body: &str| {
        Request::post("/v1/responses")
            .header("authorization", "Bearer sk-team")
            .body(Full::new(Bytes::from(body.to_owned())))
            .unwrap()
    };
    let (status, first) = send(one, asked(r#"{"model": "m", "input": "My name is Ada."}"#)).await;
    assert_eq!((status, &first["store"]), (200, &Value::from(true)), "{first}");
    let (id, item) = (first["id"].as_str().unwrap(), first["output"][0]["id"].as_str().unwrap());
    let found = |method: &str, key: &str| {
        let request = Request::builder().method(method).uri(format!("/v1/responses/{id}"));
        request.header("authorization", format!("Bearer {key}")).body(Full::new(Bytes::new())).unwrap()
    };
    assert_eq!(send(two, found("GET", "sk-team")).await, (200, first.clone()));
    for key in ["sk-other", "sk-master"] {
        assert_eq!(send(two, found("GET", key)).await.0, 404, "{key}");
        assert_eq!(send(two, found("DELETE", key)).await.0, 404, "{key}");
    }
    let next = format!(
        r#"{{"model": "m", "input": [{{"type": "item_reference", "id": "{item}"}}, {{"role": "user", "content": "Who?"}}], "previous_response_id": "{id}"}}"#
    );
    let (status, second) = send(three, asked(&next)).await;
    assert_eq!((status, second["previous_response_id"].as_str()), (200, Some(id)), "{second}");

    assert_eq!(send(two, found("DELETE", "sk-team")).await.0, 200);
    for app in [one, two, three] {
        assert_eq!(send(app, found("GET", "sk-team")).await.0, 404, "what is deleted is gone everywhere");
    }

    let (_, third) = send(one, asked(r#"{"model": "m", "input": "Hello"}"#)).await;
    redis.kill();
    let id = third["id"].as_str().unwrap();
    let found = |method: &str| {
        let request = Request::builder().method(method).uri(format!("/v1/responses/{id}"));
        request.header("authorization", "Bearer sk-team").body(Full::new(Bytes::new())).unwrap()
    };
    assert_eq!(send(one, found("GET")).await.0, 200, "the replica that answered still has it");
    assert_eq!(send(two, found("GET")).await.0, 404);
    assert_eq!(send(one, found("DELETE")).await.0, 503, "the others would not know");
}

async fn redis_is_killed(program: PathBuf) {
    let (emulator, mut redis) = (Emulator::start().await.unwrap(), Redis::start(&program));
    let params = ", rpm: 1000, tpm: 1000000, max_parallel_requests: 10";
    let (_wiring, app) = proxy(&emulator, redis.port, LIMITED_KEY, params, 0.05).await;
    assert_eq!(readiness(&app).await.1["shared_state"], "connected");
    assert!(is_reached(&redis).await);
    for at in 0..20 {
        if at == 10 {
            redis.kill();
        }
        let (status, body) = ask(&app).await;
        assert_eq!(status, 200, "request {at}: {body}");
    }
    assert!(!is_reached(&redis).await);
    let (status, body) = readiness(&app).await;
    assert_eq!((status, &body["shared_state"]), (200, &Value::from("unavailable")), "it stays ready: {body}");
    drop(redis);
    tokio::time::timeout(Duration::from_secs(30), emulator.shutdown()).await.unwrap();
}
