//! Redis goes away and comes back: no request fails for it, and the counts agree afterwards.

use std::{path::PathBuf, sync::Arc, time::Duration};

use futures_util::future::join_all;
use libtest_mimic::Trial;
use sagewire_redis::{Redis, RedisCache, RedisLedger, RedisSettings, RedisState};
use sagewire_router::{
    Admission, Limits, Refusal, RouterState, Terms,
    cache::{AnswerCache, CacheKey, NewAnswer},
    ledger::{self, KeyLimits, Ledger},
};
use sagewire_test_programs::Prepared;

use crate::{
    server::{Server, delayed, until},
    trial,
};

pub(crate) fn trials(program: &Prepared<PathBuf>) -> Vec<Trial> {
    let mut trials = vec![
        trial(program, "faults::a_server_that_is_killed_stops_no_request", killed),
        trial(program, "faults::a_server_that_is_far_away_is_not_late", far_away),
        trial(program, "faults::a_dead_replicas_places_come_back", dead_replica),
        trial(program, "faults::an_emptied_server_learns_budgets_and_places_again", emptied),
        trial(program, "faults::failing_closed_refuses_what_is_limited", failing_closed),
        trial(program, "faults::a_server_that_was_never_there_stops_no_request", never_there),
        trial(program, "faults::a_server_that_keeps_no_answers_is_not_away", full),
        trial(program, "faults::a_record_that_is_not_ours_concerns_its_deployment_alone", strange_record),
        trial(program, "faults::a_clock_that_was_set_back_locks_nobody_out", set_back),
        trial(program, "faults::answers_that_are_cut_or_not_ours_are_not_found", strange_answers),
    ];
    #[cfg(unix)]
    trials.push(trial(program, "faults::a_server_that_is_paused_stops_no_request_and_the_counts_agree", paused));
    trials
}

fn limited(rpm: u64) -> Terms {
    Terms { limits: Limits { rpm: Some(rpm), ..Limits::default() }, ..Terms::default() }
}

fn id() -> Arc<str> {
    Arc::from("a")
}

/// A replica that gives a question up early.
fn replica(settings: RedisSettings) -> (Arc<Redis>, RedisState) {
    let redis = Redis::new(settings).unwrap();
    (Arc::clone(&redis), RedisState::new(&redis))
}

async fn ask(state: &RedisState, times: usize, terms: &Terms) -> Vec<Admission> {
    let mut held = Vec::new();
    for _ in 0..times {
        held.push(state.begin(&id(), terms).await.unwrap());
    }
    held
}

/// A call of a key that ends at once.
async fn call(ledger: &RedisLedger, key: &KeyLimits<'_>, used: u64) -> Result<(), ledger::KeyRefusal> {
    let reservation = ledger.begin(key, 10).await?;
    ledger.settle(key, reservation, used);
    Ok(())
}

async fn requests(server: &Server) -> u64 {
    let (_, fresh) = replica(server.settings().with_time_limit(Duration::from_secs(30)));
    fresh.read(&[id()]).await[0].requests
}

#[cfg(unix)]
async fn paused(program: PathBuf) {
    use rustix::process::Signal;

    let server = Server::start(&program);
    let (redis, state) = replica(server.settings());
    assert!(redis.connect().await);
    let terms = limited(1000);
    let mut held = ask(&state, 50, &terms).await;
    server.signal(Signal::STOP);
    held.extend(ask(&state, 50, &terms).await);
    assert!(!redis.health().connected, "{:?}", redis.health());
    server.signal(Signal::CONT);
    until(async || redis.health().connected).await;
    held.extend(ask(&state, 50, &terms).await);
    for admission in held {
        state.release(&id(), admission, 1);
    }
    until(async || {
        redis.flush().await;
        let (_, fresh) = replica(server.settings().with_time_limit(Duration::from_secs(30)));
        let seen = fresh.read(&[id()]).await.remove(0);
        (seen.in_flight, seen.tokens) == (0, 150)
    })
    .await;
    assert_eq!(requests(&server).await, 150);
}

