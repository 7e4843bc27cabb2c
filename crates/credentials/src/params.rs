//! [`AwsParams`]: LiteLLM's `aws_*` parameters. Owns their names, their variables and which of them wins; what is then done is the sources' work.

mod plan;

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;

use self::plan::Plan;
use crate::cache::CachedProvider;
use crate::env_vars::AWS_PROFILE_NAME;
use crate::explain::Explanation;
use crate::region::{Region, RegionError, resolve_region};
use crate::seam::World;
use crate::sts::SessionTag;
use crate::{CredentialsError, Secret, SharedCredentialsProvider};

/// LiteLLM's parameters for AWS, as [its page](https://docs.litellm.ai/docs/providers/aws_sagemaker) names them.
///
/// One that is not given is taken from the variable of the same name in upper case: `aws_role_name`
/// from `AWS_ROLE_NAME`, and so on. The one exception is that a key given as a parameter is never
/// completed with a session token from a variable. The first that applies decides:
///
/// 1. `aws_web_identity_token` with `aws_role_name`: the role is taken on with the token;
/// 2. `aws_role_name`: the role is assumed with the keys given, else with the credentials of the
///    profile given, else with those of the [default chain](crate::DefaultChain). Where those are
///    the role's own already, they are used as they are;
/// 3. `aws_profile_name`: the profile, and what stands behind it; environment variables with keys
///    are passed over;
/// 4. `aws_access_key_id` and `aws_secret_access_key`, with `aws_session_token` if they are
///    temporary;
/// 5. the default chain.
///
/// `Debug` shows no secret, and secrets are wiped from memory when dropped.
///
/// ```
/// use sagewire_credentials::seam::World;
/// use sagewire_credentials::{AwsParams, ProvideCredentials};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let params = AwsParams {
///     aws_access_key_id: Some("AKIDEXAMPLE".into()),
///     aws_secret_access_key: Some("secret".into()),
///     ..AwsParams::default()
/// };
/// let provider = params.provider(&World::builder().build())?;
/// assert_eq!(provider.provide_credentials().await?.access_key_id(), "AKIDEXAMPLE");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct AwsParams {
    /// The access key id of static keys.
    pub aws_access_key_id: Option<String>,
    /// The secret access key that belongs to it.
    pub aws_secret_access_key: Option<Secret>,
    /// The session token, if the keys are temporary.
    pub aws_session_token: Option<Secret>,
    /// The region: of the endpoint, and of the STS that is asked.
    pub aws_region_name: Option<String>,
    /// The name of the role session. Generated where there is none.
    pub aws_session_name: Option<String>,
    /// A profile of the shared config and credentials files.
    pub aws_profile_name: Option<String>,
    /// The ARN of a role to assume.
    pub aws_role_name: Option<String>,
    /// A web identity token or a reference to one: see
    /// [`WebIdentityToken::parse`](crate::WebIdentityToken::parse).
    pub aws_web_identity_token: Option<Secret>,
    /// The external id that the role's trust policy asks for.
    pub aws_external_id: Option<String>,
    /// The URL of STS in place of the region's own.
    pub aws_sts_endpoint: Option<String>,
    /// Tags for the role session.
    pub aws_session_tags: Option<Vec<SessionTag>>,
}

impl AwsParams {
    /// A provider for these parameters, completed from the variables of `world`, with a
    /// [`CachedProvider`] over it. Nothing is sent yet.
    ///
    /// # Errors
    /// [`InvalidConfiguration`](crate::ErrorKind::InvalidConfiguration) where the parameters
    /// contradict each other or cannot be used.
    pub fn provider(self, world: &World) -> Result<SharedCredentialsProvider, CredentialsError> {
        let plan = Plan::new(self, world)?;
        tracing::debug!(%plan, "AWS credentials");
        Ok(Arc::new(CachedProvider::new(world, plan.provider(world))))
    }

    /// The region these parameters and the variables of `world` lead to: see [`resolve_region`].
    ///
    /// # Errors
    /// As [`resolve_region`].
    pub async fn region(&self, world: &World) -> Result<Region, RegionError> {
        resolve_region(world, self.aws_region_name.as_deref(), self.profile_name(world).as_deref()).await
    }

    /// The profile that these parameters or `AWS_PROFILE_NAME` name, for callers that read further
    /// settings from it: [`SharedConfig::load`](crate::SharedConfig::load) takes it.
    #[must_use]
    pub fn profile_name(&self, world: &World) -> Option<String> {
        let given = self.aws_profile_name.clone().filter(|name| !name.trim().is_empty());
        given.or_else(|| world.var(AWS_PROFILE_NAME))
    }

    /// Does what the provider would do and reports which parameters decided, and what each source
    /// looked at and came to. Nothing in the report is secret. Roles are really assumed and
    /// services really asked.
    pub async fn explain(&self, world: &World) -> Explanation {
        plan::explain(self.clone(), world).await
    }
}

impl fmt::Debug for AwsParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = |given: bool| given.then_some(format_args!(".."));
        f.debug_struct("AwsParams")
            .field("aws_access_key_id", &hidden(self.aws_access_key_id.is_some()))
            .field("aws_secret_access_key", &hidden(self.aws_secret_access_key.is_some()))
            .field("aws_session_token", &hidden(self.aws_session_token.is_some()))
            .field("aws_region_name", &self.aws_region_name)
            .field("aws_session_name", &self.aws_session_name)
            .field("aws_profile_name", &self.aws_profile_name)
            .field("aws_role_name", &self.aws_role_name)
            .field("aws_web_identity_token", &hidden(self.aws_web_identity_token.is_some()))
            .field("aws_external_id", &hidden(self.aws_external_id.is_some()))
            .field("aws_sts_endpoint", &self.aws_sts_endpoint)
            .field("aws_session_tags", &self.aws_session_tags)
            .finish()
    }
}

#[cfg(test)]
mod tests;
