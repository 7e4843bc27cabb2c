//! What Redis answers about a key or a deployment: everyone who may write to that database writes
//! it.

use sagewire_redis::testing;

use super::Bound;

/// An answer becomes values of some dozen bytes, of which the shortest has three.
pub const BOUND: Bound = Bound::small(100, 400);

/// Reads an answer about a key and one about a deployment.
pub fn read(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let _ = testing::key_answer(&text);
    let _ = testing::deployment_answer(&text);
}

/// No panic; and what is read has sensible times, whatever the numbers are.
///
/// # Panics
/// If this is not so.
pub fn check(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Some(standing) = testing::key_answer(&text) {
        assert!(standing.minute_ends_in.as_secs() <= 60, "{standing:?}");
        assert!(standing.budget_resets_in.is_none_or(|rest| rest <= testing::PERIOD), "{standing:?}");
    }
    if let Some(state) = testing::deployment_answer(&text) {
        assert!(!format!("{state:?}").is_empty());
    }
}