async fn killed(program: PathBuf) {
    let mut server = Server::start(&program);
    // What is late on a slow machine would be told again after the restart.
    let (redis, state) = replica(server.settings().with_time_limit(Duration::from_secs(30)));
    assert!(redis.connect().await);
    let terms = limited(60);
    let mut held = ask(&state, 20, &terms).await;
    server.kill();
    held.extend(ask(&state, 40, &terms).await);
    assert!(matches!(state.begin(&id(), &terms).await, Err(Refusal::RequestLimit { .. })), "the share is used up");
    assert!(!redis.health().connected);
    server.start_again();
    until(async || redis.health().connected).await;
    // What was counted while it was away.
    until(async || {
        redis.flush().await;
        requests(&server).await == 40
    })
    .await;
    let (_, other) = replica(server.settings().with_time_limit(Duration::from_secs(30)));
    until(async || other.read(&[id()]).await[0].in_flight == 60).await;
    for admission in held {
        state.release(&id(), admission, 1);
    }
    redis.flush().await;
    until(async || other.read(&[id()]).await[0].in_flight == 0).await;
}

/// Each answer takes more than half of the time limit, and calls come faster than answers.
async fn far_away(program: PathBuf) {
    const CALLS: u32 = 12;
    let server = Server::start(&program);
    let url = delayed(server.port(), Duration::from_millis(300)).await;
    let settings = RedisSettings::new(&url).unwrap().with_time_limit(Duration::from_millis(550));
    let (redis, state) = replica(settings);
    // The script is there then: sending it takes more questions.
    assert_eq!(requests(&server).await, 0);
    assert!(redis.connect().await);
    let (id, terms) = (id(), limited(1_000));
    let calls = (0..CALLS).map(|number| {
        let (state, id, terms) = (&state, &id, &terms);
        async move {
            tokio::time::sleep(Duration::from_millis(20) * number).await;
            state.begin(id, terms).await
        }
    });
    let begun = join_all(calls).await;
    assert!(begun.iter().all(Result::is_ok), "{begun:?}");
    assert_eq!((redis.health().failures, requests(&server).await), (0, u64::from(CALLS)));
}

async fn dead_replica(program: PathBuf) {
    let server = Server::start(&program);
    let (_, dead) = replica(server.settings().with_time_limit(Duration::from_secs(30)));
    let terms = Terms { limits: Limits { max_parallel_requests: Some(1), ..Limits::default() }, ..Terms::default() };
    dead.begin(&id(), &Terms { estimated_tokens: 7, ..terms }).await.unwrap();
    drop(dead);
    let (_, other) = replica(server.settings().with_time_limit(Duration::from_secs(30)));
    assert_eq!(other.begin(&id(), &terms).await, Err(Refusal::Full));
    // The lease runs out: in place of waiting for that, its end is put into the past.
    let mut connection = server.connect().await;
    let places: Vec<String> = redis::cmd("KEYS").arg("*:places").query_async(&mut connection).await.unwrap();
    let members: Vec<String> =
        redis::cmd("ZRANGE").arg(&places[0]).arg(0).arg(-1).query_async(&mut connection).await.unwrap();
    redis::cmd("ZADD").arg(&places[0]).arg(1).arg(&members[0]).exec_async(&mut connection).await.unwrap();
    other.begin(&id(), &terms).await.unwrap();
    other.settle().await;
    let seen = other.read(&[id()]).await.remove(0);
    assert_eq!((seen.in_flight, seen.reserved_tokens), (1, 0));
}

async fn emptied(program: PathBuf) {
    let server = Server::start(&program);
    let redis = Redis::new(server.settings().with_time_limit(Duration::from_secs(30))).unwrap();
    let (ledger, state) = (RedisLedger::new(&redis), RedisState::new(&redis));
    let key = KeyLimits {
        name: "a",
        rpm: Some(2),
        token_budget: Some(1000),
        budget_duration: Some(Duration::from_secs(3600)),
        ..KeyLimits::default()
    };
    call(&ledger, &key, 400).await.unwrap();
    let held = state.begin(&id(), &limited(10)).await.unwrap();
    redis.flush().await;
    let before = ledger.standing(&key).await;
    call(&ledger, &key, 0).await.unwrap();
    let mut connection = server.connect().await;
    redis::cmd("FLUSHALL").exec_async(&mut connection).await.unwrap();

    let after_one_more = call(&ledger, &key, 0).await;
    assert_eq!(after_one_more, Ok(()), "the minute begins anew");
    let other = RedisLedger::new(&Redis::new(server.settings().with_time_limit(Duration::from_secs(30))).unwrap());
    let after = other.standing(&key).await;
    assert_eq!((before.spent, after.spent, after.requests), (400, 400, 1));
    assert!(after.budget_resets_in <= before.budget_resets_in, "the period goes on: {after:?}");
    // The lease of a place that is held is prolonged, and with it the place is known again.
    let (_, fresh) = replica(server.settings().with_time_limit(Duration::from_secs(30)));
    until(async || fresh.read(&[id()]).await[0].in_flight == 1).await;
    state.release(&id(), held, 0);
    redis.flush().await;
    until(async || fresh.read(&[id()]).await[0].in_flight == 0).await;
}

