//! `sagewire_settings.keys`: the keys that callers are given.
//!
//! A key is kept as its digest alone; whether a caller's key is one of them is decided in
//! `callers`.

use std::{
    collections::HashSet,
    time::{Duration, SystemTime},
};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use sagewire_router::ledger::KeyLimits;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error};

use super::{
    GeneralSettings, ProxySettings,
    general_settings::{self, Text},
    node::Node,
    problem::Report,
};
use crate::callers::KeyDigest;

/// A caller's key, with its permissions and limits.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CallerKey {
    /// The name in logs and metrics.
    #[schemars(with = "Text")]
    pub name: String,
    /// The key itself. `os.environ/NAME` keeps it out of the file.
    #[serde(deserialize_with = "general_settings::key")]
    #[schemars(with = "Text")]
    pub(crate) key: Option<KeyDigest>,
    /// In place of `key`: its SHA-256, as 64 hexadecimal digits, with or without `sha256:` before
    /// them.
    #[serde(deserialize_with = "key_hash")]
    #[schemars(with = "Text")]
    pub(crate) key_hash: Option<KeyDigest>,
    /// The models it may use; `sagemaker/*` matches every name with that prefix. Default: all.
    #[schemars(with = "Vec<String>")]
    pub models: Option<Vec<String>>,
    /// The maximum number of requests per minute.
    pub rpm: Option<u64>,
    /// The maximum number of tokens per minute.
    pub tpm: Option<u64>,
    /// The maximum number of tokens in total, or in each `budget_duration`.
    pub token_budget: Option<u64>,
    /// The period after which `token_budget` is reset: `30s`, `15m`, `12h`, `30d`.
    #[serde(deserialize_with = "duration")]
    #[schemars(with = "Text")]
    pub budget_duration: Option<Duration>,
    /// When it expires: `2026-12-31` or `2026-12-31T12:00:00Z`.
    #[serde(deserialize_with = "time")]
    #[schemars(with = "Text")]
    pub expires: Option<SystemTime>,
}

impl CallerKey {
    /// A key without limits.
    #[must_use]
    pub fn new(name: impl Into<String>, digest: KeyDigest) -> Self {
        Self { name: name.into(), key: Some(digest), ..Self::default() }
    }

    /// What the ledger is told of it.
    #[must_use]
    pub fn limits(&self) -> KeyLimits<'_> {
        KeyLimits {
            name: &self.name,
            rpm: self.rpm,
            tpm: self.tpm,
            token_budget: self.token_budget,
            budget_duration: self.budget_duration,
        }
    }

    /// The SHA-256 of the key; `None` if the configuration gives no key.
    #[must_use]
    pub fn digest(&self) -> Option<&KeyDigest> {
        self.key.as_ref().or(self.key_hash.as_ref())
    }
}

fn key_hash<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<KeyDigest>, D::Error> {
    let hash = String::deserialize(deserializer)?;
    KeyDigest::from_hex(&hash).map(Some).map_err(D::Error::custom)
}

/// LiteLLM's form.
fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text_to_duration(&text)
        .map(Some)
        .ok_or_else(|| D::Error::custom("must be a length of time such as `30s`, `15m`, `12h` or `30d`"))
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SystemTime>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text_to_time(&text)
        .map(Some)
        .ok_or_else(|| D::Error::custom("must be a date such as `2026-12-31` or `2026-12-31T12:00:00Z`"))
}

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

/// A point in time, or the first moment of a day in UTC.
fn text_to_time(text: &str) -> Option<SystemTime> {
    let timestamp = match text.parse::<Timestamp>() {
        Ok(timestamp) => timestamp,
        Err(_) => text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp(),
    };
    Some(timestamp.into())
}

/// What no key alone shows: names and keys must differ, each has a name and a key, and none is the
/// master key.
pub(super) fn check(keys: &[CallerKey], master: Option<&KeyDigest>, node: Option<&Node>, report: &mut Report) {
    let places = node.and_then(Node::items).unwrap_or_default();
    let mut names = HashSet::new();
    let mut digests: Vec<(usize, &KeyDigest)> = Vec::new();
    for (index, (key, node)) in keys.iter().zip(places).enumerate() {
        let path = format!("`sagewire_settings.keys[{index}]`");
        if key.name.is_empty() {
            report.problem(node.place, format!("{path} has no `name`: add one, for logs and metrics"));
        } else if !names.insert(key.name.as_str()) {
            report.problem(node.place, format!("{path} has the name of another key: names must differ"));
        }
        match (&key.key, &key.key_hash) {
            (Some(_), Some(_)) => {
                report.problem(node.place, format!("{path} has both `key` and `key_hash`: remove one"));
            }
            // One that was wrong has been reported.
            (None, None) if node.value("key").is_none() && node.value("key_hash").is_none() => {
                report.problem(node.place, format!("{path} needs either `key` or `key_hash`"));
            }
            _ => {}
        }
        let Some(digest) = key.digest() else { continue };
        if master == Some(digest) {
            report.problem(node.place, format!("{path} is the master key: set another key for callers"));
        } else if let Some((other, _)) = digests.iter().find(|(_, other)| *other == digest) {
            report.problem(node.place, format!("{path} is the same key as `keys[{other}]`: give each caller its own"));
        }
        digests.push((index, digest));
    }
}

/// The longest budget that may be lost at a restart without a warning.
const SHORT: Duration = Duration::from_secs(3600);

/// Warns of budgets that would begin anew at each restart.
pub(super) fn check_budgets(general: &GeneralSettings, own: &ProxySettings, node: Option<&Node>, report: &mut Report) {
    if general.coordination_redis.is_some() || own.state_file.is_some() {
        return;
    }
    let places = node.and_then(Node::items).unwrap_or_default();
    for (index, (key, node)) in own.keys.iter().zip(places).enumerate() {
        if key.token_budget.is_some() && key.budget_duration.is_none_or(|duration| duration > SHORT) {
            let path = format!("sagewire_settings.keys[{index}].token_budget");
            let message = format!(
                "`{path}` resets at each restart, because it is counted in memory only: set `sagewire_settings.state_file`, or \
                 `general_settings.coordination_redis` for several replicas"
            );
            report.warning(node.place, path, message);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn dates_are_read_and_impossible_ones_refused() {
        let seconds = |text| text_to_time(text).map(|time| time.duration_since(UNIX_EPOCH).unwrap().as_secs());
        assert_eq!(seconds("1970-01-01"), Some(0));
        assert_eq!(seconds("2000-02-29"), Some(951_782_400));
        assert_eq!(seconds("2026-12-31T23:59:59Z"), Some(1_798_761_599));
        for wrong in ["2026-02-29", "2026-13-01", "2026-12-31T24:00:00Z", "tomorrow", "2026-1"] {
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
