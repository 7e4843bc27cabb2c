//! What the router and the credentials tell `/metrics` and `/health`.

use std::sync::Arc;

use async_trait::async_trait;
use sagewire_router::{Circuit, Router};

use super::credentials::Aged;
use crate::{Gauge, Insight, Resting};

/// Looks at a router and its deployments' credentials.
#[derive(Debug)]
pub(super) struct RouterInsight {
    router: Arc<Router>,
    ages: Vec<Arc<Aged>>,
    /// How many deployments were found in the account, if they are looked for.
    found: Option<usize>,
    #[cfg(feature = "redis")]
    redis: Option<Arc<sagewire_redis::Redis>>,
}

impl RouterInsight {
    pub(super) fn new(router: Arc<Router>, ages: Vec<Arc<Aged>>) -> Self {
        Self {
            router,
            ages,
            found: None,
            #[cfg(feature = "redis")]
            redis: None,
        }
    }

    pub(super) fn with_found(self, found: Option<usize>) -> Self {
        Self { found, ..self }
    }

    #[cfg(feature = "redis")]
    pub(super) fn with_redis(self, redis: Option<Arc<sagewire_redis::Redis>>) -> Self {
        Self { redis, ..self }
    }
}

#[async_trait]
impl Insight for RouterInsight {
    #[expect(clippy::cast_precision_loss, reason = "no count of a minute is near 2^52")]
    async fn gauges(&self) -> Vec<Gauge> {
        let mut gauges = Vec::new();
        for status in self.router.health().await {
            let mut put =
                |name, help, value| gauges.push(Gauge::new(name, help, value).with_label("deployment", &status.id));
            let state = &status.state;
            put("sagewire_deployment_in_flight", "Requests that the deployment works on.", f64::from(state.in_flight));
            put(
                "sagewire_deployment_requests_per_minute",
                "Requests begun within the last minute.",
                state.requests as f64,
            );
            put("sagewire_deployment_tokens_per_minute", "Tokens counted within the last minute.", state.tokens as f64);
            put("sagewire_deployment_failures", "Failures in a row.", f64::from(state.failures));
            let rest = match state.circuit {
                Circuit::CoolingDown { ends_in } => ends_in.as_secs_f64(),
                _ => 0.0,
            };
            put("sagewire_deployment_cooldown_seconds", "How long it still rests after failures.", rest);
        }
        if let Some(found) = self.found {
            let help = "Deployments that were found in the account and are served.";
            gauges.push(Gauge::new("sagewire_discovered_deployments", help, found as f64));
        }
        #[cfg(feature = "redis")]
        if let Some(redis) = &self.redis {
            let health = redis.health();
            let mut put = |name, help, value| gauges.push(Gauge::new(name, help, value));
            put("sagewire_redis_connected", "Whether Redis answers: 1 or 0.", f64::from(u8::from(health.connected)));
            put("sagewire_redis_replicas", "Replicas seen within the last minute.", f64::from(health.replicas));
            put("sagewire_redis_round_trips", "Questions to Redis since the start.", health.round_trips as f64);
            put("sagewire_redis_failures", "Questions that Redis did not answer.", health.failures as f64);
            put("sagewire_redis_seconds", "Time that the questions took, in all.", health.waited.as_secs_f64());
        }
        for (deployments, seconds) in self.ages.iter().filter_map(|aged| aged.age()) {
            for deployment in deployments {
                gauges.push(
                    Gauge::new("sagewire_credentials_age_seconds", "How long the credentials are in use.", seconds)
                        .with_label("deployment", deployment),
                );
            }
        }
        gauges
    }

    #[cfg(feature = "redis")]
    fn shared_state_is_reachable(&self) -> Option<bool> {
        self.redis.as_ref().map(|redis| redis.health().connected)
    }

    async fn resting(&self) -> Vec<Resting> {
        let resting = |status: sagewire_router::DeploymentStatus| match status.state.circuit {
            Circuit::CoolingDown { ends_in } => Some(Resting::new(status.id, ends_in)),
            _ => None,
        };
        self.router.health().await.into_iter().filter_map(resting).collect()
    }
}
