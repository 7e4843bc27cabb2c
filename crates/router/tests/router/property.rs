//! What holds whatever deployments do.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, future::join_all};
use proptest::prelude::*;
use sagewire_router::{Router, Strategy as Balancing};
use sagewire_types::{CallContext, ErrorKind, Provider};

use crate::scripted::{Scripted, Step, ask, deployment, in_flight, ok, request, settings};

/// What a healthy deployment elsewhere can make good.
const ELSEWHERE: [ErrorKind; 13] = [
    ErrorKind::Configuration,
    ErrorKind::Authentication,
    ErrorKind::Permission,
    ErrorKind::NotFound,
    ErrorKind::Throttled,
    ErrorKind::ModelNotReady,
    ErrorKind::Overloaded,
    ErrorKind::ModelFailed,
    ErrorKind::ServiceFailed,
    ErrorKind::Timeout,
    ErrorKind::Connection,
    ErrorKind::StreamBroken,
    ErrorKind::Decode,
];

fn failure() -> BoxedStrategy<Step> {
    prop_oneof![
        6 => (prop::sample::select(&ELSEWHERE[..]), 0..3_u64)
            .prop_map(|(kind, seconds)| Step::Fail(kind, Duration::from_secs(seconds))),
        1 => (0..80_u64).prop_map(|seconds| Step::FailFor(ErrorKind::Throttled, Duration::from_secs(seconds))),
    ]
    .boxed()
}

fn any_step() -> BoxedStrategy<Step> {
    prop_oneof![
        3 => failure(),
        3 => (0..5_u64).prop_map(|seconds| Step::Answer(Duration::from_secs(seconds))),
        1 => (1..4_usize).prop_map(|count| Step::Break(count, ErrorKind::StreamBroken)),
        1 => prop::sample::select(&[ErrorKind::InvalidRequest, ErrorKind::Unsupported, ErrorKind::ContextTooLong][..])
            .prop_map(Step::from),
    ]
    .boxed()
}

fn balancing() -> impl Strategy<Value = Balancing> {
    prop::sample::select(vec![
        Balancing::SimpleShuffle,
        Balancing::LeastBusy,
        Balancing::latency_based(),
        Balancing::UsageBased,
    ])
}

#[derive(Clone, Debug)]
struct World {
    /// The scripts of the deployments of `m`, and of its fallback.
    own: Vec<Vec<Step>>,
    fallback: Vec<Vec<Step>>,
    num_retries: u32,
    allowed_fails: u32,
    places: Option<u32>,
    balancing: Balancing,
    seed: u64,
}

fn world(step: BoxedStrategy<Step>) -> impl Strategy<Value = World> {
    let script = prop::collection::vec(step, 0..12);
    (
        prop::collection::vec(script.clone(), 1..4),
        prop::collection::vec(script, 0..3),
        0..4_u32,
        0..4_u32,
        prop::option::of(1..3_u32),
        balancing(),
        any::<u64>(),
    )
        .prop_map(|(own, fallback, num_retries, allowed_fails, places, balancing, seed)| World {
            own,
            fallback,
            num_retries,
            allowed_fails,
            places,
            balancing,
            seed,
        })
}

impl World {
    fn build(&self, then: &Step) -> (Router, Vec<Arc<Scripted>>) {
        let scripts =
            self.own.iter().map(|script| ("m", script)).chain(self.fallback.iter().map(|script| ("f", script)));
        let mut deployments = Vec::new();
        let mut providers = Vec::new();
        for (index, (model, script)) in scripts.enumerate() {
            let provider = Scripted::with(script.clone(), then.clone(), Some(5));
            let mut deployment = deployment(model, &format!("{model}{index}"), &provider);
            deployment.max_parallel_requests = self.places;
            deployments.push(deployment);
            providers.push(provider);
        }
        let mut settings = settings()
            .with_num_retries(self.num_retries)
            .with_allowed_fails(self.allowed_fails)
            .with_strategy(self.balancing);
        if !self.fallback.is_empty() {
            settings = settings.with_fallbacks("m", ["f"]);
        }
        let router = Router::builder().deployments(deployments).settings(settings).seed(self.seed).build().unwrap();
        (router, providers)
    }

