//! `datetime.strftime` in UTC, for `strftime_now`. <https://docs.python.org/3/library/datetime.html#format-codes>
//!
//! The names of days and months are English, as in the C locale in which servers run.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A date and time of day, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Civil {
    seconds: i64,
    micros: u32,
    year: i64,
    /// 1 to 12.
    month: usize,
    /// 1 to 31.
    day: i64,
    /// 1 to 366.
    day_of_year: i64,
    /// 0 is Sunday.
    weekday: i64,
}

impl Civil {
    /// Splits a point in time. Times before 1970 work too.
    pub(crate) fn new(time: SystemTime) -> Self {
        let (seconds, nanos) = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => (i64::try_from(after.as_secs()).unwrap_or(i64::MAX), after.subsec_nanos()),
            Err(error) => {
                let before = error.duration();
                let seconds = i64::try_from(before.as_secs()).unwrap_or(i64::MAX).saturating_neg();
                match before.subsec_nanos() {
                    0 => (seconds, 0),
                    nanos => (seconds.saturating_sub(1), 1_000_000_000 - nanos),
                }
            }
        };
        let days = seconds.div_euclid(86_400);
        let (year, month, day) = date_of(days);
        let day_of_year = days - days_before(year, 1, 1) + 1;
        let weekday = (days + 4).rem_euclid(7);
        Self { seconds, micros: nanos / 1000, year, month, day, day_of_year, weekday }
    }

    fn hour(&self) -> i64 {
        self.seconds.rem_euclid(86_400) / 3600
    }

    fn minute(&self) -> i64 {
        self.seconds.rem_euclid(3600) / 60
    }

    fn second(&self) -> i64 {
        self.seconds.rem_euclid(60)
    }

    fn day_name(&self) -> &'static str {
        usize::try_from(self.weekday).ok().and_then(|at| DAYS.get(at)).copied().unwrap_or_default()
    }

    fn month_name(&self) -> &'static str {
        MONTHS.get(self.month - 1).copied().unwrap_or_default()
    }

    /// Week of the year; weeks start on `first` (0 is Sunday, 1 is Monday).
    fn week(&self, first: i64) -> i64 {
        (self.day_of_year + 6 - (self.weekday - first).rem_euclid(7)) / 7
    }

    /// ISO 8601 year and week: week 1 holds the first Thursday.
    fn iso_week(&self) -> (i64, i64) {
        let thursday = self.day_of_year - (self.weekday + 6).rem_euclid(7) + 3;
        let length = days_before(self.year + 1, 1, 1) - days_before(self.year, 1, 1);
        if thursday < 1 {
            let last = days_before(self.year, 1, 1) - days_before(self.year - 1, 1, 1);
            (self.year - 1, (thursday + last - 1) / 7 + 1)
        } else if thursday > length {
            (self.year + 1, 1)
        } else {
            (self.year, (thursday - 1) / 7 + 1)
        }
    }
}

/// Days from 1970-01-01 to the given date in the proleptic Gregorian calendar.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted_month = (month + 9) % 12;
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The date `days` after 1970-01-01: the inverse of [`days_before`].
fn date_of(days: i64) -> (i64, usize, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, usize::try_from(month).unwrap_or(1), day)
}

/// Formats `now`. Codes that are not known stay as they are, as glibc leaves them.
pub(crate) fn strftime(now: &Civil, format: &str) -> String {
    let mut out = String::with_capacity(format.len() * 2);
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        // glibc's flags: no padding, blanks, zeros, upper case.
        let flag = chars.next_if(|c| matches!(c, '-' | '_' | '0' | '^'));
        let Some(code) = chars.next() else {
            out.push('%');
            out.extend(flag);
            break;
        };
        if !push_code(&mut out, now, code, flag) {
            out.push('%');
            out.extend(flag);
            out.push(code);
        }
    }
    out
}

