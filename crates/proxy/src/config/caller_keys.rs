//! `sagewire_settings.keys`: the keys that callers are given.
//!
//! Owns their typed form. A key is kept as its digest alone; whether a caller's key is one of them is decided in `auth`.

use std::{
    collections::HashSet,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{environment::Path, keys::KEYS, node::Node, problem::Report, table::Section};
use crate::callers::KeyDigest;

/// A key that a caller was given, with its rights and limits.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CallerKey {
    /// What logs and metrics call it.
    pub name: String,
    /// The SHA-256 of the key.
    pub digest: KeyDigest,
    /// The models it may use; `None` for all. `sagemaker/*` stands for every name that begins so.
    pub models: Option<Vec<String>>,
    /// Requests a minute.
    pub rpm: Option<u64>,
    /// Tokens a minute.
    pub tpm: Option<u64>,
    /// Tokens in all, or in each `budget_duration`.
    pub token_budget: Option<u64>,
    /// After how long `token_budget` begins anew.
    pub budget_duration: Option<Duration>,
    /// When it ends.
    pub expires: Option<SystemTime>,
}

impl CallerKey {
    /// A key without limits.
    #[must_use]
    pub fn new(name: impl Into<String>, digest: KeyDigest) -> Self {
        Self {
            name: name.into(),
            digest,
            models: None,
            rpm: None,
            tpm: None,
            token_budget: None,
            budget_duration: None,
            expires: None,
        }
    }
}

pub(super) fn read(section: &Section<'_>, path: &Path, report: &mut Report) -> Vec<CallerKey> {
    let mut names = HashSet::new();
    let items = section.node("keys").and_then(Node::items).unwrap_or_default();
    items
        .iter()
        .enumerate()
        .filter_map(|(index, node)| caller_key(node, &path.key(&format!("keys[{index}]")), &mut names, report))
        .collect()
}

fn caller_key(node: &Node, path: &Path, names: &mut HashSet<String>, report: &mut Report) -> Option<CallerKey> {
    let section = KEYS.read(node, path, report);
    let Some(name) = section.text("name").filter(|name| !name.is_empty()) else {
        report.problem(node.place, format!("{path} has no `name`: add one, for logs and metrics"));
        return None;
    };
    if !names.insert(name.clone()) {
        report.problem(section.place_of("name"), format!("{path} has the name of another key: names must differ"));
    }
    let digest = match (section.text("key"), section.text("key_hash")) {
        (Some(key), None) => KeyDigest::of_configured(&key),
        (None, Some(hash)) => KeyDigest::from_hex(&hash),
        _ => Err("needs either `key` or `key_hash`"),
    };
    let digest = match digest {
        Ok(digest) => Some(digest),
        Err(reason) => {
            report.problem(node.place, format!("the key `{name}` of `sagewire_settings.keys` {reason}"));
            None
        }
    };
    let expires = section.text("expires").map(|text| (text_to_time(&text), section.place_of("expires")));
    let duration =
        section.text("budget_duration").map(|text| (text_to_duration(&text), section.place_of("budget_duration")));
    if let Some((None, place)) = expires {
        report.problem(
            place,
            format!("{} must be a date such as `2026-12-31` or `2026-12-31T12:00:00Z`", path.key("expires")),
        );
    }
    if let Some((None, place)) = duration {
        report.problem(
            place,
            format!("{} must be a length of time such as `30s`, `15m`, `12h` or `30d`", path.key("budget_duration")),
        );
    }
    Some(CallerKey {
        name,
        digest: digest?,
        models: section.texts("models"),
        rpm: section.count("rpm"),
        tpm: section.count("tpm"),
        token_budget: section.count("token_budget"),
        budget_duration: duration.and_then(|(duration, _)| duration),
        expires: expires.and_then(|(time, _)| time),
    })
}

/// LiteLLM's form: `30s`, `15m`, `12h`, `30d`.
fn text_to_duration(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    number.checked_mul(seconds).filter(|seconds| *seconds > 0).map(Duration::from_secs)
}

/// `2026-12-31`, the first moment of the day in UTC, or `2026-12-31T12:00:00Z`.
fn text_to_time(text: &str) -> Option<SystemTime> {
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, time.strip_suffix('Z')?),
        None => (text, "00:00:00"),
    };
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time, ':')?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + u64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1970..=9999).contains(&year) || !(1..=length).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // Days since 1970-01-01, with the year beginning in March so that the leap day is its last.
    let (shifted_year, shifted_month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let days = shifted_year * 365 + shifted_year / 4 - shifted_year / 100 + shifted_year / 400 + day_of_year;
    let seconds = (days.checked_sub(719_468)?) * 86_400 + hour * 3600 + minute * 60 + second;
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

fn numbers<const N: usize>(text: &str, separator: char) -> Option<[u64; N]> {
    let numbers = text
        .split(separator)
        .map(|part| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok()).flatten())
        .collect::<Option<Vec<u64>>>()?;
    numbers.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_and_impossible_ones_refused() {
        let seconds = |text| text_to_time(text).map(|time| time.duration_since(UNIX_EPOCH).unwrap().as_secs());
        assert_eq!(seconds("1970-01-01"), Some(0));
        assert_eq!(seconds("2000-02-29"), Some(951_782_400));
        assert_eq!(seconds("2026-12-31T23:59:59Z"), Some(1_798_761_599));
        for wrong in [
            "2026-02-29",
            "2026-13-01",
            "2026-12-31T24:00:00Z",
            "2026-12-31T12:00:00",
            "tomorrow",
            "2026-1",
            "+026-01-01",
        ] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn durations_are_read_in_litellms_form() {
        assert_eq!(text_to_duration("30d"), Some(Duration::from_secs(2_592_000)));
        assert_eq!(text_to_duration("15m"), Some(Duration::from_secs(900)));
        for wrong in ["", "d", "30", "0s", "1.5h", "-1d", "1é", "99999999999999999999d"] {
            assert_eq!(text_to_duration(wrong), None, "{wrong}");
        }
    }
}
