//! The suite for states and ledgers, over those in this process: every replica is the same one.

use std::sync::Arc;

use async_trait::async_trait;
use sagewire_router::{
    MemoryState, RouterState,
    cache::{AnswerCache, MemoryCache},
    ledger::{Ledger, MemoryLedger},
    testing::{self, Replicas},
};

struct Same<T: ?Sized>(Arc<T>);

#[async_trait]
impl<T: ?Sized + Send + Sync> Replicas<T> for Same<T> {
    fn replica(&self) -> Arc<T> {
        Arc::clone(&self.0)
    }

    async fn settle(&self) {}
}

#[tokio::test(start_paused = true)]
async fn the_state_in_this_process_passes_the_suite() {
    for case in testing::states() {
        case.run(&Same::<dyn RouterState>(Arc::new(MemoryState::new()))).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_ledger_in_this_process_passes_the_suite() {
    for case in testing::ledgers() {
        case.run(&Same::<dyn Ledger>(Arc::new(MemoryLedger::default()))).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_cache_in_this_process_passes_the_suite() {
    for case in testing::caches() {
        case.run(&Same::<dyn AnswerCache>(Arc::new(MemoryCache::new(1 << 20)))).await;
    }
}