/// Writes one code; false if it is not known.
fn push_code(out: &mut String, now: &Civil, code: char, flag: Option<char>) -> bool {
    let hour12 = (now.hour() + 11) % 12 + 1;
    let numbers = |value: i64, width: usize, pad: char| Piece::Number(value, width, pad);
    let piece = match code {
        'Y' => numbers(now.year, 1, '0'),
        'C' => numbers(now.year.div_euclid(100), 2, '0'),
        'y' => numbers(now.year.rem_euclid(100), 2, '0'),
        'm' => numbers(i64::try_from(now.month).unwrap_or(1), 2, '0'),
        'd' => numbers(now.day, 2, '0'),
        'e' => numbers(now.day, 2, ' '),
        'j' => numbers(now.day_of_year, 3, '0'),
        'H' => numbers(now.hour(), 2, '0'),
        'k' => numbers(now.hour(), 2, ' '),
        'I' => numbers(hour12, 2, '0'),
        'l' => numbers(hour12, 2, ' '),
        'M' => numbers(now.minute(), 2, '0'),
        'S' => numbers(now.second(), 2, '0'),
        'f' => numbers(i64::from(now.micros), 6, '0'),
        's' => numbers(now.seconds, 1, '0'),
        'w' => numbers(now.weekday, 1, '0'),
        'u' => numbers((now.weekday + 6) % 7 + 1, 1, '0'),
        'U' => numbers(now.week(0), 2, '0'),
        'W' => numbers(now.week(1), 2, '0'),
        'V' => numbers(now.iso_week().1, 2, '0'),
        'G' => numbers(now.iso_week().0, 1, '0'),
        'g' => numbers(now.iso_week().0.rem_euclid(100), 2, '0'),
        'A' => Piece::Name(now.day_name(), usize::MAX),
        'a' => Piece::Name(now.day_name(), 3),
        'B' => Piece::Name(now.month_name(), usize::MAX),
        'b' | 'h' => Piece::Name(now.month_name(), 3),
        'p' => Piece::Name(if now.hour() < 12 { "AM" } else { "PM" }, usize::MAX),
        'P' => Piece::Name(if now.hour() < 12 { "am" } else { "pm" }, usize::MAX),
        'n' => Piece::Name("\n", usize::MAX),
        't' => Piece::Name("\t", usize::MAX),
        '%' => Piece::Name("%", usize::MAX),
        // `datetime.now()` knows no time zone.
        'z' | 'Z' => Piece::Name("", usize::MAX),
        'D' | 'x' => Piece::Format("%m/%d/%y"),
        'F' => Piece::Format("%Y-%m-%d"),
        'T' | 'X' => Piece::Format("%H:%M:%S"),
        'R' => Piece::Format("%H:%M"),
        'r' => Piece::Format("%I:%M:%S %p"),
        'c' => Piece::Format("%a %b %e %H:%M:%S %Y"),
        _ => return false,
    };
    match piece {
        Piece::Number(value, width, pad) => {
            let _ = match (flag, pad) {
                (Some('-'), _) => write!(out, "{value}"),
                (Some('_'), _) | (None | Some('^'), ' ') => write!(out, "{value:>width$}"),
                _ => write!(out, "{value:0>width$}"),
            };
        }
        Piece::Name(name, letters) => {
            let cut: String = name.chars().take(letters).collect();
            out.push_str(&if flag == Some('^') { cut.to_uppercase() } else { cut });
        }
        Piece::Format(format) => out.push_str(&strftime(now, format)),
    }
    true
}

enum Piece {
    /// The number, its width, and what pads it.
    Number(i64, usize, char),
    /// A name, cut to so many letters.
    Name(&'static str, usize),
    Format(&'static str),
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn at(seconds: u64) -> Civil {
        Civil::new(UNIX_EPOCH + Duration::from_secs(seconds))
    }

    #[test]
    fn dates_match_pythons() {
        // 2026-01-15 12:00:00, a Thursday.
        let now = at(1_768_478_400);
        assert_eq!(
            strftime(&now, "%Y-%m-%d %A %B %j %-d %H:%M:%S %p %U %W %V %G %u %w"),
            "2026-01-15 Thursday January 015 15 12:00:00 PM 02 02 03 2026 4 4"
        );
        assert_eq!(
            strftime(&now, "%d %b %Y, %-I %e|%c|%x|%X|%y%%|%f"),
            "15 Jan 2026, 12 15|Thu Jan 15 12:00:00 2026|01/15/26|12:00:00|26%|000000"
        );
        assert_eq!(strftime(&now, "%Q %"), "%Q %");
    }

    #[test]
    fn leap_days_year_ends_and_the_past_are_right() {
        assert_eq!(strftime(&at(1_709_164_800), "%F %j"), "2024-02-29 060");
        // 2027-01-01 is a Friday: it still belongs to ISO week 53 of 2026.
        assert_eq!(strftime(&at(1_798_761_600), "%F %G-W%V %U %W"), "2027-01-01 2026-W53 00 00");
        let before = Civil::new(UNIX_EPOCH - Duration::from_secs(1));
        assert_eq!(strftime(&before, "%F %T %A"), "1969-12-31 23:59:59 Wednesday");
    }
}
