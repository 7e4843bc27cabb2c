//! Answers that are kept in memory.
//!
//! Owns how many there are, how long each lives, and whose it is. Nothing is written anywhere else.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use sagewire_api::responses::{Response, ResponsesRequest, stored_items};
use serde_json::Value;
use tokio::time::Instant;

use crate::{
    app::State,
    callers::{Caller, KeyDigest},
    config::ResponseStoreSettings,
    http::{Exchange, error::ApiError},
};

/// The answers, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct ResponseStore(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    by_id: HashMap<String, Arc<StoredResponse>>,
    /// In the order in which they came. An answer that was deleted is still here, and counts.
    order: VecDeque<(Instant, String)>,
    bytes: usize,
}

/// Whose answer it is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Owner {
    /// Everyone's, where no key is asked for.
    Anyone,
    /// The holder's of the master key.
    Master,
    /// The holder's of this key.
    Key(Option<KeyDigest>),
}

/// An answer and the conversation before it, as JSON.
#[derive(Debug)]
pub(super) struct StoredResponse {
    owner: Owner,
    pub(super) response: Bytes,
    input: Bytes,
    expires: Instant,
}

impl Owner {
    pub(super) fn of(caller: &Caller) -> Self {
        match caller {
            Caller::Anyone => Self::Anyone,
            Caller::Master => Self::Master,
            Caller::Key(key) => Self::Key(key.digest().copied()),
        }
    }
}

impl StoredResponse {
    /// The items that the answer answers.
    pub(super) fn input(&self) -> Vec<Value> {
        serde_json::from_slice(&self.input).unwrap_or_default()
    }

    /// The items of the answer.
    fn output(&self) -> Vec<Value> {
        let response: Option<Response> = serde_json::from_slice(&self.response).ok();
        let items = response.into_iter().flat_map(|response| response.output);
        items.filter_map(|item| serde_json::to_value(item).ok()).collect()
    }

    /// All items, in order.
    pub(super) fn conversation(&self) -> Vec<Value> {
        let mut items = self.input();
        items.extend(self.output());
        items
    }

    pub(super) fn bytes(&self) -> usize {
        self.response.len() + self.input.len()
    }
}

/// How many bytes of stored answers one request may read and repeat: a reference is short, and what it stands for is not.
#[derive(Debug)]
pub(super) struct Room {
    left: usize,
    is_exceeded: bool,
}

impl Room {
    pub(super) fn new(bytes: usize) -> Self {
        Self { left: bytes, is_exceeded: false }
    }

    /// Takes so many bytes, if there are as many left.
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        match self.left.checked_sub(bytes) {
            Some(left) if !self.is_exceeded => self.left = left,
            _ => self.is_exceeded = true,
        }
        !self.is_exceeded
    }

    /// Whether more was wanted than there was.
    pub(super) fn is_exceeded(&self) -> bool {
        self.is_exceeded
    }
}

impl ResponseStore {
    /// The answer with this id, if it is the owner's.
    pub(super) fn get(&self, owner: &Owner, id: &str) -> Option<Arc<StoredResponse>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let stored = kept.by_id.get(id)?;
        (stored.owner == *owner && Instant::now() < stored.expires).then(|| Arc::clone(stored))
    }

    /// Finds items by their ids, as far as there is room for them. The id of an item names its answer, which is read once.
    pub(super) fn items(&self, owner: &Owner, room: &mut Room) -> impl FnMut(&str) -> Option<Value> {
        let mut read: HashMap<String, Vec<Value>> = HashMap::new();
        move |id| {
            let hex = id.split('_').nth(1)?;
            let items = match read.entry(hex.to_owned()) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    let stored = self.get(owner, &format!("resp_{hex}"))?;
                    if !room.take(stored.bytes()) {
                        return None;
                    }
                    new.insert(stored.conversation())
                }
            };
            let item = items.iter().find(|item| item.get("id").and_then(Value::as_str) == Some(id))?;
            room.take(item.to_string().len()).then(|| item.clone())
        }
    }

    /// Removes an answer; `false` if the owner has no such.
    pub(super) fn remove(&self, owner: &Owner, id: &str) -> bool {
        let found = self.get(owner, id).is_some();
        if found {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.forget(id);
        }
        found
    }

    fn insert(&self, settings: &ResponseStoreSettings, id: String, stored: StoredResponse) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.bytes += stored.bytes();
        kept.order.push_back((stored.expires, id.clone()));
        kept.by_id.insert(id, Arc::new(stored));
        let now = Instant::now();
        while let Some((expires, _)) = kept.order.front() {
            if *expires > now && kept.order.len() <= settings.max_responses && kept.bytes <= settings.max_bytes {
                break;
            }
            if let Some((_, oldest)) = kept.order.pop_front() {
                kept.forget(&oldest);
            }
        }
    }
}