async fn failing_closed(program: PathBuf) {
    let mut server = Server::start(&program);
    let redis = Redis::new(server.settings().with_fail_closed(true)).unwrap();
    let (ledger, state) = (RedisLedger::new(&redis), RedisState::new(&redis));
    assert!(redis.connect().await);
    server.kill();
    assert_eq!(state.begin(&id(), &limited(10)).await, Err(Refusal::Unavailable));
    state.begin(&id(), &Terms::default()).await.unwrap();
    let key = KeyLimits { name: "a", tpm: Some(10), ..KeyLimits::default() };
    assert_eq!(ledger.begin(&key, 1).await, Err(ledger::KeyRefusal::Unavailable));
    ledger.begin(&KeyLimits { name: "b", ..KeyLimits::default() }, 1).await.unwrap();
}

async fn never_there(program: PathBuf) {
    let mut server = Server::start(&program);
    server.kill();
    let redis = Redis::new(server.settings()).unwrap();
    let (ledger, state) = (RedisLedger::new(&redis), RedisState::new(&redis));
    assert!(!redis.connect().await);
    ask(&state, 10, &limited(10)).await;
    assert!(state.begin(&id(), &limited(10)).await.is_err());
    assert_eq!(state.read(&[id()]).await[0].in_flight, 10);
    let key = KeyLimits { name: "a", rpm: Some(1), token_budget: Some(100), ..KeyLimits::default() };
    call(&ledger, &key, 100).await.unwrap();
    call(&ledger, &key, 0).await.unwrap_err();
    assert_eq!(ledger.standing(&key).await.spent, 100);
    server.start_again();
    until(async || redis.health().connected).await;
    until(async || {
        redis.flush().await;
        requests(&server).await == 10
    })
    .await;
    let fresh = RedisLedger::new(&Redis::new(server.settings().with_time_limit(Duration::from_secs(30))).unwrap());
    assert_eq!(fresh.standing(&key).await.spent, 100);
}

/// Whatever a caller has kept, and for however long, limits and the answers of others are as they
/// were.
async fn full(program: PathBuf) {
    let server = Server::start(&program);
    let redis = Redis::new(server.settings().with_time_limit(Duration::from_secs(30))).unwrap();
    let cache = RedisCache::new(&redis);
    let key = |name: &str| CacheKey::of(&[name.as_bytes()]);
    for lifetime in [Duration::MAX, Duration::from_millis(u64::MAX), Duration::from_secs(60)] {
        cache.put(key("a"), NewAnswer { answer: "kept".into(), lifetime, asked_ago: Duration::ZERO });
        cache.settle().await;
        assert_eq!(cache.get(&[key("a")]).await[0].as_ref().map(|kept| &*kept.answer), Some(&b"kept"[..]));
    }
    let mut connection = server.connect().await;
    let limit: () =
        redis::cmd("CONFIG").arg("SET").arg("maxmemory").arg("1").query_async(&mut connection).await.unwrap();
    let lifetime = Duration::from_secs(60);
    cache.put(key("b"), NewAnswer { answer: "not kept".into(), lifetime, asked_ago: Duration::ZERO });
    cache.settle().await;
    assert!(redis.health().connected && redis.health().failures == 1, "{:?} {limit:?}", redis.health());
    let found = cache.get(&[key("a"), key("b")]).await;
    assert!(found[0].is_some() && found[1].is_none(), "{found:?}");
}

/// A script that cannot use what it finds is no reason to do without Redis.
async fn strange_record(program: PathBuf) {
    let server = Server::start(&program);
    let (redis, state) = replica(server.settings().with_time_limit(Duration::from_secs(30)));
    let other: Arc<str> = Arc::from("b");
    let held = ask(&state, 1, &limited(3)).await.remove(0);
    state.release(&id(), held, 1);
    redis.flush().await;
    let mut connection = server.connect().await;
    let mut keys: Vec<String> = redis::cmd("KEYS").arg("*:counts").query_async(&mut connection).await.unwrap();
    let counts = keys.remove(0);
    let fields =
        redis::cmd("HSET").arg(&counts).arg("failures").arg("not JSON").arg("failed_at").arg(u64::MAX).to_owned();
    let number = redis::cmd("HSET").arg(&counts).arg("requests").arg("many").to_owned();
    let long = redis::cmd("HSET").arg(&counts).arg("first").arg(0).arg("last").arg("9e15").to_owned();
    let text = redis::cmd("SET").arg(&counts).arg("a text").to_owned();
    for strange in [fields, number, long, text] {
        strange.exec_async(&mut connection).await.unwrap();
        state.begin(&id(), &limited(1000)).await.unwrap();
        state.begin(&other, &limited(1000)).await.unwrap();
        assert!(redis.health().connected, "{strange:?}");
    }
    redis::cmd("DEL").arg(&counts).exec_async(&mut connection).await.unwrap();
    ask(&state, 1, &limited(1000)).await;
    redis.flush().await;
    assert!(requests(&server).await > 0, "it is counted again");
}

