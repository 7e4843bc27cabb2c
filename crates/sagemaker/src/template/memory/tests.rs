use std::sync::atomic::{AtomicUsize, Ordering};

use sagewire_credentials::seam::MapFiles;
use tokio::{sync::Semaphore, time::advance};

use super::*;
use crate::{
    Settings, TemplateChoice,
    template::{
        Origin,
        tests::{CACHE, CONFIG, Counted, find, jinja, settings, templates, world},
    },
};

const A_MODEL: Query<'static> =
    Query::Model { name: "acme/model", revision: "main", sources: &TemplateSource::ALL, hub_access: false };

fn found() -> Result<Outcome, LookupError> {
    Ok(Outcome::Found(Found { template: jinja("x"), origin: Origin::Hub }))
}

#[tokio::test]
async fn a_second_call_reads_nothing() {
    let counted = Counted {
        files: MapFiles::new()
            .with("/t.jinja", "file")
            .with(format!("{CACHE}/refs/main"), "abc123")
            .with(format!("{CACHE}/snapshots/abc123/tokenizer_config.json"), CONFIG),
        ..Counted::default()
    };
    let reads = Arc::clone(&counted.reads);
    let (world, templates) = (world(counted), templates());
    let by_path = Settings { template: Some(TemplateChoice::Path("/t.jinja".into())), ..Settings::default() };
    for settings in [settings("acme/model"), settings("acme/unknown"), by_path, Settings::default()] {
        let first = find(&templates, &world, &settings).await.unwrap();
        let after_first = reads.load(Ordering::SeqCst);
        for _ in 0..10 {
            assert_eq!(find(&templates, &world, &settings).await.unwrap(), first);
        }
        assert_eq!(reads.load(Ordering::SeqCst), after_first);
    }
    assert!(reads.load(Ordering::SeqCst) > 0);
}

#[tokio::test]
async fn a_thousand_first_calls_are_one_look_up() {
    let (memory, count, gate) =
        (Arc::new(Memory::default()), Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let look_up = || {
        let (count, gate) = (Arc::clone(&count), Arc::clone(&gate));
        async move {
            count.fetch_add(1, Ordering::SeqCst);
            gate.acquire().await.unwrap().forget();
            found()
        }
    };
    let calls = futures_util::future::join_all((0..1000).map(|_| memory.get(A_MODEL, look_up)));
    let open = async {
        while count.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        gate.add_permits(1);
    };
    let (answers, ()) = futures_util::future::join(calls, open).await;
    assert!(answers.into_iter().all(|answer| matches!(answer, Ok(Some(Found { origin: Origin::Hub, .. })))));
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_look_up_outlives_the_call_that_began_it() {
    let (memory, count, gate) =
        (Arc::new(Memory::default()), Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let look_up = || {
        let (count, gate) = (Arc::clone(&count), Arc::clone(&gate));
        async move {
            count.fetch_add(1, Ordering::SeqCst);
            gate.acquire().await.unwrap().forget();
            found()
        }
    };
    let given_up = futures_util::FutureExt::now_or_never(memory.get(A_MODEL, look_up));
    assert!(given_up.is_none());
    gate.add_permits(1);
    assert!(matches!(memory.get(A_MODEL, look_up).await, Ok(Some(_))));
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_look_up_that_panics_is_begun_again_and_not_for_ever() {
    let (memory, count) = (Arc::new(Memory::default()), Arc::new(AtomicUsize::new(0)));
    let panics = |times: usize| {
        let count = Arc::clone(&count);
        move || {
            let turn = count.fetch_add(1, Ordering::SeqCst);
            async move {
                assert!(turn >= times, "on purpose");
                found()
            }
        }
    };
    assert!(matches!(memory.get(A_MODEL, panics(2)).await, Ok(Some(_))));
    assert_eq!(count.load(Ordering::SeqCst), 3);

    let memory = Arc::new(Memory::default());
    assert!(memory.get(A_MODEL, panics(usize::MAX)).await.is_err());
    assert_eq!(count.load(Ordering::SeqCst), 3 + usize::try_from(FLIGHTS_PER_CALL).unwrap());
}

#[tokio::test(start_paused = true)]
async fn nothing_and_failures_are_remembered_each_for_their_time() {
    let nothing = || Ok(Outcome::Nothing { looked_at: Vec::new() });
    let outcomes: [(fn() -> Result<Outcome, LookupError>, u64); 3] =
        [(nothing, 300), (|| Err(LookupError::unreachable("x")), 60), (|| Err(LookupError::bad_file("x")), 5)];
    for (outcome, seconds) in outcomes {
        let (memory, count) = (Arc::new(Memory::default()), Arc::new(AtomicUsize::new(0)));
        let look_up = || {
            count.fetch_add(1, Ordering::SeqCst);
            async move { outcome() }
        };
        for expected in [1, 1, 1] {
            let _ = memory.get(A_MODEL, look_up).await;
            assert_eq!(count.load(Ordering::SeqCst), expected);
        }
        advance(Duration::from_secs(seconds) - Duration::from_millis(1)).await;
        let _ = memory.get(A_MODEL, look_up).await;
        assert_eq!(count.load(Ordering::SeqCst), 1, "{seconds} s");
        advance(Duration::from_millis(1)).await;
        let _ = memory.get(A_MODEL, look_up).await;
        assert_eq!(count.load(Ordering::SeqCst), 2, "{seconds} s");
    }
}

#[tokio::test]
async fn queries_of_one_name_are_told_apart() {
    let (memory, count) = (Arc::new(Memory::default()), AtomicUsize::new(0));
    let look_up = || {
        count.fetch_add(1, Ordering::SeqCst);
        async { found() }
    };
    let (name, revision, sources) = ("acme/model", "main", &TemplateSource::ALL[..]);
    let queries = [
        Query::Path(Path::new(name)),
        Query::Model { name, revision, sources, hub_access: false },
        Query::Model { name, revision, sources, hub_access: true },
        Query::Model { name, revision: "v2", sources, hub_access: false },
        Query::Model { name, revision, sources: &[], hub_access: false },
    ];
    for _ in 0..2 {
        for query in queries {
            memory.get(query, look_up).await.unwrap();
        }
    }
    assert_eq!(count.load(Ordering::SeqCst), queries.len());
}

#[test]
fn the_endpoints_remembered_are_not_without_end() {
    let memory = Memory::default();
    for index in 0..=MOST_ENDPOINTS {
        assert!(memory.of_endpoint(&format!("endpoint-{index}")).0.is_none());
    }
    assert_eq!(memory.endpoints.read().unwrap().len(), 1);
}
