//! The emulator's idea of the time, and the forms AWS writes it in.
//!
//! Owns the one place that reads the system clock, and the conversions to and from the basic ISO 8601 form of signatures
//! (`20250131T235959Z`), the extended form of credentials (`2025-01-31T23:59:59Z`) and the `Date` header's. Waiting is tokio's business.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Where the emulator reads the time: signatures, session expiry and the `Date` header all follow it.
///
/// ```
/// use std::{sync::Arc, time::{Duration, UNIX_EPOCH}};
/// use sagewire_emulator::Clock;
///
/// let fixed: Clock = Arc::new(|| UNIX_EPOCH + Duration::from_secs(1_700_000_000));
/// # let _ = fixed();
/// ```
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

const SECONDS_PER_DAY: i64 = 86_400;

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
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        Err(before) => {
            let before = before.duration();
            let whole = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
            -(if before.subsec_nanos() > 0 { whole.saturating_add(1) } else { whole })
        }
    }
}

/// `20250131T235959Z`, as in `x-amz-date`.
pub(crate) fn amz_date(time: SystemTime) -> String {
    let Civil { year, month, day, hour, minute, second, .. } = Civil::at(time);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// `2025-01-31T23:59:59Z`, as in credentials' expiry.
pub(crate) fn iso8601(time: SystemTime) -> String {
    let Civil { year, month, day, hour, minute, second, .. } = Civil::at(time);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// `Fri, 31 Jan 2025 23:59:59 GMT`, as in the `Date` header.
pub(crate) fn http_date(time: SystemTime) -> String {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let Civil { year, month, day, hour, minute, second, weekday } = Civil::at(time);
    let name = DAYS.get(usize::from(weekday)).copied().unwrap_or_default();
    let month = MONTHS.get(usize::from(month.saturating_sub(1))).copied().unwrap_or_default();
    format!("{name}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

/// Reads `20250131T235959Z`; anything else, years before 1970 included, is `None`.
pub(crate) fn parse_amz_date(text: &str) -> Option<SystemTime> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    if date.len() != 8 || time.len() != 6 || !date.bytes().chain(time.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |text: &str, at: usize, len: usize| text.get(at..at + len)?.parse::<i64>().ok();
    let (year, month, day) = (number(date, 0, 4)?, number(date, 4, 2)?, number(date, 6, 2)?);
    let (hour, minute, second) = (number(time, 0, 2)?, number(time, 2, 2)?, number(time, 4, 2)?);
    if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60
    {
        return None;
    }
    let seconds = days_since_1970(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
    let parsed = UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).ok()?);
    // A day that the month does not have would come back as another date.
    (second == 60 || amz_date(parsed) == text).then_some(parsed)
}

/// A UTC date and time of day in the Gregorian calendar.
struct Civil {
    year: i64,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    /// Sunday is 0.
    weekday: u8,
}

impl Civil {
    fn at(time: SystemTime) -> Self {
        let seconds = unix_seconds(time);
        let (days, in_day) = (seconds.div_euclid(SECONDS_PER_DAY), seconds.rem_euclid(SECONDS_PER_DAY));
        // Count from 1 March of year 0, so that a leap day is the last day of its year, in cycles of 400 years (146,097 days).
        let from_march = days + 719_468;
        let (era, day_of_era) = (from_march.div_euclid(146_097), from_march.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let small = |value: i64| u8::try_from(value).unwrap_or_default();
        Self {
            year: era * 400 + year_of_era + i64::from(month <= 2),
            month: small(month),
            day: small(day_of_year - (153 * month_from_march + 2) / 5 + 1),
            hour: small(in_day / 3600),
            minute: small(in_day / 60 % 60),
            second: small(in_day % 60),
            weekday: small((days + 4).rem_euclid(7)),
        }
    }
}

fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
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
