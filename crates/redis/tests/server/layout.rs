//! What lies in Redis.

use std::{path::PathBuf, sync::Arc, time::Duration};

use libtest_mimic::Trial;
use sagewire_redis::{Redis, RedisLedger, RedisState};
use sagewire_router::{
    Limits, RouterState, Terms,
    ledger::{KeyLimits, Ledger},
};
use sagewire_test_programs::Prepared;

use crate::{server::Server, trial};

pub(crate) fn trials(program: &Prepared<PathBuf>) -> Vec<Trial> {
    vec![trial(program, "layout::keys_are_hashes_and_end_by_themselves_but_for_budgets", keys)]
}

async fn keys(program: PathBuf) {
    let server = Server::start(&program);
    let settings = server.settings().with_namespace("team").with_time_limit(Duration::from_secs(30));
    let redis = Redis::new(settings).unwrap();
    let (ledger, state) = (RedisLedger::new(&redis), RedisState::new(&redis));
    let id: Arc<str> = Arc::from("secret-deployment");
    let terms = Terms { limits: Limits { rpm: Some(9), ..Limits::default() }, ..Terms::default() };
    let held = state.begin(&id, &terms).await.unwrap();
    state.release(&id, held, 5);
    let key = KeyLimits { name: "secret-key", token_budget: Some(10), ..KeyLimits::default() };
    let reservation = ledger.begin(&key, 1).await.unwrap();
    ledger.settle(&key, reservation, 5);
    redis.flush().await;

    let mut connection = server.connect().await;
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut connection).await.unwrap();
    assert!(keys.len() >= 4, "{keys:?}");
    for key in keys {
        assert!(key.starts_with("team:1:") && !key.contains("secret"), "{key}");
        let left: i64 = redis::cmd("PTTL").arg(&key).query_async(&mut connection).await.unwrap();
        assert_eq!(left == -1, key.ends_with(":use"), "{key} ends in {left} ms");
        let dump: Vec<u8> = redis::cmd("DUMP").arg(&key).query_async(&mut connection).await.unwrap();
        assert!(!String::from_utf8_lossy(&dump).contains("secret"), "{key}");
    }
}
