//! Faults by name, as a command line and the control port take them: `throttling`, `cut-at=40`,
//! `stall=2s`.
//!
//! Owns the table of names, from which the guide's table, the errors and the log's names come.

use std::{fmt, mem::discriminant, str::FromStr, time::Duration};

use crate::{
    aws_error::{AwsError, is_container_status},
    clock::LONGEST_WAIT,
    fault::Fault,
    frame::Frame,
};

/// The number of bytes of the body before a stall that is given without a place.
const STALL_AT: usize = 1;

/// The furthest that a clock may be wrong, in seconds: ten years.
pub(crate) const MOST_SKEW: u64 = 10 * 365 * 24 * 60 * 60;

/// The most that a fault may add to an answer, in bytes.
const MOST_BYTES: usize = 256 * 1024 * 1024;

/// A name that a [`Fault`] is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FaultName {
    /// The name, such as `cut-at`.
    pub name: &'static str,
    /// A value, such as `40`. Empty if the fault has none.
    pub example: &'static str,
    /// What the value is, such as `bytes of the body`. Empty if the fault has none.
    pub value: &'static str,
    /// What happens to the answer.
    pub meaning: &'static str,
}

/// A text that does not name a [`Fault`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultNameError {
    /// No fault has this name.
    #[error("unknown fault `{name}`; expected one of {}", ROWS.map(|row| row.name.name).join(", "))]
    Unknown {
        /// The name.
        name: String,
    },
    /// The value is missing, of the wrong kind or out of range.
    #[error("invalid value of the fault `{name}`: expected {expected}")]
    Value {
        /// The name.
        name: String,
        /// The kind of value, with an example.
        expected: String,
    },
}

/// A name, and how its fault is made from the value.
struct Row {
    name: FaultName,
    make: fn(&str) -> Option<Fault>,
}

/// A fault without a value.
macro_rules! plain {
    ($name:literal, $meaning:literal, $fault:expr) => {
        Row {
            name: FaultName { name: $name, example: "", value: "", meaning: $meaning },
            make: |value| value.is_empty().then(|| $fault),
        }
    };
}

/// A fault with a value.
const fn valued(
    name: &'static str,
    example: &'static str,
    value: &'static str,
    meaning: &'static str,
    make: fn(&str) -> Option<Fault>,
) -> Row {
    Row { name: FaultName { name, example, value, meaning }, make }
}

const FRAME: &str = "the number of a frame, from 0";
const FRAME_AND_LENGTH: &str = "the number of a frame and a length in bytes";
const BYTES: &str = "bytes of the body";
const WAIT: &str = "a duration of at most an hour";

