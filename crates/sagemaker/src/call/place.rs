//! What may be a container of its own, and what calls have learned about it.
//!
//! Owns the memory: it lasts as long as the provider, and is bounded.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

use crate::{call::plan::Prepared, request::BaseUrl};

/// At most this many containers are remembered; beyond that all are forgotten, which costs each of
/// them one more attempt.
const MOST_PLACES: usize = 1024;

/// What may be a container of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    base: BaseUrl,
    endpoint: String,
    /// Inference component, model, variant and container.
    parts: [Option<String>; 4],
}

impl Place {
    /// The container that a call goes to.
    pub(crate) fn of(prepared: &Prepared<'_>) -> Self {
        let headers = &prepared.settings.headers;
        Self {
            base: prepared.target.base.clone(),
            endpoint: prepared.model.name().to_owned(),
            parts: [
                headers.inference_component.clone(),
                headers.target_model.clone(),
                headers.target_variant.clone(),
                headers.target_container_hostname.clone(),
            ],
        }
    }
}

/// One fact about each container, as far as it is known.
#[derive(Debug)]
pub(crate) struct Learned<T>(RwLock<HashMap<Place, T>>);

impl<T> Default for Learned<T> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<T: Copy> Learned<T> {
    /// What is known about the container that a call goes to.
    pub(crate) fn about(&self, prepared: &Prepared<'_>) -> Option<T> {
        let places = self.0.read().unwrap_or_else(PoisonError::into_inner);
        // Most providers never learn anything: the place is not even made.
        if places.is_empty() { None } else { places.get(&Place::of(prepared)).copied() }
    }

    pub(crate) fn remember(&self, place: Place, fact: T) {
        let mut places = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= MOST_PLACES {
            places.clear();
        }
        places.insert(place, fact);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_is_bounded() {
        let learned = Learned::default();
        for number in 0..3 * MOST_PLACES {
            let base = BaseUrl::parse("https://example.invalid").unwrap();
            let place = Place { base, endpoint: number.to_string(), parts: Default::default() };
            learned.remember(place.clone(), number);
            let places = learned.0.read().unwrap();
            assert!(places.get(&place) == Some(&number) && places.len() <= MOST_PLACES);
        }
    }
}
