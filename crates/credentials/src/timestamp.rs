//! Points in time as AWS writes them: RFC 3339 in answers and files, HTTP dates in headers. Times
//! before 1970 are refused.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::{Timestamp, fmt::rfc2822};

/// Reads an [RFC 3339](https://www.rfc-editor.org/rfc/rfc3339) time such as `2026-01-31T12:00:00Z`,
/// with or without fraction and offset, and `2026-01-31T12:00:00UTC`, which old SSO caches contain.
pub(crate) fn parse_rfc3339(text: &str) -> Option<SystemTime> {
    let text = text.trim();
    let time = match text.strip_suffix("UTC") {
        Some(local) => format!("{local}Z").parse::<Timestamp>(),
        None => text.parse(),
    };
    since_1970(time.ok()?)
}

/// Reads the date of an HTTP header, such as `Tue, 21 Sep 2021 18:32:37 GMT` ([RFC
/// 9110](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7)). Its two obsolete forms are not
/// read, since AWS sends neither.
pub(crate) fn parse_http_date(text: &str) -> Option<SystemTime> {
    since_1970(rfc2822::parse(text.trim()).ok()?.timestamp())
}

/// Writes a time as RFC 3339 in UTC, to the second. A time before 1970 becomes 1970, and one after
/// 9999 the end of 9999.
pub(crate) fn format_rfc3339(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let time = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.unwrap_or(Timestamp::MAX).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn since_1970(time: Timestamp) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::try_from(time.as_duration()).ok()?)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use super::{format_rfc3339, parse_http_date, parse_rfc3339};

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn reads_rfc3339_in_all_its_forms() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2021-08-16T20:52:53Z", 1_629_147_173),
            ("2021-08-16t20:52:53z", 1_629_147_173),
            ("2021-08-16T20:52:53UTC", 1_629_147_173),
            ("2021-08-16T22:52:53+02:00", 1_629_147_173),
            ("2021-08-16T15:22:53-05:30", 1_629_147_173),
            ("2000-02-29T00:00:00Z", 951_782_400),
            ("2080-10-16T03:56:45Z", 3_496_276_605),
        ] {
            assert_eq!(parse_rfc3339(text), Some(at(seconds)), "{text}");
        }
        assert_eq!(parse_rfc3339("1970-01-01T00:00:00.25Z"), Some(UNIX_EPOCH + Duration::from_millis(250)));
        assert_eq!(parse_rfc3339("1970-01-01T00:00:00.000000001Z"), Some(UNIX_EPOCH + Duration::from_nanos(1)));
    }

    #[test]
    fn refuses_everything_else() {
        for text in [
            "",
            "now",
            "2021-08-16",
            "2021-08-16T20:52:53",
            "2021-13-01T00:00:00Z",
            "2021-02-29T00:00:00Z",
            "2021-01-01T24:00:00Z",
            "2021-01-01T00:00:00+2",
            "1969-12-31T23:59:59Z",
            "2021-01-00T00:00:00Z",
            "2021-01-01T00:00:00.x Z",
            "é2021-01-01T00:00:00Z",
            "2021-01-01T00:00:00é",
        ] {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
    }

    #[test]
    fn reads_http_dates() {
        assert_eq!(parse_http_date("Tue, 21 Sep 2021 18:32:37 GMT"), Some(at(1_632_249_157)));
        for text in ["", "Tue, 21 Sep 2021 18:32:37", "Tue, 21 Xyz 2021 18:32:37 GMT", "Thu, 01 Jan 1960 00:00:00 GMT"]
        {
            assert_eq!(parse_http_date(text), None, "{text}");
        }
    }

    #[test]
    fn writes_what_it_reads() {
        for day in (0..60_000).step_by(13) {
            let time = at(day * 86_400 + 86_399 - day % 86_399);
            assert_eq!(parse_rfc3339(&format_rfc3339(time)), Some(time));
        }
        assert_eq!(format_rfc3339(at(1_629_147_173)), "2021-08-16T20:52:53Z");
    }
}