const ROWS: [Row; 42] = [
    plain!("throttling", "`ThrottlingException` (400)", Fault::Error(AwsError::throttling())),
    plain!("service-unavailable", "`ServiceUnavailable` (503)", Fault::Error(AwsError::service_unavailable())),
    plain!("internal-failure", "`InternalFailure` (500)", Fault::Error(AwsError::internal_failure())),
    plain!("model-not-ready", "`ModelNotReadyException` (429)", Fault::Error(AwsError::model_not_ready())),
    plain!(
        "no-capacity",
        "`ValidationError` (400) of an inference component that is scaled to zero",
        Fault::Error(AwsError::no_capacity())
    ),
    plain!("internal-dependency", "`InternalDependencyException` (530)", Fault::Error(AwsError::internal_dependency())),
    plain!("unrecognized-client", "`UnrecognizedClientException` (403)", Fault::Error(AwsError::unrecognized_client())),
    plain!(
        "signature-mismatch",
        "`InvalidSignatureException` (403), whatever the signature is",
        Fault::Error(AwsError::signature_mismatch())
    ),
    plain!(
        "access-denied",
        "`AccessDeniedException` (403)",
        Fault::Error(AwsError::access_denied("User is not authorized to perform sagemaker:InvokeEndpoint"))
    ),
    plain!("expired-token", "`ExpiredTokenException` (403), once", Fault::Error(AwsError::expired_token())),
    valued("model-error", "503", "the container's status", "`ModelError` (424)", |value| {
        let status = value.parse().ok().filter(|status| is_container_status(*status))?;
        Some(Fault::Error(AwsError::model_error(status, "The model's container failed.")))
    }),
    valued(
        "refuse-connections",
        "2s",
        WAIT,
        "the connection is reset, and new ones are refused for so long",
        |value| duration(value).map(Fault::RefuseConnections),
    ),
    plain!(
        "expire-credentials",
        "the caller's credentials expire: `ExpiredTokenException` from now on",
        Fault::ExpireCredentials
    ),
    plain!(
        "revoke-credentials",
        "the caller's credentials are revoked: `UnrecognizedClientException` from now on",
        Fault::RevokeCredentials
    ),
    valued(
        "clock-skew",
        "-900",
        "seconds, negative for a clock that is behind",
        "the emulator's clock is wrong from now on",
        |value| value.parse::<i64>().ok().filter(|seconds| seconds.unsigned_abs() <= MOST_SKEW).map(Fault::ClockSkew),
    ),
    plain!("reset-before-headers", "the connection is reset before the answer", Fault::ResetBeforeHeaders),
    valued("reset-in-headers", "20", "bytes of the answer's head", "the connection is reset after them", |value| {
        value.parse().ok().map(Fault::ResetInHeaders)
    }),
    plain!("reset-after-headers", "the connection is reset before the body", Fault::ResetAfterHeaders),
    valued(
        "slow-headers",
        "500ms",
        WAIT,
        "the head comes in pieces of 16 bytes, with this wait before each",
        |value| duration(value).map(Fault::SlowHeaders),
    ),
    valued(
        "stall",
        "40:2s",
        "bytes of the body (1 if left out) and a duration of at most an hour",
        "after these bytes, nothing comes for so long",
        |value| {
            let (at, time) =
                value.split_once(':').map_or(Some((STALL_AT, value)), |(at, time)| Some((at.parse().ok()?, time)))?;
            Some(Fault::Stall { at, time: duration(time)? })
        },
    ),
    valued(
        "stall-before",
        "1:2s",
        "the number of a frame and a duration of at most an hour",
        "before this frame, nothing comes for so long",
        |value| {
            let (frame, time) = value.split_once(':')?;
            Some(Fault::StallBefore { frame: frame.parse().ok()?, time: duration(time)? })
        },
    ),
    valued("pieces", "7", "bytes, at least 1", "the body comes in pieces of this size", |value| {
        value.parse().ok().filter(|size| *size > 0).map(Fault::Pieces)
    }),
    valued("cut-at", "40", BYTES, "the connection is closed after them", |value| value.parse().ok().map(Fault::CutAt)),
    valued("end-at", "40", BYTES, "the body ends after them, as if that were all", |value| {
        value.parse().ok().map(Fault::EndAt)
    }),
    valued("corrupt-prelude", "0", FRAME, "its prelude has the wrong CRC", |value| {
        value.parse().ok().map(Fault::CorruptPrelude)
    }),
    valued("corrupt-message", "0", FRAME, "it has the wrong message CRC", |value| {
        value.parse().ok().map(Fault::CorruptMessage)
    }),
    valued("total-length", "1:15", FRAME_AND_LENGTH, "the frame claims this total length", |value| {
        pair(value).map(|(frame, length)| Fault::TotalLength { frame, length })
    }),
    valued("headers-length", "0:65536", FRAME_AND_LENGTH, "the frame claims this length of its headers", |value| {
        pair(value).map(|(frame, length)| Fault::HeadersLength { frame, length })
    }),
    valued(
        "huge-frame",
        "1:33554432",
        FRAME_AND_LENGTH,
        "a frame of this length, at most 256 MiB, comes before it",
        |value| {
            pair(value)
                .filter(|(_, length)| *length <= MOST_BYTES)
                .map(|(before, length)| Fault::HugeFrame { before, length })
        },
    ),
    valued("insert", "0", FRAME, "an event of an unknown type comes before it", |value| {
        let before = value.parse().ok()?;
        Some(Fault::Insert { before, frame: Frame::event("Surprise", "application/json", "{}") })
    }),
    valued("initial-response", "0", FRAME, "an `initial-response` comes before it", |value| {
        Some(Fault::Insert { before: value.parse().ok()?, frame: Frame::initial_response() })
    }),
    valued("model-stream-error", "1", FRAME, "`ModelStreamError` comes in its place, and ends the stream", |value| {
        let frame = Frame::exception("ModelStreamError", Some("StreamBroken"), "The model's stream broke.");
        Some(Fault::Instead { of: value.parse().ok()?, frame })
    }),
    valued(
        "internal-stream-failure",
        "1",
        FRAME,
        "`InternalStreamFailure` comes in its place, and ends the stream",
        |value| {
            let frame = Frame::exception("InternalStreamFailure", None, "The stream failed.");
            Some(Fault::Instead { of: value.parse().ok()?, frame })
        },
    ),
    valued(
        "error-frame",
        "1",
        FRAME,
        "an error outside the service's model comes in its place, and ends the stream",
        |value| {
            let frame = Frame::error("InternalError", "The stream failed.");
            Some(Fault::Instead { of: value.parse().ok()?, frame })
        },
    ),
    valued("invalid-utf8", "0", FRAME, "its payload ends with a byte that is not UTF-8", |value| {
        value.parse().ok().map(Fault::InvalidUtf8)
    }),
    plain!("empty-parts", "an empty part comes before every frame", Fault::EmptyParts),
    valued("content-type", "text/html", "a content type", "the answer claims it", |value| {
        header(value).map(Fault::ContentType)
    }),
    valued("redirect", "http://127.0.0.1:9/", "a URL", "a redirect (307) to it", |value| {
        header(value).map(Fault::Redirect)
    }),
    valued("gzip-bomb", "67108864", "bytes, at most 256 MiB", "a short body of gzip becomes so many zeros", |value| {
        value.parse().ok().filter(|bytes| *bytes <= MOST_BYTES).map(Fault::GzipBomb)
    }),
    valued("json-bomb", "100000", "a depth, at most 33554432", "JSON that is nested so deep", |value| {
        value.parse().ok().filter(|depth| *depth <= MOST_BYTES / 8).map(Fault::JsonBomb)
    }),
    plain!("close-after-answer", "the connection is closed after the answer, without notice", Fault::CloseAfterAnswer),
    plain!("close-on-reuse", "the connection is closed when the next request arrives on it", Fault::CloseOnReuse),
];

