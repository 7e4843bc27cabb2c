//! How calls are shared among deployments.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::future::join_all;
use sagewire_router::{Deployment, Router, Strategy};
use sagewire_types::{CallContext, ErrorKind, Provider};
use tokio::time::sleep;

use crate::scripted::{Scripted, Step, ask, decided, deployment, ok, ok_after, ordered, request, router, settings};

async fn shares(router: &Router, calls: usize) -> BTreeMap<String, usize> {
    let mut shares = BTreeMap::new();
    for _ in 0..calls {
        *shares.entry(ask(router).await.unwrap()).or_default() += 1;
    }
    shares
}

fn two(change: impl Fn(Deployment, usize) -> Deployment, strategy: Strategy, providers: [&Arc<Scripted>; 2]) -> Router {
    let deployments = ["a", "b"].into_iter().zip(providers).enumerate();
    router(
        settings().with_strategy(strategy),
        deployments.map(|(index, (id, provider))| change(deployment("m", id, provider), index)),
    )
}

#[tokio::test(start_paused = true)]
async fn weights_are_honoured() {
    let providers = [Scripted::always(ok()), Scripted::always(ok())];
    let weights = [9.0, 1.0];
    let router = two(|d, index| d.with_weight(weights[index]), Strategy::SimpleShuffle, [&providers[0], &providers[1]]);
    let shares = shares(&router, 2000).await;
    assert!((1740..1860).contains(&shares["a"]), "{shares:?}");
    assert_eq!(shares["a"] + shares["b"], 2000);
}

#[tokio::test(start_paused = true)]
async fn the_least_busy_is_asked() {
    let providers = [Scripted::always(ok_after(10)), Scripted::always(ok_after(1))];
    let router = two(|d, _| d, Strategy::LeastBusy, [&providers[0], &providers[1]]);
    // One call comes each second: the slow one keeps its first for ten.
    join_all((0..10).map(|index| {
        let router = &router;
        async move {
            sleep(Duration::from_secs(2 * index)).await;
            ask(router).await.unwrap()
        }
    }))
    .await;
    assert!(providers[0].count() <= 3, "{}", providers[0].count());
}

#[tokio::test(start_paused = true)]
async fn the_fastest_is_asked_once_all_are_measured() {
    let providers = [Scripted::always(ok_after(3)), Scripted::always(ok_after(1))];
    let router = two(|d, _| d, Strategy::latency_based(), [&providers[0], &providers[1]]);
    let shares = shares(&router, 20).await;
    assert_eq!((shares["a"], shares["b"]), (1, 19));
}

#[tokio::test(start_paused = true)]
async fn streams_are_compared_by_their_first_chunk() {
    let providers = [Scripted::always(ok_after(3)), Scripted::always(ok_after(1))];
    let router = two(|d, _| d, Strategy::latency_based(), [&providers[0], &providers[1]]);
    for _ in 0..10 {
        let stream = router.chat_stream(request("m"), &CallContext::new()).await.unwrap();
        stream.collect_reply().await.unwrap();
    }
    assert_eq!((providers[0].count(), providers[1].count()), (1, 9));
    let health = router.health().await;
    assert_eq!(health[0].state.latencies.first_chunk.unwrap().average, Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn the_least_used_is_asked() {
    let providers = [100, 25].map(|tokens| Scripted::with(Vec::<Step>::new(), ok(), Some(tokens)));
    let router = two(|d, _| d, Strategy::UsageBased, [&providers[0], &providers[1]]);
    let shares = shares(&router, 50).await;
    assert_eq!((shares["a"], shares["b"]), (10, 40));
}

#[tokio::test(start_paused = true)]
async fn a_lower_rank_is_used_first_and_a_higher_one_when_it_cannot_be() {
    let providers = [Scripted::new([ErrorKind::Throttled]), Scripted::always(ok())];
    let router = ordered(settings(), &[&providers[0], &providers[1]]);
    assert_eq!(ask(&router).await.unwrap(), "b");
    assert_eq!(shares(&router, 10).await["a"], 10);
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_makes_the_same_choices() {
    let run = || async {
        let providers = [Scripted::always(ok()), Scripted::always(ok())];
        let router = two(|d, _| d, Strategy::SimpleShuffle, [&providers[0], &providers[1]]);
        let mut chosen = Vec::new();
        for _ in 0..32 {
            let reply = router.chat(request("m"), &CallContext::new()).await.unwrap();
            assert_eq!(decided(&reply.meta, "strategy"), ["simple-shuffle of 2"]);
            chosen.push(reply.value.model);
        }
        chosen
    };
    let first = run().await;
    assert_eq!(first, run().await);
    assert!(first.contains(&"a".to_owned()) && first.contains(&"b".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn ranks_hold_in_whatever_order_deployments_were_added() {
    let providers = [(); 3].map(|()| Scripted::new([ErrorKind::Throttled]));
    let ranks = [("third", 7), ("first", 0), ("second", 3)];
    let router = router(
        settings().with_num_retries(3),
        ranks.iter().zip(&providers).map(|((id, order), provider)| deployment("m", id, provider).with_order(*order)),
    );
    let meta = router.chat(request("m"), &CallContext::new()).await.unwrap().meta;
    assert_eq!(decided(&meta, "failed"), ["first: throttled", "second: throttled", "third: throttled"]);
}
