//! The cache of answers: from `litellm_settings.cache_params` to a store in memory or in Redis.

use std::sync::Arc;

use sagewire::credentials::seam::World;
use sagewire_router::cache::{AnswerCache, MemoryCache};

use super::{Kept, WiringError};
use crate::{Config, config::CacheParams};

/// The section that says where answers are kept.
const CACHE_PARAMS: &str = "litellm_settings.cache_params";

/// Where the answers of this configuration are kept, if they are. A reload that changes nothing of it goes on with the same store.
pub(super) fn kept(
    config: &Config,
    world: &World,
    kept: &mut Kept,
) -> Result<Option<Arc<dyn AnswerCache>>, WiringError> {
    let params = &config.litellm_settings.cache_params;
    if !config.litellm_settings.cache {
        kept.answers = None;
        return Ok(None);
    }
    if let Some((known, cache)) = &kept.answers
        && known == params
    {
        return Ok(Some(Arc::clone(cache)));
    }
    let cache = if is_redis(params, config, world) {
        in_redis(params, world, kept)?
    } else {
        Arc::new(MemoryCache::new(params.max_bytes))
    };
    kept.answers = Some((params.clone(), Arc::clone(&cache)));
    Ok(Some(cache))
}

fn is_redis(params: &CacheParams, config: &Config, world: &World) -> bool {
    let is_named = || {
        let variable = |name: &str| world.var(name).is_some_and(|value| !value.is_empty());
        config.general_settings.coordination_redis.is_some() || variable("REDIS_URL") || variable("REDIS_HOST")
    };
    params.is_redis().unwrap_or_else(|| cfg!(feature = "redis") && is_named())
}

/// Over the section's own server, else over the one that replicas share, else over that of the variables.
#[cfg(feature = "redis")]
fn in_redis(params: &CacheParams, world: &World, kept: &Kept) -> Result<Arc<dyn AnswerCache>, WiringError> {
    use sagewire_redis::{Redis, RedisCache};

    let shared = kept.shared.as_ref().filter(|_| !params.names_a_server());
    let redis = match shared {
        Some(shared) => Arc::clone(&shared.redis),
        None => {
            let variable = |name: &str| world.var(name).filter(|value| !value.is_empty());
            let settings = super::shared_state::settings(&params.server(), &variable);
            settings.and_then(Redis::new).map_err(|source| WiringError::Redis { key: CACHE_PARAMS, source })?
        }
    };
    Ok(Arc::new(RedisCache::new(&redis)))
}

#[cfg(not(feature = "redis"))]
fn in_redis(_: &CacheParams, _: &World, _: &Kept) -> Result<Arc<dyn AnswerCache>, WiringError> {
    Err(WiringError::NoRedis { key: CACHE_PARAMS })
}
