//! `retry_policy`, `model_group_retry_policy` and `allowed_fails_policy`: numbers for sorts of failures.
//!
//! Owns their typed form. Which failure is of which sort is the router's.

use indexmap::IndexMap;
use sagewire_router::{FailurePolicy, FailureSort};

use super::{
    environment::Path,
    keys::{ALLOWED_FAILS_POLICY, RETRY_POLICY},
    node::Node,
    problem::Report,
    table::{Section, Table},
};

/// Both tables' keys are LiteLLM's names of the sorts with this behind them.
const RETRIES: &str = "Retries";
const ALLOWED_FAILS: &str = "AllowedFails";

pub(super) fn retries(router: &Section<'_>, report: &mut Report) -> FailurePolicy {
    named(router, "retry_policy", &RETRY_POLICY, RETRIES, report)
}

pub(super) fn allowed_fails(router: &Section<'_>, report: &mut Report) -> FailurePolicy {
    named(router, "allowed_fails_policy", &ALLOWED_FAILS_POLICY, ALLOWED_FAILS, report)
}

pub(super) fn of_models(router: &Section<'_>, report: &mut Report) -> IndexMap<String, FailurePolicy> {
    let path = Path::default().key("router_settings").key("model_group_retry_policy");
    let entries = router.node("model_group_retry_policy").and_then(Node::entries).unwrap_or_default();
    let policy =
        |node: &Node, key: &str, report: &mut Report| policy(&RETRY_POLICY.read(node, &path.key(key), report), RETRIES);
    entries.iter().map(|entry| (entry.key.clone(), policy(&entry.node, &entry.key, report))).collect()
}

fn named(router: &Section<'_>, name: &str, table: &'static Table, suffix: &str, report: &mut Report) -> FailurePolicy {
    let path = Path::default().key("router_settings").key(name);
    router.node(name).map_or_else(FailurePolicy::new, |node| policy(&table.read(node, &path, report), suffix))
}

fn policy(section: &Section<'_>, suffix: &str) -> FailurePolicy {
    FailureSort::ALL.into_iter().fold(FailurePolicy::new(), |policy, sort| {
        match section.count(&format!("{}{suffix}", sort.as_str())) {
            Some(number) => policy.with(sort, u32::try_from(number).unwrap_or(u32::MAX)),
            None => policy,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sort_has_its_key_in_both_tables() {
        for sort in FailureSort::ALL {
            for (table, suffix) in [(&RETRY_POLICY, RETRIES), (&ALLOWED_FAILS_POLICY, ALLOWED_FAILS)] {
                assert!(table.find(&format!("{}{suffix}", sort.as_str())).is_some(), "{sort:?}{suffix}");
            }
        }
    }
}