/// A text that a header can have.
fn header(value: &str) -> Option<String> {
    (!value.is_empty() && http::HeaderValue::from_str(value).is_ok()).then(|| value.to_owned())
}

/// `a:b`.
fn pair<A: FromStr, B: FromStr>(value: &str) -> Option<(A, B)> {
    let (first, second) = value.split_once(':')?;
    Some((first.parse().ok()?, second.parse().ok()?))
}

/// A duration such as `500ms`, `2s` or `1m 30s`.
fn duration(text: &str) -> Option<Duration> {
    let duration = Duration::try_from(text.parse::<jiff::SignedDuration>().ok()?).ok()?;
    (duration <= LONGEST_WAIT).then_some(duration)
}

/// The text that [`duration`] reads.
fn written(duration: Duration) -> String {
    match duration.subsec_millis() {
        0 => format!("{}s", duration.as_secs()),
        _ => format!("{}ms", duration.as_millis()),
    }
}

impl Fault {
    /// The names that a fault is read from, in the order of the guide's table.
    pub fn names() -> impl Iterator<Item = FaultName> {
        ROWS.iter().map(|row| row.name)
    }

    /// What stands behind the name.
    fn value(&self) -> String {
        match self {
            Self::Error(error) => error.original_status().map_or_else(String::new, |status| status.to_string()),
            Self::RefuseConnections(time) | Self::SlowHeaders(time) => written(*time),
            Self::ClockSkew(seconds) => seconds.to_string(),
            Self::Stall { at: STALL_AT, time } => written(*time),
            Self::Stall { at, time } | Self::StallBefore { frame: at, time } => format!("{at}:{}", written(*time)),
            Self::ResetInHeaders(number)
            | Self::Pieces(number)
            | Self::CutAt(number)
            | Self::EndAt(number)
            | Self::CorruptPrelude(number)
            | Self::CorruptMessage(number)
            | Self::InvalidUtf8(number)
            | Self::GzipBomb(number)
            | Self::JsonBomb(number)
            | Self::Insert { before: number, .. }
            | Self::Instead { of: number, .. } => number.to_string(),
            Self::TotalLength { frame, length } | Self::HeadersLength { frame, length } => format!("{frame}:{length}"),
            Self::HugeFrame { before, length } => format!("{before}:{length}"),
            Self::ContentType(text) | Self::Redirect(text) => text.clone(),
            Self::ExpireCredentials
            | Self::RevokeCredentials
            | Self::ResetBeforeHeaders
            | Self::ResetAfterHeaders
            | Self::EmptyParts
            | Self::CloseAfterAnswer
            | Self::CloseOnReuse => String::new(),
        }
    }
}

