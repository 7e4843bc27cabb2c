//! Answers that are kept: in memory and, if replicas share state, for all of them.
//!
//! Owns how many are in memory, how long each lives, and whose it is. What replicas share decides
//! while it answers; what is in memory is for the time when it does not, and for an answer that it
//! has not been told of yet.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use bytes::Bytes;
use http::StatusCode;
use sagewire_api::responses::{Response, ResponsesRequest, stored_items};
use sagewire_router::SharedResponses;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use tokio::time::Instant;

use crate::{
    app::State,
    callers::{Caller, KeyDigest},
    config::ResponseStoreSettings,
    http::{Exchange, error::ApiError},
};

/// The answers.
#[derive(Debug, Default)]
pub(crate) struct ResponseStore {
    kept: Mutex<KeptResponses>,
    shared: Option<Arc<dyn SharedResponses>>,
}

/// The answers in memory, the oldest first.

#[derive(Debug, Default)]
struct KeptResponses {
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
    /// Whether what replicas share has it, too.
    is_shared: AtomicBool,
}

/// An answer as replicas share it.
#[derive(Serialize, Deserialize)]
struct SharedResponse {
    response: Box<RawValue>,
    input: Box<RawValue>,
}

impl Owner {
    pub(super) fn of(caller: &Caller) -> Self {
        match caller {
            Caller::Anyone => Self::Anyone,
            Caller::Master => Self::Master,
            Caller::Key(key) => Self::Key(key.digest().copied()),
        }
    }

