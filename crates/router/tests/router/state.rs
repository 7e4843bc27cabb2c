//! What it takes to keep a router's state elsewhere: the trait, from another crate, with its
//! required methods alone.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::future::join_all;
use sagewire_router::{Admission, Circuit, DeploymentState, MemoryState, Outcome, Refusal, Router, RouterState, Terms};
use sagewire_types::ErrorKind;
use tokio::time::{Instant, sleep};

use crate::scripted::{Scripted, ask, deployment, in_flight, ok, ok_after, settings};

/// A store that takes a while to answer, and cannot tell when a place is given back.
#[derive(Debug, Default)]
struct Remote(MemoryState);

impl Remote {
    async fn travel(&self) {
        sleep(Duration::from_millis(2)).await;
    }
}

#[async_trait]
impl RouterState for Remote {
    async fn read(&self, deployments: &[Arc<str>]) -> Vec<DeploymentState> {
        self.travel().await;
        self.0.read(deployments).await
    }

    async fn begin(&self, deployment: &Arc<str>, terms: &Terms) -> Result<Admission, Refusal> {
        self.travel().await;
        self.0.begin(deployment, terms).await
    }

    fn report(&self, deployment: &Arc<str>, outcome: Outcome) {
        self.0.report(deployment, outcome);
    }

    fn release(&self, deployment: &Arc<str>, admission: Admission, tokens: u64) {
        self.0.release(deployment, admission, tokens);
    }
}

/// A store that has gone away: it knows nothing and refuses nothing.
#[derive(Debug)]
struct Gone;

#[async_trait]
impl RouterState for Gone {
    async fn read(&self, _: &[Arc<str>]) -> Vec<DeploymentState> {
        Vec::new()
    }

    async fn begin(&self, _: &Arc<str>, _: &Terms) -> Result<Admission, Refusal> {
        Ok(Admission::default())
    }

    fn report(&self, _: &Arc<str>, _: Outcome) {}

    fn release(&self, _: &Arc<str>, _: Admission, _: u64) {}
}

fn replica(state: &Arc<dyn RouterState>, providers: &[&Arc<Scripted>]) -> Router {
    let deployments =
        ["a", "b"].into_iter().zip(providers).zip(0..).map(|((id, provider), order)| {
            deployment("m", id, provider).with_max_parallel_requests(2).with_order(order)
        });
    Router::builder()
        .deployments(deployments)
        .settings(settings().with_allowed_fails(0))
        .state(Arc::clone(state))
        .build()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn replicas_over_one_state_act_as_one() {
    let state: Arc<dyn RouterState> = Arc::new(Remote::default());
    let (a, b) = (Scripted::new([ErrorKind::Connection]), Scripted::always(ok_after(1)));
    let replicas = [replica(&state, &[&a, &b]), replica(&state, &[&a, &b])];
    assert_eq!(ask(&replicas[0]).await.unwrap(), "b");
    assert!(matches!(replicas[1].health().await[0].state.circuit, Circuit::CoolingDown { .. }));
    // One replica has seen a fail, both leave it alone, and together they keep to two calls at a time.
    let started = Instant::now();
    let answers = join_all((0..6).map(|index| ask(&replicas[index % 2]))).await;
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap() == "b"), "{answers:?}");
    assert_eq!((a.count(), b.most_active()), (1, 2));
    assert!(started.elapsed() < Duration::from_millis(3600), "{:?}", started.elapsed());
    assert_eq!(in_flight(&replicas[0]).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_state_that_is_gone_stops_no_call() {
    let state: Arc<dyn RouterState> = Arc::new(Gone);
    let (a, b) = (Scripted::always(ErrorKind::Connection), Scripted::always(ok()));
    let router = replica(&state, &[&a, &b]);
    assert_eq!(ask(&router).await.unwrap(), "b");
    assert_eq!(router.health().await.len(), 2);
}
