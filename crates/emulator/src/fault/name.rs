//! Faults by name, as a command line takes them: `throttling`, `cut-at=40`, `stall=2s`.

use std::{str::FromStr, time::Duration};

use crate::{aws_error::AwsError, fault::Fault, frame::Frame};

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

const NUMBER: &str = "a whole number in a sensible range, as in `cut-at=40`";
const DURATION: &str = "a duration, as in `stall=2s`";
const NOTHING: &str = "no value";
const FRAME: &str = "the number of a frame, as in `insert=0`";
const FRAME_NUMBER: &str = "the number of a frame and a whole number, as in `huge-frame=1:65536`";
const TEXT: &str = "a text, as in `content-type=text/html`";

/// The names. `value` of the ones without a value is empty.
const NAMES: [(&str, (&str, Make)); 41] = [
    ("throttling", (NOTHING, |value| without(value, Fault::Error(AwsError::throttling())))),
    ("service-unavailable", (NOTHING, |value| without(value, Fault::Error(AwsError::service_unavailable())))),
    ("internal-failure", (NOTHING, |value| without(value, Fault::Error(AwsError::internal_failure())))),
    ("model-not-ready", (NOTHING, |value| without(value, Fault::Error(AwsError::model_not_ready())))),
    ("no-capacity", (NOTHING, |value| without(value, Fault::Error(AwsError::no_capacity())))),
    ("internal-dependency", (NOTHING, |value| without(value, Fault::Error(AwsError::internal_dependency())))),
    ("unrecognized-client", (NOTHING, |value| without(value, Fault::Error(AwsError::unrecognized_client())))),
    ("signature-mismatch", (NOTHING, |value| without(value, Fault::Error(AwsError::signature_mismatch())))),
    (
        "access-denied",
        (NOTHING, |value| {
            without(
                value,
                Fault::Error(AwsError::access_denied("User is not authorized to perform sagemaker:InvokeEndpoint")),
            )
        }),
    ),
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
            value.parse::<i64>().ok().filter(|seconds| seconds.unsigned_abs() <= MOST_SKEW).map(Fault::ClockSkew)
        }),
    ),
    ("reset-before-headers", (NOTHING, |value| without(value, Fault::ResetBeforeHeaders))),
    ("reset-in-headers", (NUMBER, |value| value.parse().ok().map(Fault::ResetInHeaders))),
    ("reset-after-headers", (NOTHING, |value| without(value, Fault::ResetAfterHeaders))),
    ("slow-headers", (DURATION, |value| duration(value).map(Fault::SlowHeaders))),
    ("stall", (DURATION, |value| duration(value).map(|time| Fault::Stall { at: STALL_AT, time }))),
    (
        "stall-before",
        ("the number of a frame and a duration, as in `stall-before=1:2s`", |value| {
            let (frame, time) = value.split_once(':')?;
            Some(Fault::StallBefore { frame: frame.parse().ok()?, time: duration(time)? })
        }),
    ),
    ("pieces", (NUMBER, |value| value.parse().ok().filter(|size| *size > 0).map(Fault::Pieces))),
    ("cut-at", (NUMBER, |value| value.parse().ok().map(Fault::CutAt))),
    ("end-at", (NUMBER, |value| value.parse().ok().map(Fault::EndAt))),
    ("corrupt-prelude", (NUMBER, |value| value.parse().ok().map(Fault::CorruptPrelude))),
    ("corrupt-message", (NUMBER, |value| value.parse().ok().map(Fault::CorruptMessage))),
    ("total-length", (FRAME_NUMBER, |value| pair(value).map(|(frame, length)| Fault::TotalLength { frame, length }))),
    (
        "headers-length",
        (FRAME_NUMBER, |value| pair(value).map(|(frame, length)| Fault::HeadersLength { frame, length })),
    ),
    (
        "huge-frame",
        (FRAME_NUMBER, |value| {
            pair(value)
                .filter(|(_, length)| *length <= MOST_BYTES)
                .map(|(before, length)| Fault::HugeFrame { before, length })
        }),
    ),
    (
        "insert",
        (FRAME, |value| {
            let before = value.parse().ok()?;
            Some(Fault::Insert { before, frame: Frame::event("Surprise", "application/json", "{}") })
        }),
    ),
    (
        "initial-response",
        (FRAME, |value| Some(Fault::Insert { before: value.parse().ok()?, frame: Frame::initial_response() })),
    ),
    (
        "model-stream-error",
        (FRAME, |value| {
            let frame = Frame::exception("ModelStreamError", Some("StreamBroken"), "The model's stream broke.");
            Some(Fault::Instead { of: value.parse().ok()?, frame })
        }),
    ),
    (
        "internal-stream-failure",
        (FRAME, |value| {
            let frame = Frame::exception("InternalStreamFailure", None, "The stream failed.");
            Some(Fault::Instead { of: value.parse().ok()?, frame })
        }),
    ),
    ("invalid-utf8", (NUMBER, |value| value.parse().ok().map(Fault::InvalidUtf8))),
    ("empty-parts", (NOTHING, |value| without(value, Fault::EmptyParts))),
    ("content-type", (TEXT, |value| (!value.is_empty()).then(|| Fault::ContentType(value.to_owned())))),
    ("redirect", (TEXT, |value| (!value.is_empty()).then(|| Fault::Redirect(value.to_owned())))),
    ("gzip-bomb", (NUMBER, |value| bounded(value).map(Fault::GzipBomb))),
    ("json-bomb", (NUMBER, |value| bounded(value).map(Fault::JsonBomb))),
    ("close-after-answer", (NOTHING, |value| without(value, Fault::CloseAfterAnswer))),
    ("close-on-reuse", (NOTHING, |value| without(value, Fault::CloseOnReuse))),
];

