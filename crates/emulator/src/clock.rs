//! The emulator's clock, and the forms in which AWS writes times: the basic ISO 8601 form of
//! signatures (`20250131T235959Z`), the extended form of credentials (`2025-01-31T23:59:59Z`) and
//! that of the `Date` header.
//!
//! This is the one place that reads the system clock.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// The longest wait that a command line or the control port may ask for: as long as SageMaker's
/// longest invocation.
pub const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// The basic ISO 8601 form of signatures.
const AMZ_DATE: &str = "%Y%m%dT%H%M%SZ";

/// Where the emulator reads the time: signatures, session expiry and the `Date` header all follow
/// it.
///
/// ```
/// use std::{sync::Arc, time::{Duration, UNIX_EPOCH}};
/// use sagewire_emulator::Clock;
///
/// let fixed: Clock = Arc::new(|| UNIX_EPOCH + Duration::from_secs(1_700_000_000));
/// # let _ = fixed();
/// ```
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// The machine's clock.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the emulator's one reading of the system clock; tests inject another"
)]
pub(crate) fn system() -> Clock {
    Arc::new(SystemTime::now)
}

/// Whole seconds since 1970, negative before it.
pub(crate) fn unix_seconds(time: SystemTime) -> i64 {
    timestamp(time).as_second()
}

/// `20250131T235959Z`, as in `x-amz-date`.
pub(crate) fn amz_date(time: SystemTime) -> String {
    timestamp(time).strftime(AMZ_DATE).to_string()
}

/// `2025-01-31T23:59:59Z`, as in the expiry of credentials.
pub(crate) fn iso8601(time: SystemTime) -> String {
    timestamp(time).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `Fri, 31 Jan 2025 23:59:59 GMT`, as in the `Date` header.
pub(crate) fn http_date(time: SystemTime) -> String {
    timestamp(time).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Reads `20250131T235959Z`. Anything else, including years before 1970, is `None`.
pub(crate) fn parse_amz_date(text: &str) -> Option<SystemTime> {
    let date = DateTime::strptime(AMZ_DATE, text).ok()?;
    let time = SystemTime::from(date.to_zoned(TimeZone::UTC).ok()?.timestamp());
    // Other ways to write the same time, such as a digit less, are not the format of signatures.
    (time >= UNIX_EPOCH && amz_date(time) == text).then_some(time)
}

/// The time in the range of the calendar, which ends with the year 9999.
fn timestamp(time: SystemTime) -> Timestamp {
    Timestamp::try_from(time).unwrap_or(if time < UNIX_EPOCH { Timestamp::MIN } else { Timestamp::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn writes_the_three_forms() {
        // 2024-02-29 was a Thursday; `date -u -d @1709210096` agrees.
        assert_eq!(amz_date(at(1_709_210_096)), "20240229T123456Z");
        assert_eq!(iso8601(at(1_709_210_096)), "2024-02-29T12:34:56Z");
        assert_eq!(http_date(at(1_709_210_096)), "Thu, 29 Feb 2024 12:34:56 GMT");
        assert_eq!(http_date(at(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(iso8601(UNIX_EPOCH - Duration::from_secs(1)), "1969-12-31T23:59:59Z");
    }

    #[test]
    fn every_day_of_four_centuries_reads_back() {
        for day in 0..146_097 {
            let time = at(day * 86_400 + 3_723);
            assert_eq!(parse_amz_date(&amz_date(time)), Some(time));
        }
    }

    #[test]
    fn refuses_what_is_no_date() {
        for text in [
            "",
            "20240229",
            "20230229T000000Z",
            "20241301T000000Z",
            "2024022T0000000Z",
            "20240229T246060Z",
            "19691231T235959Z",
            "20240229T12345éZ",
        ] {
            assert_eq!(parse_amz_date(text), None, "{text}");
        }
    }
}