impl FromStr for Fault {
    type Err = FaultNameError;

    /// Reads `name` or `name=value`.
    fn from_str(text: &str) -> Result<Self, FaultNameError> {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        let found = ROWS.iter().find(|row| row.name.name == name);
        let row = found.ok_or_else(|| FaultNameError::Unknown { name: name.chars().take(64).collect() })?;
        (row.make)(value).ok_or_else(|| FaultNameError::Value {
            name: name.to_owned(),
            expected: match row.name {
                FaultName { example: "", .. } => "no value".to_owned(),
                FaultName { name, example, value, .. } => format!("{value}, as in `{name}={example}`"),
            },
        })
    }
}

impl fmt::Display for Fault {
    /// The text that it is read from. An error without a name is told by its code, any other fault
    /// by the name of its kind.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value();
        let same = ROWS.iter().find(|row| (row.make)(&value).as_ref() == Some(self));
        let kind =
            |row: &&Row| (row.make)(row.name.example).is_some_and(|fault| discriminant(&fault) == discriminant(self));
        match (same, self) {
            (None, Self::Error(error)) => f.write_str(error.code()),
            (found, _) => {
                let name = found.or_else(|| ROWS.iter().find(kind)).map_or("fault", |row| row.name.name);
                if value.is_empty() { f.write_str(name) } else { write!(f, "{name}={value}") }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

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
            ("stall=40:2s", Fault::Stall { at: 40, time: Duration::from_secs(2) }),
            ("slow-headers=2s", Fault::SlowHeaders(Duration::from_secs(2))),
            ("redirect=http://127.0.0.1:9/?a=b", Fault::Redirect("http://127.0.0.1:9/?a=b".to_owned())),
        ] {
            assert_eq!(text.parse::<Fault>().unwrap(), fault, "{text}");
            assert_eq!(fault.to_string(), text);
        }
    }

    #[test]
    fn every_kind_has_a_name_and_every_example_is_read_and_written() {
        let mut kinds = HashSet::new();
        for FaultName { name, example, value, .. } in Fault::names() {
            assert_eq!(example.is_empty(), value.is_empty(), "{name}");
            let text = if example.is_empty() { name.to_owned() } else { format!("{name}={example}") };
            let fault: Fault = text.parse().unwrap();
            assert_eq!(fault.to_string(), text);
            kinds.insert(discriminant(&fault));
        }
        assert_eq!(kinds, Fault::catalog().iter().map(discriminant).collect());
    }

    #[test]
    fn a_fault_without_a_name_is_told_by_its_kind() {
        let teapot = Fault::Error(AwsError::front_door("SomethingElse", 418, "no"));
        assert_eq!(teapot.to_string(), "SomethingElse");
        assert_eq!(Fault::GzipBomb(usize::MAX).to_string(), format!("gzip-bomb={}", usize::MAX));
        for fault in Fault::catalog().into_iter().filter(|fault| !matches!(fault, Fault::Error(_))) {
            assert_eq!(fault.to_string().parse::<Fault>().unwrap(), fault);
        }
    }

    #[test]
    fn errors_say_what_is_expected() {
        let unknown = "throtling".parse::<Fault>().unwrap_err().to_string();
        assert!(unknown.starts_with("unknown fault `throtling`; expected one of throttling, "), "{unknown}");
        for text in [
            "cut-at",
            "cut-at=x",
            "cut-at=-1",
            "stall=soon",
            "stall=-1s",
            "stall=61m",
            "stall-before=1:99999999h",
            "pieces=0",
            "empty-parts=1",
            "redirect",
            "content-type=a\nb",
            "json-bomb=18446744073709551615",
        ] {
            let error = text.parse::<Fault>().unwrap_err();
            assert!(matches!(error, FaultNameError::Value { .. }), "{text}: {error}");
        }
        let value = "cut-at=x".parse::<Fault>().unwrap_err().to_string();
        assert_eq!(value, "invalid value of the fault `cut-at`: expected bytes of the body, as in `cut-at=40`");
    }
}