/// The furthest that a clock may be wrong, in seconds: ten years.
pub(crate) const MOST_SKEW: u64 = 10 * 365 * 24 * 60 * 60;

/// The most that a fault may add to an answer, in bytes.
const MOST_BYTES: usize = 256 * 1024 * 1024;

fn bounded(value: &str) -> Option<usize> {
    value.parse().ok().filter(|number| *number <= MOST_BYTES)
}

fn without(value: &str, fault: Fault) -> Option<Fault> {
    value.is_empty().then_some(fault)
}

/// `a:b`.
fn pair<A: FromStr, B: FromStr>(value: &str) -> Option<(A, B)> {
    let (first, second) = value.split_once(':')?;
    Some((first.parse().ok()?, second.parse().ok()?))
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
    use std::{collections::HashSet, mem::discriminant};

    use super::*;

    #[test]
    fn names_and_values_make_faults() {
        for (text, fault) in [
            ("throttling", Fault::Error(AwsError::throttling())),
            ("model-error=503", Fault::Error(AwsError::model_error(503, "The model's container failed."))),
            ("cut-at=40", Fault::CutAt(40)),
            ("clock-skew=-900", Fault::ClockSkew(-900)),
            ("total-length=1:15", Fault::TotalLength { frame: 1, length: 15 }),
            ("stall-before=2:1s", Fault::StallBefore { frame: 2, time: Duration::from_secs(1) }),
            ("stall=1500ms", Fault::Stall { at: STALL_AT, time: Duration::from_millis(1500) }),
            ("slow-headers=2s", Fault::SlowHeaders(Duration::from_secs(2))),
            ("redirect=http://127.0.0.1:9/?a=b", Fault::Redirect("http://127.0.0.1:9/?a=b".to_owned())),
        ] {
            assert_eq!(text.parse::<Fault>().unwrap(), fault, "{text}");
        }
    }

    #[test]
    fn every_kind_has_a_name() {
        let values = ["", "1", "2s", "1:2", "1:2s", "text/html"];
        let texts = NAMES.iter().flat_map(|(name, _)| values.map(|value| format!("{name}={value}")));
        let named: HashSet<_> =
            texts.filter_map(|text| text.parse::<Fault>().ok()).map(|fault| discriminant(&fault)).collect();
        let all: HashSet<_> = Fault::catalog().iter().map(discriminant).collect();
        assert_eq!(named, all);
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
