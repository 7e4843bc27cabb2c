//! `x-ratelimit-*`: what a limited key has left, as
//! [OpenAI tells it](https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers).

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::callers::{Caller, KeyLimit, Ledger};

const REQUESTS: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit-requests"),
    HeaderName::from_static("x-ratelimit-remaining-requests"),
    HeaderName::from_static("x-ratelimit-reset-requests"),
];

const TOKENS: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit-tokens"),
    HeaderName::from_static("x-ratelimit-remaining-tokens"),
    HeaderName::from_static("x-ratelimit-reset-tokens"),
];

/// Adds what the caller's key has left. Of its limits of tokens, the one with the least left is
/// told.
pub(super) async fn decorate(ledger: &dyn Ledger, caller: &Caller, headers: &mut HeaderMap) {
    let Caller::Key(key) = caller else { return };
    let limits = key.limits();
    if !limits.are_set() {
        return;
    }
    // A call has just asked: its answer need not wait for a store once more.
    let standing = match ledger.known(&limits, Duration::MAX) {
        Some(standing) => standing,
        None => ledger.standing(&limits).await,
    };
    let mut told: [Option<(u64, u64, Option<Duration>)>; 2] = [None, None];
    for (limit, allowed, used, resets_in) in standing.limits(&limits) {
        let (place, taken) = match limit {
            KeyLimit::Requests => (0, used),
            KeyLimit::Tokens | KeyLimit::Budget => (1, used.saturating_add(standing.reserved)),
        };
        let left = allowed.saturating_sub(taken);
        if let Some(told) = told.get_mut(place)
            && told.is_none_or(|(_, least, _)| left < least)
        {
            *told = Some((allowed, left, resets_in));
        }
    }
    for (names, told) in [REQUESTS, TOKENS].into_iter().zip(told) {
        let Some((allowed, left, resets_in)) = told else { continue };
        let [limit, remaining, reset] = names;
        headers.insert(limit, HeaderValue::from(allowed));
        headers.insert(remaining, HeaderValue::from(left));
        if let Some(value) = resets_in.and_then(|time| HeaderValue::from_str(&written(time)).ok()) {
            headers.insert(reset, value);
        }
    }
}

/// A length of time in OpenAI's form: `1s`, `6m0s`, `2h3m4s`.
fn written(time: Duration) -> String {
    let seconds = time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0));
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{seconds}s"),
        _ => format!("{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_openais_form() {
        for (millis, text) in [(0, "0s"), (1, "1s"), (59_001, "1m0s"), (360_000, "6m0s"), (7_384_000, "2h3m4s")] {
            assert_eq!(written(Duration::from_millis(millis)), text);
        }
    }
}
