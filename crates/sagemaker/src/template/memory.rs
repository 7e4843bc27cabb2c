//! What was looked up before, and the look-ups under way.
//!
//! Owns that a second call costs neither disk, network nor memory, that a thousand first calls cost
//! one look-up, and how long it is remembered that nothing came of it. What is looked up, and
//! where, is not known here.

use std::{
    collections::HashMap,
    ffi::{OsStr, OsString},
    future::Future,
    path::Path,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use sagewire_chat_template::{
    ChatTemplate,
    catalog::{self, Recognition},
};
use tokio::{sync::watch, time::Instant};

use super::{Found, TemplateSource, TemplateWarning, error::LookupError, search::Outcome};

/// How long it is remembered that a model has no template.
pub(super) const REMEMBER_NOTHING: Duration = Duration::from_secs(300);

/// Look-ups that one call begins or joins, where they end without an answer.
const FLIGHTS_PER_CALL: u32 = 3;

/// The most endpoints remembered. Callers name endpoints, so that there must be an end to them.
const MOST_ENDPOINTS: usize = 1024;

/// What a look-up comes to.
pub(super) type Answer = Result<Option<Found>, LookupError>;

/// What is looked up. Borrowed, so that asking for it costs no memory.
#[derive(Clone, Copy, Debug)]
pub(super) enum Query<'a> {
    Path(&'a Path),
    Model { name: &'a str, revision: &'a str, sources: &'a [TemplateSource], hub_access: bool },
}

impl Query<'_> {
    fn name(&self) -> &OsStr {
        match self {
            Self::Path(path) => path.as_os_str(),
            Self::Model { name, .. } => OsStr::new(*name),
        }
    }
}

/// What tells queries of one name apart.
#[derive(Debug)]
enum Key {
    Path,
    Model { revision: String, sources: Vec<TemplateSource>, hub_access: bool },
}

impl Key {
    fn of(query: Query<'_>) -> Self {
        match query {
            Query::Path(_) => Self::Path,
            Query::Model { revision, sources, hub_access, .. } => {
                Self::Model { revision: revision.to_owned(), sources: sources.to_vec(), hub_access }
            }
        }
    }

    fn is(&self, query: Query<'_>) -> bool {
        match (self, query) {
            (Self::Path, Query::Path(_)) => true,
            (
                Self::Model { revision, sources, hub_access },
                Query::Model { revision: r, sources: s, hub_access: h, .. },
            ) => revision == r && sources == s && *hub_access == h,
            _ => false,
        }
    }
}

#[derive(Debug)]
struct Entry {
    key: Key,
    state: State,
    /// Whether the operator was told that nothing was found.
    told: bool,
}

#[derive(Debug)]
enum State {
    Known { answer: Answer, until: Option<Instant> },
    Flying(Flight),
}

type Flight = watch::Receiver<Option<Answer>>;

/// The template that an endpoint's name tells, and what the operator should know.
type OfEndpoint = (Option<ChatTemplate>, Option<TemplateWarning>);

/// All entries, by the model's name or the path.
#[derive(Debug, Default)]
pub(super) struct Memory {
    entries: RwLock<HashMap<OsString, Vec<Entry>>>,
    endpoints: RwLock<HashMap<String, OfEndpoint>>,
}

impl Memory {
    /// The answer that is known, or that the look-up gives. It goes on when this call is given up,
    /// so that it is there for the next.
    pub(super) async fn get<F>(self: &Arc<Self>, query: Query<'_>, look_up: impl Fn() -> F) -> Answer
    where
        F: Future<Output = Result<Outcome, LookupError>> + Send + 'static,
    {
        for _ in 0..FLIGHTS_PER_CALL {
            let known = self
                .read()
                .get(query.name())
                .and_then(|entries| entries.iter().find(|entry| entry.key.is(query)))
                .and_then(Entry::known);
            let mut flight = match known {
                Some(Ok(answer)) => return answer,
                Some(Err(flight)) => flight,
                None => match self.join(query, &look_up) {
                    Ok(answer) => return answer,
                    Err(flight) => flight,
                },
            };
            // An error means that the runtime it ran on has ended, or that it panicked: the next turn begins
            // another.
            if let Ok(answer) = flight.wait_for(Option::is_some).await {
                if let Some(answer) = answer.clone() {
                    return answer;
                }
            }
        }
        Err(LookupError::unreachable("the look-up of the chat template ended without an answer"))
    }

    /// Joins the look-up that somebody else began meanwhile, or begins one.
    fn join<F>(self: &Arc<Self>, query: Query<'_>, look_up: impl Fn() -> F) -> Result<Answer, Flight>
    where
        F: Future<Output = Result<Outcome, LookupError>> + Send + 'static,
    {
        let mut all = self.write();
        let entries = all.entry(query.name().to_owned()).or_default();
        let index = entries.iter().position(|entry| entry.key.is(query));
        if let Some(known) = index.and_then(|index| entries.get(index)).and_then(Entry::known) {
            return known.map_or_else(Err, Ok);
        }
        let (landing, flight) = watch::channel(None);
        let state = State::Flying(flight.clone());
        match index.and_then(|index| entries.get_mut(index)) {
            Some(entry) => entry.state = state,
            None => entries.push(Entry { key: Key::of(query), state, told: false }),
        }
        drop(all);
        let (memory, name, own) = (Arc::clone(self), query.name().to_owned(), flight.clone());
        let looking_up = look_up();
        tokio::spawn(async move {
            let answer = memory.land(&name, &own, looking_up.await);
            // Without receivers nobody waits, which is no fault.
            let _ = landing.send(Some(answer));
        });
        Err(flight)
    }

    /// Keeps what came of a look-up.
    fn land(&self, name: &OsStr, flight: &Flight, outcome: Result<Outcome, LookupError>) -> Answer {
        let mut looked_at = None;
        let (answer, until) = match outcome {
            Ok(Outcome::Found(found)) => (Ok(Some(found)), None),
            Ok(Outcome::Nothing { looked_at: places }) => {
                looked_at = Some(places);
                (Ok(None), Some(Instant::now() + REMEMBER_NOTHING))
            }
            Err(error) => {
                let until = Instant::now() + error.remembered();
                (Err(error), Some(until))
            }
        };
        let mut all = self.write();
        let entry = all.get_mut(name).and_then(|entries| entries.iter_mut().find(|entry| entry.is_flight(flight)));
        if let Some(entry) = entry {
            entry.state = State::Known { answer: answer.clone(), until };
            if let Some(places) = looked_at.filter(|_| !entry.told) {
                entry.told = true;
                drop(all);
                tracing::warn!(
                    target: "sagewire::template",
                    model = %name.to_string_lossy(),
                    looked_at = places.join("; "),
                    "no chat template was found for the model, so the messages' texts are joined: set `chat_template`, or `hub_access`"
                );
            }
        }
        answer
    }

    /// What the endpoint's name tells, by the catalog. It is told to nobody; what the operator
    /// should know is logged once.
    pub(super) fn of_endpoint(&self, endpoint: &str) -> OfEndpoint {
        if let Some(known) = self.endpoints.read().unwrap_or_else(PoisonError::into_inner).get(endpoint) {
            return known.clone();
        }
        let endpoint = endpoint.to_owned();
        let found = match catalog::recognise(&endpoint) {
            Recognition::Family(entry) => (Some(entry.template()), None),
            Recognition::Guess(entry) => {
                let (family, endpoint) = (entry.name().to_owned(), endpoint.clone());
                (Some(entry.template()), Some(TemplateWarning::Guessed { endpoint, family }))
            }
            Recognition::ChatModel => (None, Some(TemplateWarning::UnknownChatModel { endpoint: endpoint.clone() })),
            _ => (None, Some(TemplateWarning::UnknownEndpoint { endpoint: endpoint.clone() })),
        };
        let mut endpoints = self.endpoints.write().unwrap_or_else(PoisonError::into_inner);
        if endpoints.len() >= MOST_ENDPOINTS {
            endpoints.clear();
        }
        let is_first = endpoints.insert(endpoint, found.clone()).is_none();
        drop(endpoints);
        if let Some(warning) = found.1.as_ref().filter(|_| is_first) {
            tracing::warn!(target: "sagewire::template", "{warning}");
        }
        found
    }

    // A thread that panicked left the entries whole: every change to them is one assignment.
    fn read(&self) -> RwLockReadGuard<'_, HashMap<OsString, Vec<Entry>>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<OsString, Vec<Entry>>> {
        self.entries.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// The answer, or the look-up that will give it; nothing where one has to begin.
    fn known(&self) -> Option<Result<Answer, Flight>> {
        match &self.state {
            State::Known { until: Some(until), .. } if *until <= Instant::now() => None,
            State::Known { answer, .. } => Some(Ok(answer.clone())),
            // One that ended without an answer: its sender is gone.
            State::Flying(flight) if flight.has_changed().is_err() => None,
            State::Flying(flight) => Some(Err(flight.clone())),
        }
    }

    fn is_flight(&self, flight: &Flight) -> bool {
        matches!(&self.state, State::Flying(own) if own.same_channel(flight))
    }
}

#[cfg(test)]
mod tests;
