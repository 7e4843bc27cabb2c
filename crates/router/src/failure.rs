//! The errors that a router itself gives.
//!
//! Owns their sentences. They name deployments by their ids alone and hold nothing of a request.

use std::{error::Error as StdError, fmt, time::Duration};

use sagewire_types::{Error, ErrorKind, Upstream};

use crate::{Router, ledger, state::Refusal};

/// How many model names an error lists.
const NAMES_SHOWN: usize = 20;

/// There is no such model here.
pub(crate) fn unknown_model(model: &str, router: &Router) -> Error {
    let names: Vec<String> = router.models().map(|name| format!("`{name}`")).collect();
    let more = match names.len().saturating_sub(NAMES_SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let shown = names.into_iter().take(NAMES_SHOWN).collect::<Vec<_>>().join(", ");
    Error::new(ErrorKind::NotFound, format!("unknown model `{model}`; expected one of {shown}{more}"))
        .with_param("model")
}

/// The caller's key may not make the call. A proxy says why in its own words.
pub(crate) fn key_refused(refusal: ledger::KeyRefusal) -> Error {
    let message = match refusal {
        ledger::KeyRefusal::Reached(_) => "the limits of the caller's key are reached; retry later",
        ledger::KeyRefusal::Unavailable => {
            "the limits of the caller's key cannot be checked, because the store that replicas share is unavailable; retry later"
        }
    };
    Error::new(ErrorKind::Throttled, message)
}

/// No deployment could be asked at all.
pub(crate) fn no_room(model: &str, refused: &[(&str, Refusal)]) -> Error {
    let limited = refused.iter().filter_map(|(_, refusal)| match refusal {
        Refusal::RequestLimit { room_in } | Refusal::TokenLimit { room_in } => Some(*room_in),
        Refusal::CoolingDown { .. } | Refusal::Probing | Refusal::Full | Refusal::Unavailable => None,
    });
    let room_in = limited.min();
    let kind = if room_in.is_some() { ErrorKind::Throttled } else { ErrorKind::Overloaded };
    let mut upstream = Upstream::default();
    upstream.retry_after = Some(room_in.unwrap_or(Duration::from_secs(1)));
    let reasons = refused.iter().map(|(id, refusal)| format!("`{id}` is {refusal}")).collect::<Vec<_>>().join(", ");
    let message =
        format!("no deployment of `{model}` has room for the call: {reasons}; ask again later, or raise the limits");
    Error::new(kind, message).with_upstream(upstream)
}

/// One attempt took longer than its deployment may.
pub(crate) fn attempt_timed_out(id: &str, limit: Duration, attempts: u32) -> Error {
    let message = format!(
        "deployment `{id}` gave no answer within its time limit of {} s: raise its `timeout`, or ask for fewer tokens",
        limit.as_secs_f64()
    );
    Error::new(ErrorKind::Timeout, message).with_attempts(attempts)
}

/// The call's time ended during an attempt.
pub(crate) fn out_of_time_during(id: &str, attempts: u32) -> Error {
    let message = format!(
        "the call's time ran out while deployment `{id}` was answering: allow more time, or ask for fewer tokens"
    );
    Error::new(ErrorKind::Timeout, message).with_attempts(attempts)
}

/// The call's time ended before any attempt.
pub(crate) fn out_of_time_before(model: &str) -> Error {
    Error::new(
        ErrorKind::Timeout,
        format!("no deployment of `{model}` was free within the call's time limit: raise `timeout`"),
    )
}

/// The last error of a call, with what was tried where that was more than one attempt.
pub(crate) fn after_attempts(last: Error, tried: &[(&str, ErrorKind)], attempts: u32) -> Error {
    let [_, .., (last_id, _)] = tried else { return last.with_attempts(attempts) };
    let trail = tried.iter().map(|(id, kind)| format!("`{id}` {kind}")).collect::<Vec<_>>().join(", ");
    let message = format!("{last} (tried {trail})");
    let source = LastAttempt { deployment: (*last_id).to_owned(), error: last.clone() };
    last.with_message(message).with_attempts(attempts).with_source(source)
}

/// The error of the last attempt of several, as its deployment's provider gave it: the source of
/// the call's error.
#[derive(Debug)]
pub struct LastAttempt {
    deployment: String,
    error: Error,
}

impl LastAttempt {
    /// The id of the deployment.
    #[must_use]
    pub fn deployment(&self) -> &str {
        &self.deployment
    }

    /// The provider's error.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.error
    }
}

impl fmt::Display for LastAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the last attempt, on deployment `{}`, failed", self.deployment)
    }
}

impl StdError for LastAttempt {
    /// The cause of the provider's error: its own sentence is already in the call's.
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.error.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_attempt_keeps_its_error_and_several_are_told_once() {
        let one = after_attempts(Error::new(ErrorKind::NotFound, "gone"), &[("a", ErrorKind::NotFound)], 1);
        assert_eq!((one.to_string().as_str(), one.attempts()), ("gone", 1));

        let last = Error::invalid("n", "too many").with_source(std::io::Error::other("the cause"));
        let tried = [("a", ErrorKind::Throttled), ("b", ErrorKind::InvalidRequest)];
        let both = after_attempts(last, &tried, 3);
        assert_eq!(both.to_string(), "too many (tried `a` throttled, `b` invalid_request)");
        assert_eq!((both.kind(), both.param(), both.attempts()), (ErrorKind::InvalidRequest, Some("n"), 3));
        let source = both.source().unwrap();
        assert_eq!(source.downcast_ref::<LastAttempt>().unwrap().deployment(), "b");
        assert_eq!(source.source().unwrap().to_string(), "the cause");
    }

    #[test]
    fn limits_of_rate_are_throttling_and_lack_of_places_is_overload() {
        let room_in = Duration::from_secs(12);
        let limited = no_room("m", &[("a", Refusal::Full), ("b", Refusal::RequestLimit { room_in })]);
        assert_eq!((limited.kind(), limited.retry_after()), (ErrorKind::Throttled, Some(room_in)));
        assert!(limited.to_string().contains("`b` is at its rpm for 12.0 s"), "{limited}");
        let full = no_room("m", &[("a", Refusal::Full)]);
        assert_eq!((full.kind(), full.is_retryable()), (ErrorKind::Overloaded, true));
    }
}
