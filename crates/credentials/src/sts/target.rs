//! Which STS a source speaks to: what its builder was told, completed from environment and profile at each call.

use super::Sts;
use crate::CredentialsError;
use crate::config::SharedConfig;
use crate::region::Region;
use crate::seam::World;

/// What a source was told about STS.
#[derive(Clone, Debug)]
pub(crate) struct StsTarget {
    pub(crate) world: World,
    /// Whose region and endpoint settings count, in place of the selected profile.
    pub(crate) profile: Option<String>,
    pub(crate) region: Option<Region>,
    pub(crate) endpoint: Option<String>,
}

impl StsTarget {
    pub(crate) fn new(world: &World) -> Self {
        Self { world: world.clone(), profile: None, region: None, endpoint: None }
    }

    pub(crate) async fn connect(&self) -> Result<Sts, CredentialsError> {
        let config = SharedConfig::load(&self.world, self.profile.as_deref()).await?;
        self.connect_with(&config).await
    }

    pub(crate) async fn connect_with(&self, config: &SharedConfig) -> Result<Sts, CredentialsError> {
        Sts::connect(config, self.region.as_ref(), self.endpoint.as_deref()).await
    }
}
