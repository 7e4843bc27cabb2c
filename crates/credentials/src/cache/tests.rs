//! Who asks, who waits, and what stays in use, on a paused clock.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use tokio::sync::Semaphore;
use tokio::time::advance;

use super::{CachePolicy, CachedProvider};
use crate::seam::{TokioClock, World};
use crate::{Credentials, CredentialsError, ErrorKind, ProvideCredentials};

type Given = Result<Credentials, CredentialsError>;

/// A provider that counts its calls, gives scripted answers, and answers only when the gate lets
/// it.
#[derive(Debug)]
struct Scripted {
    calls: AtomicU32,
    invalidated: AtomicU32,
    answers: Mutex<VecDeque<Given>>,
    gate: Semaphore,
}

impl Scripted {
    fn new(answers: impl IntoIterator<Item = Given>) -> Arc<Self> {
        Arc::new(Self {
            calls: AtomicU32::new(0),
            invalidated: AtomicU32::new(0),
            answers: Mutex::new(answers.into_iter().collect()),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
        })
    }

    fn calls(&self) -> u32 {
        self.calls.load(Ordering::SeqCst)
    }

    /// From now on nothing is answered until `open` is called.
    fn close(&self) {
        self.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    fn open(&self) {
        self.gate.add_permits(1000);
    }
}

#[async_trait]
impl ProvideCredentials for Scripted {
    async fn provide_credentials(&self) -> Given {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.gate.acquire().await.unwrap().forget();
        self.answers.lock().unwrap().pop_front().expect("no further answer")
    }

    fn invalidate(&self, _: &Credentials) {
        self.invalidated.fetch_add(1, Ordering::SeqCst);
    }
}

fn start() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_000_000_000)
}

/// Keys called `name` that expire this many seconds after the start.
fn keys(name: &str, expiry: u64) -> Credentials {
    Credentials::new(name, "secret").with_expiry(start() + Duration::from_secs(expiry))
}

fn failure() -> Given {
    Err(CredentialsError::provider("no"))
}

fn cache(inner: &Arc<Scripted>) -> CachedProvider {
    let world = World::builder().with_clock(TokioClock::starting_at(start())).build();
    CachedProvider::new(&world, Arc::clone(inner) as Arc<dyn ProvideCredentials>)
}

async fn key_id(cache: &CachedProvider) -> String {
    cache.provide_credentials().await.unwrap().access_key_id().to_owned()
}

/// Lets every task that can run do so.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

