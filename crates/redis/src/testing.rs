//! What the workspace's fuzz targets reach into, behind the feature `testing`. No part of the
//! public interface: it may change with any version.

use std::time::Duration;

use sagewire_router::{DeploymentState, ledger::Standing};

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{ledger, state};

/// The period of the budget that [`key_answer`] is about.
pub const PERIOD: Duration = Duration::from_secs(86_400);

/// How a key stands by this answer of its script, if it can be read.
#[must_use]
pub fn key_answer(text: &str) -> Option<Standing> {
    read::<ledger::exchange::KeyAnswer>(text).map(|answer| answer.standing(Some(PERIOD)))
}

/// How a deployment is doing by this answer of its script, if it can be read.
#[must_use]
pub fn deployment_answer(text: &str) -> Option<DeploymentState> {
    read::<state::exchange::DeploymentAnswer>(text).map(|answer| answer.state())
}

fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    let answer: Value = serde_json::from_str(text).ok()?;
    serde_json::from_value(answer).ok()
}
