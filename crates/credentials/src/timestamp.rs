//! Points in time as AWS writes them: RFC 3339 in answers and files, HTTP dates in headers. Only UTC comes out; nothing before 1970 goes in.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const SECONDS_PER_DAY: u64 = 86_400;

/// Reads an [RFC 3339](https://www.rfc-editor.org/rfc/rfc3339) time such as `2026-01-31T12:00:00Z`, with or without fraction and offset, and
/// `2026-01-31T12:00:00UTC`, which old SSO caches hold.
pub(crate) fn parse_rfc3339(text: &str) -> Option<SystemTime> {
    let (date, time) = text.trim().split_once(['T', 't', ' '])?;
    let mut date = date.splitn(3, '-');
    let (year, month, day) = (digits(date.next()?, 4)?, digits(date.next()?, 2)?, digits(date.next()?, 2)?);
    let zone_at = time.find(['Z', 'z', 'U', '+', '-'])?;
    let (clock, zone) = time.split_at_checked(zone_at)?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let seconds = day_number(year, month, day)?.checked_mul(SECONDS_PER_DAY)?.checked_add(second_of_day(clock)?)?;
    let nanos: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let nanos = u32::try_from(digits(&nanos, 9)?).ok()?;
    let local = UNIX_EPOCH.checked_add(Duration::new(seconds, nanos))?;
    match (zone.get(..1)?, zone.get(1..)?) {
        ("Z" | "z", "") | ("U", "TC") => Some(local),
        (sign @ ("+" | "-"), offset) => {
            let (hours, minutes) = offset.split_once(':')?;
            let offset = Duration::from_secs(digits(hours, 2)? * 3600 + digits(minutes, 2)? * 60);
            if sign == "+" { local.checked_sub(offset) } else { local.checked_add(offset) }
        }
        _ => None,
    }
}

/// Reads the date of an HTTP header, such as `Tue, 21 Sep 2021 18:32:37 GMT` ([RFC 9110](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7)).
/// Its two obsolete forms are not read: AWS sends neither.
pub(crate) fn parse_http_date(text: &str) -> Option<SystemTime> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, rest) = text.trim().split_once(", ")?;
    let mut words = rest.split(' ');
    let day = digits(words.next()?, 2)?;
    let month = words.next()?;
    let month = MONTHS.iter().zip(1..).find_map(|(name, number)| (*name == month).then_some(number))?;
    let year = digits(words.next()?, 4)?;
    let seconds = second_of_day(words.next()?)?;
    if words.next() != Some("GMT") || words.next().is_some() {
        return None;
    }
    let seconds = day_number(year, month, day)?.checked_mul(SECONDS_PER_DAY)?.checked_add(seconds)?;
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// Writes a time as RFC 3339 in UTC, to the second. A time before 1970 becomes 1970, one after 9999 its last second.
pub(crate) fn format_rfc3339(time: SystemTime) -> String {
    // The last second of the year 9999: later ones have no place in the format.
    const LAST: u64 = 253_402_300_799;
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().min(LAST);
    let (day, second) = (seconds / SECONDS_PER_DAY, seconds % SECONDS_PER_DAY);
    let (year, month, day) = civil(day);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

/// The number that `text` is, if it is exactly `length` decimal digits.
fn digits(text: &str, length: usize) -> Option<u64> {
    (text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

fn second_of_day(clock: &str) -> Option<u64> {
    let mut parts = clock.splitn(3, ':');
    let (hour, minute, second) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    // A leap second is written 60; it counts as the second after it.
    (hour < 24 && minute < 60 && second <= 60).then_some(hour * 3600 + minute * 60 + second)
}

/// Days since 1 January 1970 of a day of the Gregorian calendar.
fn day_number(year: u64, month: u64, day: u64) -> Option<u64> {
    if year < 1970 || !(1..=12).contains(&month) || day < 1 || day > month_length(year, month) {
        return None;
    }
    let months: u64 = (1..month).map(|month| month_length(year, month)).sum();
    Some((year - 1970) * 365 + leap_days(year) - leap_days(1970) + months + day - 1)
}

/// Leap days from year 1 to the end of the year before `year`.
fn leap_days(year: u64) -> u64 {
    let past = year - 1;
    past / 4 - past / 100 + past / 400
}

fn month_length(year: u64, month: u64) -> u64 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + u64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The day of the calendar that is `day` days after 1 January 1970.
fn civil(day: u64) -> (u64, u64, u64) {
    // Never later than the true year, and at most one too early for each 146,097 days: the loop below ends the difference.
    let mut year = 1970 + day / 366;
    let starts = |year: u64| (year - 1970) * 365 + leap_days(year) - leap_days(1970);
    while starts(year + 1) <= day {
        year += 1;
    }
    let mut rest = day - starts(year);
    let mut month = 1;
    while rest >= month_length(year, month) {
        rest -= month_length(year, month);
        month += 1;
    }
    (year, month, rest + 1)
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
        assert_eq!(parse_rfc3339("1970-01-01T00:00:00.0000000009Z"), Some(UNIX_EPOCH));
    }

    #[test]
    fn refuses_what_is_no_time() {
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
        for text in ["", "Tue, 21 Sep 2021 18:32:37", "Tue, 21 Xyz 2021 18:32:37 GMT", "21 Sep 2021 18:32:37 GMT"] {
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
