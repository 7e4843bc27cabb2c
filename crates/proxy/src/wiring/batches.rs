//! Files and batches: from `sagewire_settings.batches` to a store.

use std::sync::Arc;

use sagewire::credentials::seam::World;

use super::{KeptOverReloads, WiringError};
use crate::{
    Config,
    batches::{BatchRunner, Batches},
    config::BatchPlace,
};

/// Why a store cannot be used beside the other settings; nothing if it can.
pub(super) fn conflict(config: &Config) -> Option<&'static str> {
    let settings = config.sagewire_settings.batches.as_ref()?;
    match settings.store {
        BatchPlace::Directory(_) if config.general_settings.coordination_redis.is_some() => Some(
            "`store` is a directory, which serves one proxy, and `general_settings.coordination_redis` says that there are \
             several: use `s3://bucket/prefix`",
        ),
        _ => None,
    }
}

/// The batches of this configuration, if it has a store. A reload goes on with the same store.
pub(super) fn kept(
    config: &Config,
    world: &World,
    kept: &mut KeptOverReloads,
) -> Result<Option<Arc<BatchRunner>>, WiringError> {
    if let Some(reason) = conflict(config) {
        return Err(WiringError::Batches(reason.to_owned()));
    }
    let Some(settings) = &config.sagewire_settings.batches else { return Ok(None) };
    if let Some(runner) = &kept.batches {
        if settings != runner.batches().settings() {
            tracing::warn!(target: "sagewire::proxy", "a change of `sagewire_settings.batches` takes effect at the next start");
        }
        return Ok(Some(Arc::clone(runner)));
    }
    let batches = Batches::open(settings, world).map_err(|error| WiringError::Batches(error.to_string()))?;
    let runner = Arc::new(BatchRunner::new(batches));
    kept.batches = Some(Arc::clone(&runner));
    Ok(Some(runner))
}