async fn forward(seconds: u64) {
    advance(Duration::from_secs(seconds)).await;
    settle().await;
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_callers_at_expiry_cause_one_call() {
    let inner = Scripted::new([Ok(keys("old", 3600)), Ok(keys("new", 7200))]);
    let cache = cache(&inner);
    assert_eq!(key_id(&cache).await, "old");
    forward(3600).await;

    let callers: Vec<_> = (0..10_000)
        .map(|_| {
            let cache = cache.clone();
            tokio::spawn(async move { key_id(&cache).await })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), "new");
    }
    assert_eq!(inner.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn renews_in_the_background_ahead_of_expiry() {
    let inner = Scripted::new([Ok(keys("old", 3600)), Ok(keys("new", 7200))]);
    let cache = cache(&inner);
    assert_eq!(key_id(&cache).await, "old");
    forward(3600 - 376).await;
    assert_eq!(key_id(&cache).await, "old");
    settle().await;
    assert_eq!(inner.calls(), 1, "it is too early, even with all the chance there is");
    forward(76).await;
    assert_eq!(key_id(&cache).await, "old", "nobody waits for it");
    settle().await;
    assert_eq!(inner.calls(), 2);
    assert_eq!(key_id(&cache).await, "new");
}

#[tokio::test(start_paused = true)]
async fn callers_wait_when_expiry_is_near() {
    let inner = Scripted::new([Ok(keys("old", 3600)), Ok(keys("new", 7200))]);
    let cache = cache(&inner);
    key_id(&cache).await;
    forward(3600 - 60).await;
    assert_eq!(key_id(&cache).await, "new");
}

#[tokio::test(start_paused = true)]
async fn a_renewal_outlives_the_caller_that_began_it() {
    let inner = Scripted::new([Ok(keys("new", 3600))]);
    inner.close();
    let cache = cache(&inner);
    let gone = tokio::spawn({
        let cache = cache.clone();
        async move { cache.provide_credentials().await }
    });
    settle().await;
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    inner.open();
    assert_eq!(key_id(&cache).await, "new");
    assert_eq!(inner.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failed_renewal_keeps_valid_credentials_and_tries_less_and_less_often() {
    let answers = std::iter::once(Ok(keys("old", 3600))).chain((0..100).map(|_| failure()));
    let inner = Scripted::new(answers);
    let cache = cache(&inner);
    key_id(&cache).await;
    forward(3600 - 300).await;
    // A caller each second, for four minutes: into the time in which callers would wait.
    for _ in 0..250 {
        assert_eq!(key_id(&cache).await, "old");
        settle().await;
        forward(1).await;
    }
    let tries = inner.calls() - 1;
    assert!((7..=20).contains(&tries), "{tries} tries, doubling from one second to a minute");
}

#[tokio::test(start_paused = true)]
async fn without_valid_credentials_all_waiters_get_the_error_and_it_is_soon_tried_again() {
    let inner = Scripted::new([failure(), Ok(keys("new", 3600))]);
    let cache = cache(&inner);
    let (first, second) = tokio::join!(cache.provide_credentials(), cache.provide_credentials());
    assert_eq!(first.unwrap_err().kind(), ErrorKind::Provider);
    assert_eq!(second.unwrap_err().kind(), ErrorKind::Provider);
    assert!(cache.provide_credentials().await.is_err(), "for a second the error stands");
    assert_eq!(inner.calls(), 1);
    forward(1).await;
    assert_eq!(key_id(&cache).await, "new");
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_are_forgotten_and_newer_ones_are_not() {
    let inner = Scripted::new([Ok(keys("first", 3600)), Ok(keys("second", 3600))]);
    let cache = cache(&inner);
    let first = cache.provide_credentials().await.unwrap();
    cache.invalidate(&first);
    assert_eq!(key_id(&cache).await, "second");
    cache.invalidate(&first);
    assert_eq!(key_id(&cache).await, "second");
    assert_eq!(inner.calls(), 2);
    assert_eq!(inner.invalidated.load(Ordering::SeqCst), 2, "the provider below is told too");
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_brings_what_was_refused_meanwhile_is_not_kept() {
    let inner = Scripted::new([Ok(keys("same", 3600)), Ok(keys("same", 3600)), Ok(keys("new", 3600))]);
    let cache = cache(&inner);
    let refused = cache.provide_credentials().await.unwrap();
    forward(3600 - 300).await;
    inner.close();
    assert_eq!(key_id(&cache).await, "same");
    settle().await;
    cache.invalidate(&refused);
    inner.open();
    settle().await;
    assert_eq!(key_id(&cache).await, "new");
}

#[tokio::test(start_paused = true)]
async fn credentials_without_expiry_stay() {
    let inner = Scripted::new([Ok(Credentials::new("static", "secret"))]);
    let cache = cache(&inner);
    for _ in 0..3 {
        assert_eq!(key_id(&cache).await, "static");
        forward(1_000_000).await;
    }
    assert_eq!(inner.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn credentials_that_are_already_expired_are_an_error_that_speaks_of_the_clock() {
    let inner =
        Scripted::new([Ok(Credentials::new("late", "secret").with_expiry(start() - Duration::from_secs(3600)))]);
    let error = cache(&inner).provide_credentials().await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("expired at 2001-09-09T00:46:40Z") && text.contains("shows 2001-09-09T01:46:40Z"), "{text}");
    assert!(text.contains("clock"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_never_answers_is_given_up() {
    let inner = Scripted::new([]);
    inner.close();
    let error = cache(&inner).provide_credentials().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_panics_is_an_error() {
    let inner = Scripted::new([]);
    let error = cache(&inner).provide_credentials().await.unwrap_err();
    assert!(error.to_string().contains("panicked"), "{error}");
}

#[test]
fn a_runtime_that_ended_takes_no_caller_of_another_with_it() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let inner = Scripted::new([Ok(Credentials::new("new", "secret"))]);
    inner.close();
    let cache = CachedProvider::with_policy(&World::builder().build(), inner.clone(), CachePolicy::default());
    let first = runtime();
    first.block_on(async {
        let cache = cache.clone();
        tokio::spawn(async move { cache.provide_credentials().await });
        settle().await;
    });
    drop(first);
    assert_eq!(inner.calls(), 1);
    inner.open();
    assert_eq!(runtime().block_on(key_id(&cache)), "new");
}

#[tokio::test]
async fn debug_shows_no_secret() {
    let inner = Scripted::new([Ok(Credentials::new("id", "hidden-secret"))]);
    let cache = cache(&inner);
    key_id(&cache).await;
    assert!(!format!("{cache:?} {cache:#?}").contains("hidden-secret"));
}
