//! The cases of [`AnswerCache`].

use std::time::Duration;

use bytes::Bytes;

use super::{Case, Replicas, cases};
use crate::cache::{AnswerCache, CacheKey, NewAnswer};

const MINUTE: Duration = Duration::from_secs(60);

type Caches<'r> = &'r dyn Replicas<dyn AnswerCache>;

/// Every case of [`AnswerCache`].
#[must_use]
pub fn caches() -> Vec<Case<dyn AnswerCache>> {
    cases![
        what_is_kept_is_found_by_every_replica,
        an_answer_is_dropped_when_its_time_is_over,
        the_newest_answer_is_found,
        an_answer_that_took_long_does_not_replace_a_newer_one,
        every_byte_comes_back,
    ]
}

fn key(name: &str) -> CacheKey {
    CacheKey::of(&[name.as_bytes()])
}

fn answer(text: &'static [u8]) -> NewAnswer {
    asked_ago(text, Duration::ZERO)
}

fn asked_ago(text: &'static [u8], asked_ago: Duration) -> NewAnswer {
    NewAnswer { answer: Bytes::from_static(text), lifetime: MINUTE, asked_ago }
}

async fn found(cache: &dyn AnswerCache, name: &str) -> Option<(Bytes, u64)> {
    let kept = cache.get(&[key(name)]).await;
    assert_eq!(kept.len(), 1);
    kept.into_iter().next().flatten().map(|kept| (kept.answer, kept.age.as_secs()))
}

async fn what_is_kept_is_found_by_every_replica(replicas: Caches<'_>) {
    let (first, second) = (replicas.replica(), replicas.replica());
    assert_eq!(found(&*first, "a").await, None);
    first.put(key("a"), answer(b"1"));
    second.put(key("c"), answer(b"3"));
    replicas.settle().await;
    for cache in [&first, &second] {
        let kept = cache.get(&[key("a"), key("b"), key("c")]).await;
        let answers: Vec<Option<&[u8]>> = kept.iter().map(|kept| kept.as_ref().map(|kept| &*kept.answer)).collect();
        assert_eq!(answers, [Some(&b"1"[..]), None, Some(&b"3"[..])]);
    }
    assert_eq!(first.get(&[]).await, []);
}

async fn an_answer_is_dropped_when_its_time_is_over(replicas: Caches<'_>) {
    let cache = replicas.replica();
    cache.put(key("a"), answer(b"1"));
    replicas.settle().await;
    tokio::time::advance(MINUTE / 2).await;
    assert_eq!(found(&*cache, "a").await, Some((Bytes::from_static(b"1"), 30)));
    tokio::time::advance(MINUTE).await;
    assert_eq!(found(&*cache, "a").await, None);
}

async fn the_newest_answer_is_found(replicas: Caches<'_>) {
    let cache = replicas.replica();
    cache.put(key("a"), answer(b"1"));
    replicas.settle().await;
    tokio::time::advance(MINUTE / 2).await;
    cache.put(key("a"), answer(b"2"));
    replicas.settle().await;
    tokio::time::advance(MINUTE / 2).await;
    assert_eq!(found(&*cache, "a").await, Some((Bytes::from_static(b"2"), 30)));
}

async fn an_answer_that_took_long_does_not_replace_a_newer_one(replicas: Caches<'_>) {
    let (first, second) = (replicas.replica(), replicas.replica());
    let put = async |cache: &dyn AnswerCache, answer: NewAnswer| {
        cache.put(key("a"), answer);
        replicas.settle().await;
        tokio::time::advance(Duration::from_secs(1)).await;
        found(&*first, "a").await.map(|(answer, _)| answer)
    };
    assert_eq!(put(&*first, asked_ago(b"1", Duration::from_secs(5))).await, Some(Bytes::from_static(b"1")));
    assert_eq!(put(&*second, asked_ago(b"2", Duration::from_secs(7))).await, Some(Bytes::from_static(b"1")));
    assert_eq!(put(&*second, asked_ago(b"3", Duration::from_secs(6))).await, Some(Bytes::from_static(b"3")));
    tokio::time::advance(MINUTE).await;
    let late = put(&*second, asked_ago(b"4", 10 * MINUTE)).await;
    assert_eq!(late, Some(Bytes::from_static(b"4")), "nothing newer is left");
}

async fn every_byte_comes_back(replicas: Caches<'_>) {
    let cache = replicas.replica();
    let answer: Bytes = (0..=255_u8).cycle().take(100_000).collect();
    cache.put(key("a"), NewAnswer { answer: answer.clone(), lifetime: MINUTE, asked_ago: Duration::ZERO });
    replicas.settle().await;
    assert_eq!(found(&*cache, "a").await.map(|(answer, _)| answer), Some(answer));
}
