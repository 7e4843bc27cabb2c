//! The suites that the implementations in memory pass.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock},
};

use async_trait::async_trait;
use libtest_mimic::Trial;
use sagewire_redis::{Redis, RedisCache, RedisLedger, RedisSettings, RedisState};
use sagewire_router::{
    RouterState,
    cache::AnswerCache,
    ledger::Ledger,
    testing::{self, Case, Replicas},
};
use sagewire_test_programs::Prepared;
use tokio::{runtime::Runtime, time::Instant};

use crate::server::{Cluster, Server};

/// Replicas that go by the clock of the test.
struct Shared<T: ?Sized> {
    settings: RedisSettings,
    began: OnceLock<Instant>,
    io: Runtime,
    states: Mutex<Vec<Arc<RedisState>>>,
    ledgers: Mutex<Vec<Arc<RedisLedger>>>,
    caches: Mutex<Vec<Arc<RedisCache>>>,
    kind: std::marker::PhantomData<fn(&T)>,
}

impl<T: ?Sized> Shared<T> {
    fn new(settings: RedisSettings) -> Self {
        let io = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        Self {
            settings,
            began: OnceLock::new(),
            io,
            states: Mutex::default(),
            ledgers: Mutex::default(),
            caches: Mutex::default(),
            kind: std::marker::PhantomData,
        }
    }

    fn redis(&self) -> Arc<Redis> {
        let began = *self.began.get_or_init(Instant::now);
        Redis::new(self.settings.clone().in_paused_time(began, self.io.handle().clone())).unwrap()
    }
}

#[async_trait]
impl Replicas<dyn RouterState> for Shared<dyn RouterState> {
    fn replica(&self) -> Arc<dyn RouterState> {
        let state = Arc::new(RedisState::new(&self.redis()));
        self.states.lock().unwrap().push(Arc::clone(&state));
        state
    }

    async fn settle(&self) {
        let all = self.states.lock().unwrap().clone();
        for state in all {
            state.settle().await;
        }
    }
}

#[async_trait]
impl Replicas<dyn Ledger> for Shared<dyn Ledger> {
    fn replica(&self) -> Arc<dyn Ledger> {
        let ledger = Arc::new(RedisLedger::new(&self.redis()));
        self.ledgers.lock().unwrap().push(Arc::clone(&ledger));
        ledger
    }

    async fn settle(&self) {
        let all = self.ledgers.lock().unwrap().clone();
        for ledger in all {
            ledger.settle_all().await;
        }
    }
}

#[async_trait]
impl Replicas<dyn AnswerCache> for Shared<dyn AnswerCache> {
    fn replica(&self) -> Arc<dyn AnswerCache> {
        let cache = Arc::new(RedisCache::new(&self.redis()));
        self.caches.lock().unwrap().push(Arc::clone(&cache));
        cache
    }

    async fn settle(&self) {
        let all = self.caches.lock().unwrap().clone();
        for cache in all {
            cache.settle().await;
        }
    }
}

pub(crate) fn trials(program: &Prepared<PathBuf>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for case in testing::states() {
        trials.push(single(program, "state", case));
    }
    for case in testing::ledgers() {
        trials.push(single(program, "ledger", case));
    }
    for case in testing::caches() {
        trials.push(single(program, "cache", case));
    }
    // What differs in a cluster is where keys lie, which every case shows.
    for case in testing::states() {
        trials.push(clustered(program, "state", case));
    }
    for case in testing::ledgers() {
        trials.push(clustered(program, "ledger", case));
    }
    for case in testing::caches() {
        trials.push(clustered(program, "cache", case));
    }
    trials
}

fn single<T: ?Sized + 'static>(program: &Prepared<PathBuf>, kind: &str, case: Case<T>) -> Trial
where
    Shared<T>: Replicas<T>,
{
    program.trial(format!("single::{kind}::{}", case.name), move |program| {
        let server = Server::start(program);
        let replicas = Shared::<T>::new(server.settings());
        paused().block_on(case.run(&replicas));
        Ok(())
    })
}

fn clustered<T: ?Sized + 'static>(program: &Prepared<PathBuf>, kind: &str, case: Case<T>) -> Trial
where
    Shared<T>: Replicas<T>,
{
    program.trial(format!("cluster::{kind}::{}", case.name), move |program| {
        let starting = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let cluster = starting.block_on(Cluster::start(program));
        let replicas = Shared::<T>::new(cluster.settings());
        paused().block_on(case.run(&replicas));
        Ok(())
    })
}

fn paused() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}
