//! The STS that a source calls: the settings of its builder, completed from the environment and the
//! profile at each call.

use super::Sts;
use crate::CredentialsError;
use crate::config::SharedConfig;
use crate::region::Region;
use crate::seam::World;

/// The settings of a source for STS.
#[derive(Clone, Debug)]
pub(crate) struct StsTarget {
    pub(crate) world: World,
    /// The profile whose region and endpoint settings are used. Default: the selected one.
    pub(crate) profile: Option<String>,
    pub(crate) region: Option<Region>,
    pub(crate) endpoint: Option<String>,
}

/// The setters of a source that asks STS, whose field `sts` is an [`StsTarget`].
macro_rules! sts_setters {
    () => {
        /// Asks the STS of this region.
        #[must_use]
        pub fn with_region(mut self, region: $crate::Region) -> Self {
            self.sts.region = Some(region);
            self
        }

        /// Asks the STS at this URL.
        #[must_use]
        pub fn with_sts_endpoint(mut self, url: impl Into<String>) -> Self {
            self.sts.endpoint = Some(url.into());
            self
        }

        /// Takes region and endpoint settings from this profile instead of the selected one.
        #[must_use]
        pub fn with_profile(mut self, name: impl Into<String>) -> Self {
            self.sts.profile = Some(name.into());
            self
        }
    };
}

pub(crate) use sts_setters;

impl StsTarget {
    pub(crate) fn new(world: &World) -> Self {
        Self { world: world.clone(), profile: None, region: None, endpoint: None }
    }

    pub(crate) async fn connect(&self) -> Result<Sts, CredentialsError> {
        let config = SharedConfig::load(&self.world, self.profile.as_deref()).await;
        self.connect_with(&config).await
    }

    pub(crate) async fn connect_with(&self, config: &SharedConfig) -> Result<Sts, CredentialsError> {
        Sts::connect(config, self.region.as_ref(), self.endpoint.as_deref()).await
    }
}