    /// What the answers of this owner are filed under among those of all replicas.
    fn name(&self) -> String {
        match self {
            Self::Anyone => "anyone".to_owned(),
            Self::Master => "master".to_owned(),
            Self::Key(digest) => format!("key {}", digest.map(KeyDigest::to_hex).unwrap_or_default()),
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

    /// The text that replicas share.
    fn written(&self) -> serde_json::Result<String> {
        let response = serde_json::from_slice(&self.response)?;
        serde_json::to_string(&SharedResponse { response, input: serde_json::from_slice(&self.input)? })
    }

    fn read(owner: &Owner, text: &str) -> serde_json::Result<Self> {
        let SharedResponse { response, input } = serde_json::from_str(text)?;
        let bytes = |json: Box<RawValue>| Bytes::from(String::from(Box::<str>::from(json)));
        let (response, input) = (bytes(response), bytes(input));
        Ok(Self { owner: owner.clone(), response, input, expires: Instant::now(), is_shared: AtomicBool::new(true) })
    }
}

/// How many bytes of stored answers one request may read and repeat: a reference is short, and what
/// it stands for is not.
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
    /// Answers that all replicas share.
    pub(crate) fn shared(shared: Option<Arc<dyn SharedResponses>>) -> Self {
        Self { kept: Mutex::default(), shared }
    }

    /// The answer with this id, if it is the owner's.
    pub(super) async fn get(&self, owner: &Owner, id: &str) -> Option<Arc<StoredResponse>> {
        let here = self.kept().get(owner, id);
        let Some(shared) = &self.shared else { return here };
        match shared.get(&owner.name(), id).await {
            Ok(Some(text)) => StoredResponse::read(owner, &text).ok().map(Arc::new),
            // It has been deleted, or it is too new.
            Ok(None) => here.filter(|stored| !stored.is_shared.load(Relaxed)),
            Err(error) => {
                tracing::warn!(target: "sagewire::proxy", cause = %error, "stored responses are looked up in this replica alone");
                here
            }
        }
    }

    /// Finds items by their ids, as far as there is room for them. The id of an item names its
    /// answer, which is read once.
    pub(super) async fn items(&self, owner: &Owner, ids: Vec<String>, room: &mut Room) -> HashMap<String, Value> {
        let mut read: HashMap<String, Vec<Value>> = HashMap::new();
        let mut found = HashMap::new();
        for id in ids {
            let Some(hex) = id.split('_').nth(1) else { continue };
            if !read.contains_key(hex) {
                let stored = self.get(owner, &format!("resp_{hex}")).await;
                if stored.as_ref().is_some_and(|stored| !room.take(stored.bytes())) {
                    break;
                }
                read.insert(hex.to_owned(), stored.map(|stored| stored.conversation()).unwrap_or_default());
            }
            let mut items = read.get(hex).into_iter().flatten();
            let Some(item) = items.find(|item| item.get("id").and_then(Value::as_str) == Some(&id)) else { continue };
            if !room.take(item.to_string().len()) {
                break;
            }
            let item = item.clone();
            found.insert(id, item);
        }
        found
    }

    /// Removes an answer; `false` if the owner has no such.
    ///
    /// # Errors
    /// 503 if the other replicas could still see it.
    pub(super) async fn remove(&self, owner: &Owner, id: &str) -> Result<bool, ApiError> {
        let mut was_there = self.get(owner, id).await.is_some();
        if let Some(shared) = &self.shared {
            was_there |= shared.remove(&owner.name(), id).await.map_err(|error| {
                tracing::warn!(target: "sagewire::proxy", cause = %error, "a stored response could not be deleted");
                let message = "the store that replicas share does not answer; retry later";
                ApiError::refused(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", message)
            })?;
        }
        if was_there {
            self.kept().forget(id);
        }
        Ok(was_there)
    }

    /// Keeps an answer here at once. The other replicas are told by the future.
    fn insert(
        &self,
        settings: &ResponseStoreSettings,
        id: String,
        stored: StoredResponse,
    ) -> impl Future<Output = ()> + Send + use<> {
        let stored = Arc::new(stored);
        self.kept().insert(settings, id.clone(), Arc::clone(&stored));
        let (shared, lifetime) = (self.shared.clone(), settings.lifetime);
        async move {
            let Some(shared) = shared else { return };
            let told = match stored.written() {
                Ok(text) => shared.put(&stored.owner.name(), &id, &text, lifetime).await,
                Err(error) => Err(error.into()),
            };
            match told {
                Ok(()) => stored.is_shared.store(true, Relaxed),
                Err(error) => {
                    tracing::warn!(target: "sagewire::proxy", cause = %error, "a response is stored in this replica alone");
                }
            }
        }
    }

    fn kept(&self) -> MutexGuard<'_, KeptResponses> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeptResponses {
    fn get(&self, owner: &Owner, id: &str) -> Option<Arc<StoredResponse>> {
        let stored = self.by_id.get(id)?;
        (stored.owner == *owner && Instant::now() < stored.expires).then(|| Arc::clone(stored))
    }

    fn insert(&mut self, settings: &ResponseStoreSettings, id: String, stored: Arc<StoredResponse>) {
        self.bytes += stored.bytes();
        self.order.push_back((stored.expires, id.clone()));
        self.by_id.insert(id, stored);
        let now = Instant::now();
        while let Some((expires, _)) = self.order.front() {
            if *expires > now && self.order.len() <= settings.max_responses && self.bytes <= settings.max_bytes {
                break;
            }
            if let Some((_, oldest)) = self.order.pop_front() {
                self.forget(&oldest);
            }
        }
    }

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

    /// Keeps an answer here at once; the other replicas are told by the future. `None` if the
    /// answer has no JSON form.
    pub(super) fn keep(self, response: &Response) -> Option<impl Future<Output = ()> + Send + use<>> {
        let hex = response.id.trim_start_matches("resp_");
        let input = stored_items(&self.input, |place| format!("in_{hex}_{place}"));
        let (input, json) = (serde_json::to_vec(&input).ok()?, serde_json::to_vec(response).ok()?);
        let expires = Instant::now() + self.settings.lifetime;
        let (response_json, input, is_shared) = (json.into(), input.into(), AtomicBool::new(false));
        let stored = StoredResponse { owner: self.owner, response: response_json, input, expires, is_shared };
        Some(self.state.lasting.responses.insert(&self.settings, response.id.clone(), stored))
    }
}

/// An id of 128 random bits.
pub(super) fn new_id() -> Result<String, ApiError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| ApiError::internal("the system gives no random numbers for an id"))?;
    Ok(format!("resp_{:032x}", u128::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests;
