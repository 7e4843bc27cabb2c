//! The signing time: a `SystemTime` turned into the two texts that SigV4 wants, and the day that a
//! signing key belongs to.
//!
//! Owns the calendar. It never reads a clock: the time is the caller's.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::SigningError;

const SECONDS_PER_DAY: u64 = 86_400;
/// The first day of the year 10000, counted from 1970-01-01: the first that has no four-digit year.
const FIRST_DAY_OF_YEAR_10000: u64 = 2_932_897;

/// One second in UTC, written as `YYYYMMDDTHHMMSSZ`. A fraction of a second is dropped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SigningTime {
    /// Days since 1970-01-01.
    day: u32,
    text: [u8; 16],
}

impl SigningTime {
    /// Writes `time` out, or fails with [`SigningError::Time`] outside the years 1970 to 9999.
    pub(crate) fn new(time: SystemTime) -> Result<Self, SigningError> {
        let seconds = time.duration_since(UNIX_EPOCH).map_err(|_| SigningError::Time)?.as_secs();
        let days = seconds / SECONDS_PER_DAY;
        if days >= FIRST_DAY_OF_YEAR_10000 {
            return Err(SigningError::Time);
        }
        let (year, month, day_of_month) = civil_date(days);
        let second_of_day = seconds % SECONDS_PER_DAY;
        let [y1, y2, y3, y4] = four_digits(year);
        let [m1, m2] = two_digits(month);
        let [d1, d2] = two_digits(day_of_month);
        let [h1, h2] = two_digits(second_of_day / 3600);
        let [n1, n2] = two_digits(second_of_day / 60 % 60);
        let [s1, s2] = two_digits(second_of_day % 60);
        let text = [y1, y2, y3, y4, m1, m2, d1, d2, b'T', h1, h2, n1, n2, s1, s2, b'Z'];
        Ok(Self { day: u32::try_from(days).map_err(|_| SigningError::Time)?, text })
    }

    /// Days since 1970-01-01: a signing key is good for one of them.
    pub(crate) fn day(&self) -> u32 {
        self.day
    }

    /// `YYYYMMDDTHHMMSSZ`, the value of `X-Amz-Date`.
    pub(crate) fn timestamp(&self) -> &str {
        std::str::from_utf8(&self.text).unwrap_or_default()
    }

    /// `YYYYMMDD`, the first part of a credential scope.
    pub(crate) fn date(&self) -> &str {
        self.timestamp().get(..8).unwrap_or_default()
    }
}

/// Year, month and day of month, of a day counted from 1970-01-01 in the Gregorian calendar.
///
/// Days are counted from 0000-03-01 instead, so that a leap day is the last of its year, and the
/// 400-year cycle starts at a multiple of 400.
fn civil_date(days_since_1970: u64) -> (u64, u64, u64) {
    const DAYS_FROM_YEAR_0_MARCH_TO_1970: u64 = 719_468;
    const DAYS_PER_400_YEARS: u64 = 146_097;

    let days = days_since_1970 + DAYS_FROM_YEAR_0_MARCH_TO_1970;
    let cycle = days / DAYS_PER_400_YEARS;
    let day_of_cycle = days % DAYS_PER_400_YEARS;
    // Taking out the leap days before it leaves years of 365 days each.
    let leap_days = day_of_cycle / 1_460 - day_of_cycle / 36_524 + day_of_cycle / 146_096;
    let year_of_cycle = (day_of_cycle - leap_days) / 365;
    let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    // From March on, five months hold 153 days.
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = 400 * cycle + year_of_cycle + u64::from(month <= 2);
    (year, month, day_of_month)
}

fn four_digits(number: u64) -> [u8; 4] {
    let ([a, b], [c, d]) = (two_digits(number / 100), two_digits(number % 100));
    [a, b, c, d]
}

fn two_digits(number: u64) -> [u8; 2] {
    [digit(number / 10), digit(number % 10)]
}

fn digit(number: u64) -> u8 {
    b'0' + (number % 10) as u8
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> Result<SigningTime, SigningError> {
        SigningTime::new(UNIX_EPOCH + Duration::from_secs(seconds))
    }

    #[test]
    fn writes_known_moments() {
        for (seconds, expected) in [
            (0, "19700101T000000Z"),
            (951_782_399, "20000228T235959Z"),
            (951_782_400, "20000229T000000Z"),
            (951_868_800, "20000301T000000Z"),
            (1_440_938_160, "20150830T123600Z"),
            (1_709_164_800, "20240229T000000Z"),
            (4_107_542_400, "21000301T000000Z"),
            (253_402_300_799, "99991231T235959Z"),
        ] {
            let time = at(seconds).unwrap();
            assert_eq!(time.timestamp(), expected);
            assert_eq!(time.date(), expected.split('T').next().unwrap());
        }
    }

    /// Every day of the range, beside a calendar that is counted day by day.
    #[test]
    fn agrees_with_a_calendar_counted_by_hand() {
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..FIRST_DAY_OF_YEAR_10000 {
            assert_eq!(civil_date(days), (year, month, day));
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let length = match month {
                2 => 28 + u64::from(leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            day += 1;
            if day > length {
                (day, month) = (1, month + 1);
            }
            if month > 12 {
                (month, year) = (1, year + 1);
            }
        }
        assert_eq!(year, 10_000);
    }

    #[test]
    fn drops_fractions_and_refuses_what_has_no_text() {
        let time = SigningTime::new(UNIX_EPOCH + Duration::from_millis(1_999)).unwrap();
        assert_eq!(time.timestamp(), "19700101T000001Z");
        assert!(matches!(SigningTime::new(UNIX_EPOCH - Duration::from_secs(1)), Err(SigningError::Time)));
        assert!(matches!(at(253_402_300_800), Err(SigningError::Time)));
        assert!(matches!(at(i64::MAX as u64), Err(SigningError::Time)));
    }
}