/// What was written an hour ahead of the server's clock neither refuses for an hour nor counts.
async fn set_back(program: PathBuf) {
    const HOUR: i64 = 3_600_000;
    let server = Server::start(&program);
    let redis = Redis::new(server.settings().with_time_limit(Duration::from_secs(30))).unwrap();
    let (ledger, state) = (RedisLedger::new(&redis), RedisState::new(&redis));
    let key = KeyLimits {
        name: "a",
        rpm: Some(1),
        token_budget: Some(1000),
        budget_duration: Some(Duration::from_secs(60)),
        ..KeyLimits::default()
    };
    call(&ledger, &key, 7).await.unwrap();
    state.begin(&id(), &limited(1)).await.unwrap();
    redis.flush().await;
    assert!(call(&ledger, &key, 0).await.is_err() && state.begin(&id(), &limited(1)).await.is_err());
    let mut connection = server.connect().await;
    for (keys, fields) in [("*:use", &["minute_began", "budget_began"][..]), ("*:counts", &["first", "last"])] {
        let found: Vec<String> = redis::cmd("KEYS").arg(keys).query_async(&mut connection).await.unwrap();
        for field in fields {
            let by = if keys == "*:use" { HOUR } else { HOUR / 1000 };
            let ahead = redis::cmd("HINCRBY").arg(&found[0]).arg(*field).arg(by).to_owned();
            ahead.exec_async(&mut connection).await.unwrap();
        }
        let cooldown =
            redis::cmd("HSET").arg(&found[0]).arg("open_until").arg("9e15").arg("open_for").arg(0).to_owned();
        cooldown.exec_async(&mut connection).await.unwrap();
    }
    let fresh = Redis::new(server.settings().with_time_limit(Duration::from_secs(30))).unwrap();
    let (ledger, state) = (RedisLedger::new(&fresh), RedisState::new(&fresh));
    call(&ledger, &key, 0).await.unwrap();
    let standing = ledger.standing(&key).await;
    assert!(standing.spent == 7 && standing.budget_resets_in <= Some(Duration::from_secs(60)), "{standing:?}");
    state.begin(&id(), &limited(1)).await.unwrap();
}

async fn strange_answers(program: PathBuf) {
    let server = Server::start(&program);
    let redis = Redis::new(server.settings().with_time_limit(Duration::from_secs(30))).unwrap();
    let cache = RedisCache::new(&redis);
    let key = CacheKey::of(&[b"a"]);
    let kept = NewAnswer { answer: "kept".into(), lifetime: Duration::from_secs(60), asked_ago: Duration::ZERO };
    cache.put(key, kept.clone());
    cache.settle().await;
    let mut connection = server.connect().await;
    let mut keys: Vec<String> = redis::cmd("KEYS").arg("*:answer:*").query_async(&mut connection).await.unwrap();
    let name = keys.remove(0);
    let value: Vec<u8> = redis::cmd("GET").arg(&name).query_async(&mut connection).await.unwrap();
    for strange in [&value[..0], &value[..20], &value[..40], &b"\xff".repeat(60)[..], &b"x".repeat(60)[..]] {
        redis::cmd("SET").arg(&name).arg(strange).exec_async(&mut connection).await.unwrap();
        assert_eq!(cache.get(&[key]).await, [None], "{strange:?}");
        cache.put(key, kept.clone());
        cache.settle().await;
        assert!(cache.get(&[key]).await[0].is_some(), "it is replaced: {strange:?}");
    }
    redis::cmd("DEL").arg(&name).exec_async(&mut connection).await.unwrap();
    redis::cmd("LPUSH").arg(&name).arg("a list").exec_async(&mut connection).await.unwrap();
    assert_eq!(cache.get(&[key]).await, [None]);
    cache.put(key, kept);
    cache.settle().await;
    assert!(cache.get(&[key]).await[0].is_some(), "a list is replaced too");
    assert!(redis.health().connected, "{:?}", redis.health());
}
