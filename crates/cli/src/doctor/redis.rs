//! The Redis that replicas share: whether it answers.

use sagewire::credentials::seam::World;
use sagewire_proxy::{Config, Wiring};

use super::report::Step;

/// `None` if the configuration names no Redis.
pub(super) async fn look(config: &Config, world: &World) -> Option<Step> {
    const NAME: &str = "Redis";
    let fix = "check `general_settings.coordination_redis`, the server and the network between; until it answers, each replica applies its share of the limits";
    match Wiring::new(world.clone()).reach_redis(config).await {
        Ok(None) => None,
        Ok(Some((address, true))) => Some(Step::ok(NAME, format!("{address} answers"))),
        Ok(Some((address, false))) => Some(Step::failed(NAME, format!("{address} does not answer"), fix)),
        Err(error) => Some(Step::failed(NAME, super::with_causes(&error), fix)),
    }
}
