//! Faults by name, as a command line takes them: `throttling`, `cut-at=40`, `stall=2s`.

use std::{str::FromStr, time::Duration};

use crate::{aws_error::AwsError, fault::Fault};

/// The number of bytes of the body before a stall that is given without a place.
const STALL_AT: usize = 1;

/// A text that does not name a [`Fault`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultNameError {
    /// No fault has this name.
    #[error("unknown fault `{name}`; expected one of {}", NAMES.map(|(name, _)| name).join(", "))]
    Unknown {
        /// The name.
        name: String,
    },
    /// The value is missing or of the wrong kind.
    #[error("invalid value of the fault `{name}`: expected {expected}")]
    Value {
        /// The name.
        name: String,
        /// The kind of value.
        expected: &'static str,
    },
}

/// How a fault is made from the text behind its name.
type Make = fn(&str) -> Option<Fault>;

const NUMBER: &str = "a whole number, as in `cut-at=40`";
const DURATION: &str = "a duration, as in `stall=2s`";
const NOTHING: &str = "no value";
const TEXT: &str = "a text, as in `content-type=text/html`";

/// The names. `value` of the ones without a value is empty.
const NAMES: [(&str, (&str, Make)); 28] = [
    ("throttling", (NOTHING, |value| without(value, Fault::Error(AwsError::throttling())))),
    ("service-unavailable", (NOTHING, |value| without(value, Fault::Error(AwsError::service_unavailable())))),
    ("internal-failure", (NOTHING, |value| without(value, Fault::Error(AwsError::internal_failure())))),
    ("model-not-ready", (NOTHING, |value| without(value, Fault::Error(AwsError::model_not_ready())))),
    ("no-capacity", (NOTHING, |value| without(value, Fault::Error(AwsError::no_capacity())))),
    ("expired-token", (NOTHING, |value| without(value, Fault::Error(AwsError::expired_token())))),
    (
        "model-error",
        ("the container's status, as in `model-error=503`", |value| {
            Some(Fault::Error(AwsError::model_error(value.parse().ok()?, "The model's container failed.")))
        }),
    ),
    ("refuse-connections", (DURATION, |value| duration(value).map(Fault::RefuseConnections))),
    ("expire-credentials", (NOTHING, |value| without(value, Fault::ExpireCredentials))),
    ("revoke-credentials", (NOTHING, |value| without(value, Fault::RevokeCredentials))),
    (
        "clock-skew",
        ("seconds, negative for a clock that is behind, as in `clock-skew=-900`", |value| {
            value.parse().ok().map(Fault::ClockSkew)
        }),
    ),
    ("reset-before-headers", (NOTHING, |value| without(value, Fault::ResetBeforeHeaders))),
    ("reset-in-headers", (NUMBER, |value| value.parse().ok().map(Fault::ResetInHeaders))),
    ("reset-after-headers", (NOTHING, |value| without(value, Fault::ResetAfterHeaders))),
    ("slow-headers", (DURATION, |value| duration(value).map(Fault::SlowHeaders))),
    ("stall", (DURATION, |value| duration(value).map(|time| Fault::Stall { at: STALL_AT, time }))),
    ("pieces", (NUMBER, |value| value.parse().ok().filter(|size| *size > 0).map(Fault::Pieces))),
    ("cut-at", (NUMBER, |value| value.parse().ok().map(Fault::CutAt))),
    ("end-at", (NUMBER, |value| value.parse().ok().map(Fault::EndAt))),
    ("corrupt-prelude", (NUMBER, |value| value.parse().ok().map(Fault::CorruptPrelude))),
    ("corrupt-message", (NUMBER, |value| value.parse().ok().map(Fault::CorruptMessage))),
    ("invalid-utf8", (NUMBER, |value| value.parse().ok().map(Fault::InvalidUtf8))),
    ("empty-parts", (NOTHING, |value| without(value, Fault::EmptyParts))),
    ("content-type", (TEXT, |value| (!value.is_empty()).then(|| Fault::ContentType(value.to_owned())))),
    ("redirect", (TEXT, |value| (!value.is_empty()).then(|| Fault::Redirect(value.to_owned())))),
    ("gzip-bomb", (NUMBER, |value| value.parse().ok().map(Fault::GzipBomb))),
    ("json-bomb", (NUMBER, |value| value.parse().ok().map(Fault::JsonBomb))),
    ("close-after-answer", (NOTHING, |value| without(value, Fault::CloseAfterAnswer))),
];

fn without(value: &str, fault: Fault) -> Option<Fault> {
    value.is_empty().then_some(fault)
}

/// A duration such as `500ms`, `2s` or `1m 30s`.
fn duration(text: &str) -> Option<Duration> {
    Duration::try_from(text.parse::<jiff::SignedDuration>().ok()?).ok()
}

impl FromStr for Fault {
    type Err = FaultNameError;

    /// Reads `name` or `name=value`.
    fn from_str(text: &str) -> Result<Self, FaultNameError> {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        let found = NAMES.iter().find(|(known, _)| *known == name);
        let (_, (expected, make)) = found.ok_or_else(|| FaultNameError::Unknown { name: name.to_owned() })?;
        make(value).ok_or_else(|| FaultNameError::Value { name: name.to_owned(), expected })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_make_faults() {
        for (text, fault) in [
            ("throttling", Fault::Error(AwsError::throttling())),
            ("model-error=503", Fault::Error(AwsError::model_error(503, "The model's container failed."))),
            ("cut-at=40", Fault::CutAt(40)),
            ("clock-skew=-900", Fault::ClockSkew(-900)),
            ("stall=1500ms", Fault::Stall { at: STALL_AT, time: Duration::from_millis(1500) }),
            ("slow-headers=2s", Fault::SlowHeaders(Duration::from_secs(2))),
            ("redirect=http://127.0.0.1:9/?a=b", Fault::Redirect("http://127.0.0.1:9/?a=b".to_owned())),
        ] {
            assert_eq!(text.parse::<Fault>().unwrap(), fault, "{text}");
        }
    }

    #[test]
    fn errors_say_what_is_expected() {
        let unknown = "throtling".parse::<Fault>().unwrap_err().to_string();
        assert!(unknown.starts_with("unknown fault `throtling`; expected one of throttling, "), "{unknown}");
        for text in
            ["cut-at", "cut-at=x", "cut-at=-1", "stall=soon", "stall=-1s", "pieces=0", "empty-parts=1", "redirect"]
        {
            let error = text.parse::<Fault>().unwrap_err();
            assert!(matches!(error, FaultNameError::Value { .. }), "{text}: {error}");
        }
    }
}
