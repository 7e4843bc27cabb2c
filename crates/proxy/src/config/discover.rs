//! `sagewire_settings.discover`: which endpoints of the account are served without being listed.
//!
//! Owns the section's form and its check. Looking for them is the wiring's.

use std::time::Duration;

use sagewire::credentials::Region;
use sagewire_router::seconds::{self, Seconds};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{general_settings::Text, node::Node, problem::Report};

/// The shortest time between two looks: AWS limits lists of an account for all of its users.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(10);

/// The longest part of an endpoint's name that AWS looks for.
const LONGEST_PART: usize = 63;

/// Serves endpoints of the AWS account beside those of `model_list`, as they come and go.
/// `name_contains` or `tag` must be set.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct DiscoverSettings {
    /// The regions to look in. Default: the one that calls go to.
    pub regions: Vec<String>,
    /// Serves endpoints whose names contain this; `""` is every endpoint.
    #[schemars(with = "Text")]
    pub name_contains: Option<String>,
    /// Serves endpoints with this tag: `key` or `key=value`.
    #[schemars(with = "Text")]
    pub tag: Option<String>,
    /// The time between two looks, at least 10. Default: 300.
    #[serde(deserialize_with = "seconds::deserialize")]
    #[schemars(with = "Seconds")]
    pub interval: Duration,
    /// Whether keys without a list of `models` may use what is found. Default: false: only the master
    /// key and keys whose list names it.
    pub open_to_all_keys: bool,
}

impl Default for DiscoverSettings {
    fn default() -> Self {
        Self {
            regions: Vec::new(),
            name_contains: None,
            tag: None,
            interval: Duration::from_secs(300),
            open_to_all_keys: false,
        }
    }
}

/// What no key alone shows: there is a filter, and AWS would take its parts.
pub(super) fn check(settings: Option<&DiscoverSettings>, node: Option<&Node>, report: &mut Report) {
    let (Some(settings), Some(node)) = (settings, node) else { return };
    let place = |key: &str| node.value(key).map_or(node.place, |node| node.place);
    let path = "sagewire_settings.discover";
    if node.value("name_contains").is_none() && node.value("tag").is_none() {
        report.problem(
            node.place,
            format!(
                "`{path}` has no filter: set `name_contains` or `tag`; `name_contains: \"\"` serves every endpoint of the account"
            ),
        );
    }
    let is_part = |part: &String| {
        part.len() <= LONGEST_PART && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if settings.name_contains.as_ref().is_some_and(|part| !is_part(part)) {
        report.problem(
            place("name_contains"),
            format!("`{path}.name_contains` must be at most {LONGEST_PART} letters, digits and hyphens"),
        );
    }
    if settings.tag.as_ref().is_some_and(|tag| tag.split('=').next().is_none_or(str::is_empty)) {
        report.problem(place("tag"), format!("`{path}.tag` must be `key` or `key=value`"));
    }
    if settings.interval < SHORTEST_INTERVAL {
        let shortest = SHORTEST_INTERVAL.as_secs();
        report.problem(place("interval"), format!("`{path}.interval` must be at least {shortest} seconds"));
    }
    for region in &settings.regions {
        if let Err(error) = Region::new(region) {
            report.problem(place("regions"), format!("`{path}.regions`: {error}"));
        }
    }
}