    /// The most attempts of one call: one in each model, and the retries.
    fn budget(&self) -> u32 {
        1 + u32::from(!self.fallback.is_empty()) + self.num_retries
    }
}

fn run<F: Future>(test: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(test)
}

fn asked(providers: &[Arc<Scripted>]) -> usize {
    providers.iter().map(|provider| provider.count()).sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// No call makes more attempts than its budget, and what it says about them is true.
    #[test]
    fn attempts_never_exceed_the_budget(world in world(any_step()), calls in 1..6_usize) {
        run(async {
            let (router, providers) = world.build(&ok());
            for _ in 0..calls {
                let before = asked(&providers);
                let outcome = router.chat(request("m"), &CallContext::new()).await;
                let made = u32::try_from(asked(&providers) - before).unwrap();
                prop_assert!((1..=world.budget()).contains(&made), "{made} attempts");
                let told = outcome.map_or_else(|error| error.attempts(), |reply| reply.meta.attempts);
                prop_assert_eq!(told, made);
            }
            Ok(())
        })?;
    }

    /// After a stream's first chunk nothing else is asked, whatever becomes of the stream.
    #[test]
    fn nothing_is_asked_after_the_first_chunk(world in world(any_step()), calls in 1..6_usize) {
        run(async {
            let (router, providers) = world.build(&ok());
            for _ in 0..calls {
                let Ok(mut stream) = router.chat_stream(request("m"), &CallContext::new()).await else { continue };
                let before = asked(&providers);
                let mut failed = false;
                while let Some(piece) = stream.next().await {
                    prop_assert!(!failed, "a piece after the error");
                    failed = piece.is_err();
                }
                prop_assert_eq!(asked(&providers), before);
            }
            Ok(())
        })?;
    }

    /// A call succeeds whenever a deployment in reach is healthy and the budget lets the call come to it.
    #[test]
    fn a_healthy_deployment_in_reach_answers(
        world in world(failure()),
        healthy in any::<prop::sample::Index>(),
        calls in 1..20_usize,
    ) {
        run(async {
            let mut world = world;
            let own = world.own.len();
            // A fallback has one attempt that the model before it cannot use up.
            world.fallback.truncate(1);
            let index = healthy.index(own + world.fallback.len());
            for (place, script) in world.own.iter_mut().chain(&mut world.fallback).enumerate() {
                if script.is_empty() {
                    script.push(ErrorKind::Permission.into());
                }
                // Failures for as long as the test runs, but for one deployment that has none.
                *script = if place == index { Vec::new() } else { script.iter().cycle().take(200).cloned().collect() };
            }
            // Just enough to come to every deployment of the model once.
            world.num_retries = u32::try_from(own).unwrap() - 1;
            let (router, providers) = world.build(&ok());
            for _ in 0..calls {
                let answer = ask(&router).await;
                let expected_model = if index < own { "m" } else { "f" };
                prop_assert!(answer.is_ok(), "{answer:?}");
                prop_assert_eq!(answer.unwrap(), format!("{expected_model}{index}"));
            }
            prop_assert!(providers[index].count() >= calls);
            Ok(())
        })?;
    }

    /// However calls end, by an answer, an error, being dropped or running in parallel, every place is given back.
    #[test]
    fn every_place_is_given_back(
        world in world(any_step()),
        patience in prop::collection::vec((0..12_u64, any::<bool>(), 0..4_usize), 1..12),
    ) {
        run(async {
            let (router, providers) = world.build(&ok());
            join_all(patience.into_iter().map(|(seconds, streams, pieces)| {
                let router = &router;
                tokio::time::timeout(Duration::from_secs(seconds), async move {
                    if !streams {
                        let _ = router.chat(request("m"), &CallContext::new()).await;
                    } else if let Ok(stream) = router.chat_stream(request("m"), &CallContext::new()).await {
                        let _ = stream.take(pieces).collect::<Vec<_>>().await;
                    }
                })
            }))
            .await;
            prop_assert_eq!(in_flight(&router).await, 0);
            prop_assert!(router.health().await.iter().all(|status| status.state.reserved_tokens == 0));
            prop_assert!(providers.iter().all(|provider| provider.active() == 0));
            if let Some(places) = world.places {
                prop_assert!(providers.iter().all(|provider| provider.most_active() <= places));
            }
            Ok(())
        })?;
    }
}
