//! Signing keys by credential, day, region and service, so that a signature costs one HMAC instead
//! of five.
//!
//! Owns the look-up, the bound of 64 keys and what is given up for a new one. Reading takes a
//! shared lock and writes to memory only the first time that a key is used after a sweep, so many
//! threads can sign at once.
//!
//! A key is found by comparing every part exactly, the secret included: two credentials with the
//! same access key id never share one. Nothing derived from a secret is used to look it up.

use std::sync::{
    PoisonError, RwLock,
    atomic::{AtomicBool, Ordering},
};

use zeroize::Zeroizing;

use crate::{input::Scope, key::SigningKey};

/// How many keys are kept. Each takes less than a kilobyte.
pub(crate) const CAPACITY: usize = 64;

#[derive(Default)]
pub(crate) struct KeyCache {
    keys: RwLock<Keys>,
}

#[derive(Default)]
struct Keys {
    slots: Vec<Slot>,
    /// Where the search for a slot to give up goes on.
    hand: usize,
}

/// What is compared first lies side by side; the rest is behind one pointer, so that secrets do not
/// move when slots do.
struct Slot {
    day: u32,
    /// The end of the access key id: no secret, and different for nearly every two ids.
    id_end: u64,
    /// Whether the key was used since the last sweep came by.
    used: AtomicBool,
    entry: Box<Entry>,
}

struct Entry {
    access_key_id: Box<str>,
    secret_access_key: Zeroizing<String>,
    region: Box<str>,
    service: Box<str>,
    key: SigningKey,
}

impl KeyCache {
    /// Signs with the key of this scope, deriving it when it is not known.
    pub(crate) fn sign(&self, scope: &Scope<'_>, string_to_sign: &str) -> [u8; 32] {
        // A poisoned lock only says that some thread panicked: slots are replaced whole, so what is
        // there is good.
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = keys.find(scope) {
            slot.mark_used();
            return slot.entry.key.sign(string_to_sign);
        }
        drop(keys);

        // Derived outside the lock: at worst two threads do it at once, and one result is dropped.
        let key = SigningKey::derive(scope);
        let signature = key.sign(string_to_sign);
        self.keys.write().unwrap_or_else(PoisonError::into_inner).insert(scope, key);
        signature
    }

    /// How many keys are kept now.
    pub(crate) fn len(&self) -> usize {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).slots.len()
    }
}

impl Keys {
    fn find(&self, scope: &Scope<'_>) -> Option<&Slot> {
        let (day, id_end) = (scope.time.day(), end_of(scope.access_key_id));
        self.slots.iter().find(|slot| slot.day == day && slot.id_end == id_end && slot.entry.belongs_to(scope))
    }

    fn insert(&mut self, scope: &Scope<'_>, key: SigningKey) {
        if self.find(scope).is_some() {
            return;
        }
        // Keys of other days are of no more use. The days next to this one stay: clocks are
        // adjusted around midnight.
        self.slots.retain(|slot| slot.day.abs_diff(scope.time.day()) <= 1);
        let slot = Slot {
            day: scope.time.day(),
            id_end: end_of(scope.access_key_id),
            used: AtomicBool::new(true),
            entry: Box::new(Entry::new(scope, key)),
        };
        if self.slots.len() < CAPACITY {
            self.slots.push(slot);
        } else if let Some(least_used) = self.slot_to_give_up() {
            *least_used = slot;
        }
    }

    /// The first slot not used since the hand last passed it; two rounds find one, as the first
    /// clears the marks.
    fn slot_to_give_up(&mut self) -> Option<&mut Slot> {
        let count = self.slots.len();
        let place = (0..2 * count).find_map(|_| {
            let place = self.hand % count;
            self.hand = place + 1;
            let was_used = std::mem::take(self.slots.get_mut(place)?.used.get_mut());
            (!was_used).then_some(place)
        })?;
        self.slots.get_mut(place)
    }
}

impl Slot {
    /// Writes only when there is something to change, so that readers do not take the cache line
    /// from each other.
    fn mark_used(&self) {
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
    }
}

impl Entry {
    fn new(scope: &Scope<'_>, key: SigningKey) -> Self {
        Self {
            access_key_id: scope.access_key_id.into(),
            secret_access_key: Zeroizing::new(scope.secret_access_key.to_owned()),
            region: scope.region.into(),
            service: scope.service.into(),
            key,
        }
    }

    fn belongs_to(&self, scope: &Scope<'_>) -> bool {
        *self.access_key_id == *scope.access_key_id
            && *self.region == *scope.region
            && *self.service == *scope.service
            && same_secret(self.secret_access_key.as_bytes(), scope.secret_access_key.as_bytes())
    }
}

/// Compares without stopping at the first difference, so that the time taken tells nothing about
/// where it is.
fn same_secret(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differences, (a, b)| differences | (a ^ b)) == 0
}

/// The last eight bytes as a number.
fn end_of(text: &str) -> u64 {
    text.bytes().rev().take(8).fold(0, |number, byte| number << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests;
