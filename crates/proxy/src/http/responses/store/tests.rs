use std::time::Duration;

use super::*;

fn stored(owner: Owner, bytes: usize, lifetime: u64) -> StoredResponse {
    let expires = Instant::now() + Duration::from_secs(lifetime);
    StoredResponse {
        owner,
        response: vec![b' '; bytes].into(),
        input: Bytes::new(),
        expires,
        is_shared: AtomicBool::default(),
    }
}

fn ids(store: &ResponseStore) -> Vec<String> {
    let kept = store.kept();
    let mut ids: Vec<_> = kept.by_id.keys().cloned().collect();
    ids.sort();
    assert_eq!(kept.bytes, kept.by_id.values().map(|stored| stored.bytes()).sum::<usize>());
    ids
}

#[tokio::test(start_paused = true)]
async fn the_oldest_go_first_and_all_expire() {
    let settings = ResponseStoreSettings { max_responses: 3, max_bytes: 100, lifetime: Duration::from_secs(60) };
    let store = ResponseStore::default();
    for (id, bytes) in [("a", 10), ("b", 10), ("c", 10), ("d", 10)] {
        drop(store.insert(&settings, id.to_owned(), stored(Owner::Anyone, bytes, 60)));
    }
    assert_eq!(ids(&store), ["b", "c", "d"]);
    drop(store.insert(&settings, "e".to_owned(), stored(Owner::Anyone, 85, 60)));
    assert_eq!(ids(&store), ["d", "e"]);
    drop(store.insert(&settings, "f".to_owned(), stored(Owner::Anyone, 101, 60)));
    assert!(ids(&store).is_empty());
    drop(store.insert(&settings, "g".to_owned(), stored(Owner::Anyone, 1, 60)));
    tokio::time::advance(Duration::from_secs(60)).await;
    assert!(store.get(&Owner::Anyone, "g").await.is_none());
    drop(store.insert(&settings, "h".to_owned(), stored(Owner::Anyone, 1, 60)));
    assert_eq!(ids(&store), ["h"]);
}

#[tokio::test]
async fn an_answer_is_its_owners_alone() {
    let store = ResponseStore::default();
    let key = |key| Owner::Key(Some(KeyDigest::of(key)));
    drop(store.insert(&ResponseStoreSettings::default(), "a".to_owned(), stored(key("one"), 1, 60)));
    for other in [key("two"), Owner::Master, Owner::Anyone, Owner::Key(None)] {
        assert!(store.get(&other, "a").await.is_none() && !store.remove(&other, "a").await.unwrap());
    }
    assert!(store.get(&key("one"), "a").await.is_some() && store.remove(&key("one"), "a").await.unwrap());
    assert!(!store.remove(&key("one"), "a").await.unwrap() && ids(&store).is_empty());
}

#[test]
fn ids_differ() {
    let (one, other) = (new_id().unwrap(), new_id().unwrap());
    assert!(one != other && one.len() == "resp_".len() + 32, "{one} {other}");
}
