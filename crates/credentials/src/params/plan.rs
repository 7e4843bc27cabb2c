//! Which of the parameters decides, and the provider that follows from it.

use std::fmt;
use std::sync::Arc;

use super::AwsParams;
use crate::chain::{ChainSource, DefaultChain};
use crate::env_vars::{
    AWS_ACCESS_KEY_ID, AWS_EXTERNAL_ID, AWS_ROLE_NAME, AWS_SECRET_ACCESS_KEY, AWS_SESSION_NAME, AWS_STS_ENDPOINT,
    AWS_WEB_IDENTITY_TOKEN,
};
use crate::explain::{Explanation, Outcome, Step};
use crate::region::Region;
use crate::seam::World;
use crate::source::{AssumeRoleCredentials, StaticCredentials, WebIdentityCredentials, WebIdentityToken};
use crate::sts::{RoleParams, SessionTag};
use crate::{Credentials, CredentialsError, ProvideCredentials, Secret};

/// What the parameters come down to.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    way: Way,
    /// Whose region and endpoint settings count, whether or not its credentials do.
    profile: Option<String>,
    region: Option<Region>,
    sts_endpoint: Option<String>,
}

#[derive(Clone, Debug)]
enum Way {
    WebIdentity { role: RoleParams, token: WebIdentityToken },
    Role { role: RoleParams, source: Source },
    Source(Source),
}

/// Where credentials come from before any role is assumed.
#[derive(Clone, Debug)]
enum Source {
    Keys(Credentials),
    /// The one that the plan names.
    Profile,
    Chain,
}

impl Plan {
    pub(super) fn new(params: AwsParams, world: &World) -> Result<Self, CredentialsError> {
        let profile = params.profile_name(world);
        let or_var = |given: Option<String>, variable| {
            given.filter(|value| !value.trim().is_empty()).or_else(|| world.var(variable))
        };
        let region =
            params.aws_region_name.as_deref().filter(|name| !name.trim().is_empty()).map(Region::new).transpose()?;
        let sts_endpoint = or_var(params.aws_sts_endpoint, AWS_STS_ENDPOINT);
        let keys = keys(params.aws_access_key_id, params.aws_secret_access_key, params.aws_session_token, world)?;
        let token_given = params.aws_web_identity_token.is_some();
        let token = params.aws_web_identity_token.or_else(|| world.var(AWS_WEB_IDENTITY_TOKEN).map(Secret::new));
        let role_given = params.aws_role_name.is_some();
        let role = or_var(params.aws_role_name, AWS_ROLE_NAME).map(|arn| RoleParams {
            session_name: or_var(params.aws_session_name, AWS_SESSION_NAME),
            external_id: or_var(params.aws_external_id, AWS_EXTERNAL_ID),
            tags: params.aws_session_tags.unwrap_or_default(),
            ..RoleParams::new(arn)
        });
        if let Some(role) = &role {
            role.check()?;
        }
        let way = match (token, role, &profile, keys) {
            (Some(token), Some(mut role), _, _) => {
                if role.external_id.take().is_some() | !std::mem::take::<Vec<SessionTag>>(&mut role.tags).is_empty() {
                    tracing::warn!(
                        "`aws_external_id` and `aws_session_tags` are not sent because AssumeRoleWithWebIdentity does not accept them"
                    );
                }
                Way::WebIdentity { role, token: WebIdentityToken::parse(token.expose())? }
            }
            (Some(_), None, _, _) if token_given => {
                return Err(CredentialsError::invalid_configuration(
                    "`aws_web_identity_token` is set without `aws_role_name`; set the role to assume with it",
                ));
            }
            (None, Some(role), profile, keys) => {
                let source = match (keys, profile) {
                    (Some(keys), _) => Source::Keys(keys),
                    (None, Some(_)) => Source::Profile,
                    (None, None) => Source::Chain,
                };
                if !role_given && !matches!(source, Source::Chain) {
                    tracing::warn!("`AWS_ROLE_NAME` is set: the role is assumed with the keys or the profile");
                }
                Way::Role { role, source }
            }
            (_, None, Some(_), keys) => {
                if keys.is_some() {
                    tracing::warn!("both a profile and keys are set: the profile takes precedence, as in LiteLLM");
                }
                Way::Source(Source::Profile)
            }
            (_, None, None, Some(keys)) => Way::Source(Source::Keys(keys)),
            (_, None, None, None) => Way::Source(Source::Chain),
        };
        Ok(Self { way, profile, region, sts_endpoint })
    }

    /// The provider, without a cache.
    pub(super) fn provider(&self, world: &World) -> Arc<dyn ProvideCredentials> {
        match &self.way {
            Way::WebIdentity { role, token } => {
                let mut identity = WebIdentityCredentials::new(world, &role.role_arn, token.clone());
                if let Some(name) = &role.session_name {
                    identity = identity.with_session_name(name);
                }
                if let Some(region) = &self.region {
                    identity = identity.with_region(region.clone());
                }
                if let Some(url) = &self.sts_endpoint {
                    identity = identity.with_sts_endpoint(url);
                }
                if let Some(profile) = &self.profile {
                    identity = identity.with_profile(profile);
                }
                Arc::new(identity)
            }
            Way::Role { role, source } => Arc::new(self.assume_role(world, role, self.source(world, source))),
            Way::Source(source) => self.source(world, source),
        }
    }