impl Kept {
    fn forget(&mut self, id: &str) {
        if let Some(stored) = self.by_id.remove(id) {
            self.bytes = self.bytes.saturating_sub(stored.bytes());
        }
    }
}

/// What is needed to keep an answer once it is whole.
#[derive(Debug)]
pub(super) struct Keeping {
    state: Arc<State>,
    settings: ResponseStoreSettings,
    owner: Owner,
    input: Vec<Value>,
}

impl Keeping {
    pub(super) fn new(exchange: &Exchange, settings: ResponseStoreSettings, request: &ResponsesRequest) -> Self {
        let owner = Owner::of(&exchange.caller);
        Self { state: Arc::clone(&exchange.state), settings, owner, input: request.input().to_vec() }
    }

    pub(super) fn keep(self, response: &Response) {
        let hex = response.id.trim_start_matches("resp_");
        let input = stored_items(&self.input, |place| format!("in_{hex}_{place}"));
        let (Ok(input), Ok(json)) = (serde_json::to_vec(&input), serde_json::to_vec(response)) else { return };
        let expires = Instant::now() + self.settings.lifetime;
        let stored = StoredResponse { owner: self.owner, response: json.into(), input: input.into(), expires };
        self.state.lasting.responses.insert(&self.settings, response.id.clone(), stored);
    }
}

/// An id of 128 random bits.
pub(super) fn new_id() -> Result<String, ApiError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| ApiError::internal("the system gives no random numbers for an id"))?;
    let mut id = "resp_".to_owned();
    for byte in bytes {
        // Writing into a text does not fail.
        let _ = write!(id, "{byte:02x}");
    }
    Ok(id)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn stored(owner: Owner, bytes: usize, lifetime: u64) -> StoredResponse {
        let expires = Instant::now() + Duration::from_secs(lifetime);
        StoredResponse { owner, response: vec![b' '; bytes].into(), input: Bytes::new(), expires }
    }

    fn ids(store: &ResponseStore) -> Vec<String> {
        let kept = store.0.lock().unwrap();
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
            store.insert(&settings, id.to_owned(), stored(Owner::Anyone, bytes, 60));
        }
        assert_eq!(ids(&store), ["b", "c", "d"]);
        store.insert(&settings, "e".to_owned(), stored(Owner::Anyone, 85, 60));
        assert_eq!(ids(&store), ["d", "e"]);
        store.insert(&settings, "f".to_owned(), stored(Owner::Anyone, 101, 60));
        assert!(ids(&store).is_empty());
        store.insert(&settings, "g".to_owned(), stored(Owner::Anyone, 1, 60));
        tokio::time::advance(Duration::from_secs(60)).await;
        assert!(store.get(&Owner::Anyone, "g").is_none());
        store.insert(&settings, "h".to_owned(), stored(Owner::Anyone, 1, 60));
        assert_eq!(ids(&store), ["h"]);
    }

    #[tokio::test]
    async fn an_answer_is_its_owners_alone() {
        let store = ResponseStore::default();
        let key = |key| Owner::Key(Some(KeyDigest::of(key)));
        store.insert(&ResponseStoreSettings::default(), "a".to_owned(), stored(key("one"), 1, 60));
        for other in [key("two"), Owner::Master, Owner::Anyone, Owner::Key(None)] {
            assert!(store.get(&other, "a").is_none() && !store.remove(&other, "a"));
        }
        assert!(store.get(&key("one"), "a").is_some() && store.remove(&key("one"), "a"));
        assert!(!store.remove(&key("one"), "a") && ids(&store).is_empty());
    }

    #[test]
    fn ids_differ() {
        let (one, other) = (new_id().unwrap(), new_id().unwrap());
        assert!(one != other && one.len() == "resp_".len() + 32, "{one} {other}");
    }
}
