//! A new router in place of an old one, while calls are under way.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use sagewire_router::{Circuit, MemoryState, Router, RouterSettings, RouterState};
use sagewire_types::{CallContext, ErrorKind, Provider};
use tokio::time::{sleep, timeout};

use crate::scripted::{Scripted, Step, ask, ask_for, deployment, in_flight, ok, ok_after, request, settings};

fn build(state: &Arc<dyn RouterState>, settings: RouterSettings, providers: &[(&str, &str, &Arc<Scripted>)]) -> Router {
    let deployments =
        providers.iter().map(|(model, id, provider)| deployment(model, id, provider).with_max_parallel_requests(64));
    Router::builder().deployments(deployments).settings(settings).state(Arc::clone(state)).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_new_router_knows_what_the_old_one_knew() {
    let state: Arc<dyn RouterState> = Arc::new(MemoryState::new());
    let (a, b) = (Scripted::always(ErrorKind::Connection), Scripted::always(ok()));
    let both = [("m", "a", &a), ("m", "b", &b)];
    let old = build(&state, settings().with_allowed_fails(0).with_fallbacks("m", ["m"]), &both);
    while a.count() == 0 {
        ask(&old).await.unwrap();
    }
    let stream = old.chat_stream(request("m"), &CallContext::new()).await.unwrap();
    let new = build(&state, settings(), &both);
    assert!(matches!(new.health().await[0].state.circuit, Circuit::CoolingDown { .. }));
    assert_eq!(in_flight(&new).await, 1);
    drop(old);
    assert_eq!(stream.collect_reply().await.unwrap().value.model, "b");
    assert_eq!(in_flight(&new).await, 0);
}

/// Ten thousand calls, a reload every 200 ms, and every second the other of two deployments
/// failing: each call is answered, by the model it asked for.
#[tokio::test(start_paused = true)]
async fn no_call_is_lost_while_configurations_come_and_deployments_go() {
    let state: Arc<dyn RouterState> = Arc::new(MemoryState::new());
    let providers = [(); 3].map(|()| Scripted::always(Step::Answer(Duration::from_millis(30))));
    let [a, b, other] = &providers;
    let reload = {
        let (state, providers) = (Arc::clone(&state), providers.clone());
        move || {
            let [a, b, other] = &providers;
            let names = [("m", "a", a), ("m", "b", b), ("other", "c", other)];
            Arc::new(build(
                &state,
                settings().with_num_retries(1).with_cooldown_time(Duration::from_millis(50)),
                &names,
            ))
        }
    };
    let current = Arc::new(Mutex::new(reload()));
    let kinds = [
        ErrorKind::Authentication,
        ErrorKind::Connection,
        ErrorKind::ModelNotReady,
        ErrorKind::Throttled,
        ErrorKind::Decode,
    ];
    let disturbing = {
        let (current, a, b) = (Arc::clone(&current), Arc::clone(a), Arc::clone(b));
        tokio::spawn(async move {
            for round in 0.. {
                sleep(Duration::from_millis(200)).await;
                *current.lock().unwrap() = reload();
                let (failing, well) = if (round / 5) % 2 == 0 { (&a, &b) } else { (&b, &a) };
                well.script(Vec::<Step>::new());
                failing.script(vec![Step::from(kinds[round % kinds.len()]); 500]);
            }
        })
    };
    let mut calls = Vec::new();
    for index in 0..10_000_u32 {
        if index % 5 == 0 {
            sleep(Duration::from_millis(7)).await;
        }
        let router = Arc::clone(&current.lock().unwrap());
        calls.push(tokio::spawn(async move {
            let model = if index % 4 == 0 { "other" } else { "m" };
            (model, ask_for(&router, model).await)
        }));
    }
    for call in calls {
        let (model, answer) = timeout(Duration::from_secs(120), call).await.unwrap().unwrap();
        let id = answer.unwrap_or_else(|error| panic!("{model}: {error}"));
        assert_eq!(id == "c", model == "other");
    }
    disturbing.abort();
    let failed = a.count() + b.count() + other.count() - 10_000;
    assert!(failed > 100, "the disturbance hit {failed} attempts");
    let last = Arc::clone(&current.lock().unwrap());
    assert_eq!(in_flight(&last).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_in_the_old_routers_queue_gets_a_place_from_the_new_ones_calls() {
    let state: Arc<dyn RouterState> = Arc::new(MemoryState::new());
    let a = Scripted::always(ok_after(3));
    let one = || {
        let deployment = deployment("m", "a", &a).with_max_parallel_requests(1);
        Router::builder().deployment(deployment).state(Arc::clone(&state)).build().unwrap()
    };
    let (old, new) = (one(), one());
    let (first, second) = futures_util::future::join(ask(&new), ask(&old)).await;
    assert_eq!((first.unwrap().as_str(), second.unwrap().as_str(), a.most_active()), ("a", "a", 1));
}