    fn assume_role(
        &self,
        world: &World,
        role: &RoleParams,
        source: Arc<dyn ProvideCredentials>,
    ) -> AssumeRoleCredentials {
        let mut assumed =
            AssumeRoleCredentials::new(world, &role.role_arn, source).with_tags(role.tags.clone()).keep_own_role();
        if let Some(name) = &role.session_name {
            assumed = assumed.with_session_name(name);
        }
        if let Some(id) = &role.external_id {
            assumed = assumed.with_external_id(id);
        }
        if let Some(region) = &self.region {
            assumed = assumed.with_region(region.clone());
        }
        if let Some(url) = &self.sts_endpoint {
            assumed = assumed.with_sts_endpoint(url);
        }
        match &self.profile {
            Some(profile) => assumed.with_profile(profile),
            None => assumed,
        }
    }

    fn source(&self, world: &World, source: &Source) -> Arc<dyn ProvideCredentials> {
        match source {
            Source::Keys(keys) => Arc::new(StaticCredentials::new(keys.clone())),
            Source::Profile | Source::Chain => Arc::new(self.chain(world)),
        }
    }

    /// The default chain; for a named profile without the variables, which would come before it.
    fn chain(&self, world: &World) -> DefaultChain {
        let mut chain = DefaultChain::new(world);
        if let Some(name) = &self.profile {
            chain = chain.with_profile(name).without(ChainSource::Environment);
        }
        if let Some(region) = &self.region {
            chain = chain.with_region(region.clone());
        }
        if let Some(url) = &self.sts_endpoint {
            chain = chain.with_sts_endpoint(url);
        }
        chain
    }
}

/// The keys, if any part of them is given as a parameter. Keys that stand in variables alone are
/// the chain's.
fn keys(
    key_id: Option<String>,
    secret: Option<Secret>,
    token: Option<Secret>,
    world: &World,
) -> Result<Option<Credentials>, CredentialsError> {
    if key_id.is_none() && secret.is_none() && token.is_none() {
        return Ok(None);
    }
    let key_id = key_id.or_else(|| world.var(AWS_ACCESS_KEY_ID));
    let secret = secret.or_else(|| world.var(AWS_SECRET_ACCESS_KEY).map(Secret::new));
    let missing = |given: &str, missing: &str| {
        CredentialsError::invalid_configuration(format!("`{given}` is set without `{missing}`; set both or neither"))
    };
    let credentials = match (key_id, secret) {
        (Some(key_id), Some(secret)) => Credentials::new(key_id.trim(), secret.expose().trim()),
        (Some(_), None) => return Err(missing("aws_access_key_id", "aws_secret_access_key")),
        (None, Some(_)) => return Err(missing("aws_secret_access_key", "aws_access_key_id")),
        (None, None) => return Err(missing("aws_session_token", "aws_access_key_id and aws_secret_access_key")),
    };
    if credentials.access_key_id().is_empty() || credentials.secret_access_key().is_empty() {
        return Err(CredentialsError::invalid_configuration(
            "`aws_access_key_id` or `aws_secret_access_key` is empty; set both or neither",
        ));
    }
    let credentials = credentials.with_source("Parameters");
    Ok(Some(match token.filter(|token| !token.expose().trim().is_empty()) {
        Some(token) => credentials.with_session_token(token.expose().trim()),
        None => credentials,
    }))
}

/// See [`AwsParams::explain`].
pub(super) async fn explain(params: AwsParams, world: &World) -> Explanation {
    let (observed, journal) = world.observed();
    let plan = Plan::new(params, &observed);
    let step = |source: &'static str, looked_at, outcome| Step { source: source.into(), looked_at, outcome };
    let plan = match plan {
        Ok(plan) => plan,
        Err(error) => {
            return Explanation {
                steps: vec![step("Parameters", journal.take(), Outcome::of(Err(error), world.now()))],
            };
        }
    };
    let mut steps = vec![step("Parameters", journal.take(), Outcome::Decided { what: plan.to_string() })];
    let source = match &plan.way {
        Way::Role { source, .. } | Way::Source(source) => Some(source),
        Way::WebIdentity { .. } => None,
    };
    match source {
        Some(Source::Profile | Source::Chain) => steps.extend(plan.chain(world).explain().await.steps),
        Some(Source::Keys(_)) | None => {}
    }
    // A role assumed with a chain's credentials asks the chain again here: an explanation may take its
    // time.
    let last = match &plan.way {
        Way::WebIdentity { .. } => Some("WebIdentityToken"),
        Way::Role { .. } => Some("AssumeRole"),
        Way::Source(Source::Keys(_)) => Some("Static"),
        Way::Source(_) => None,
    };
    if let Some(name) = last {
        let outcome = Outcome::of(plan.provider(&observed).provide_credentials().await, world.now());
        steps.push(step(name, journal.take(), outcome));
    }
    Explanation { steps }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |source: &Source| match source {
            Source::Keys(_) => "the keys given".to_owned(),
            Source::Profile => format!("profile `{}`", self.profile.as_deref().unwrap_or_default()),
            Source::Chain => "the default chain".to_owned(),
        };
        match &self.way {
            Way::WebIdentity { role, .. } => write!(f, "web identity token for {}", role.role_arn),
            Way::Role { role, source } => write!(f, "{}, assumed with {}", role.role_arn, of(source)),
            Way::Source(source) => f.write_str(&of(source)),
        }
    }
}
