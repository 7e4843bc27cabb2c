//! What AWS tells of the endpoint: its container, its model, whether it is awake, and how it is
//! called.

use std::{sync::Arc, time::Duration};

use sagewire::{
    ErrorKind,
    credentials::{
        Credentials, LocatedRegion, Region, SharedConfig, StaticCredentials, endpoint::Service, seam::World,
    },
};
use sagewire_discovery::{Account, ControlPlane, Deployment, Filter, Obstacle, read};
use serde_json::{Map, Value};

use super::{report::Step, skipped, subject::Subject};

const NAME: &str = "endpoint";

/// How long AWS is waited for.
const PATIENCE: Duration = Duration::from_secs(15);

/// Reads the description of the endpoint, if a model of an endpoint is examined where AWS can be
/// asked. It is also looked for in `other_regions`.
pub(super) async fn look(
    subject: &Subject,
    world: &World,
    region: Option<&LocatedRegion>,
    keys: Option<&Credentials>,
    other_regions: &[Region],
) -> Option<Step> {
    let prefix = subject.prefix()?;
    if !prefix.starts_with("sagemaker") || ["sagemaker_router", "sagemaker_gateway"].contains(&prefix.as_str()) {
        return None;
    }
    let name = subject.endpoint()?;
    let name = name.split('/').next().unwrap_or_default().to_owned();
    let (region, keys) = (&region?.region, keys?);
    let config = SharedConfig::load(world, subject.aws().profile_name(world).as_deref()).await;
    let explicit = subject.settings().ok().and_then(|settings| settings.base_url);
    let is_set = |service, explicit| config.configured_url(service, explicit).is_ok_and(|url| url.is_some());
    // Calls go elsewhere than to AWS: what AWS says is not about them.
    if is_set(Service::SageMakerRuntime, explicit.as_deref()) && !is_set(Service::SageMaker, None) {
        return None;
    }
    let search = async {
        let found = Search { config: &config, keys, name: &name }.in_region(region).await?;
        if !found.is_empty() {
            return Ok(step(subject, &found, region));
        }
        for other in other_regions.iter().filter(|other| *other != region) {
            if !(Search { config: &config, keys, name: &name }).in_region(other).await?.is_empty() {
                let fix = format!("set `aws_region_name: {other}` (`--region {other}`)");
                return Ok(Step::failed(NAME, format!("`{name}` is in {other}, and not in {region}"), fix));
            }
        }
        let fix = "check the name and the account; look in other regions with `--look-in REGION`";
        Ok(Step::failed(NAME, format!("there is no endpoint `{name}` in {region}"), fix))
    };
    Some(match tokio::time::timeout(PATIENCE, search).await {
        Ok(Ok(step)) => step,
        Ok(Err(error)) => not_read(&error),
        Err(_) => skipped(NAME, "AWS did not describe it in time"),
    })
}

fn not_read(error: &sagewire::Error) -> Step {
    match error.kind() {
        ErrorKind::Permission => skipped(NAME, &format!("{error} (`sagewire iam-policy --discovery` prints one)")),
        _ => skipped(NAME, &format!("it cannot be read: {error}")),
    }
}

struct Search<'a> {
    config: &'a SharedConfig,
    keys: &'a Credentials,
    name: &'a str,
}

impl Search<'_> {
    /// What can be called of the endpoint in a region.
    async fn in_region(&self, region: &Region) -> Result<Vec<Deployment>, sagewire::Error> {
        let credentials = Arc::new(StaticCredentials::new(self.keys.clone()));
        let account = Account::new(ControlPlane::new(self.config, region.clone(), None, credentials)?);
        let filter = Filter::default().with_name(self.name).with_name_contains(self.name);
        let facts = account.endpoints(&filter, &|_, _| {}).await?;
        Ok(facts.iter().flat_map(|facts| read(facts)).collect())
    }
}

fn step(subject: &Subject, found: &[Deployment], region: &Region) -> Step {
    let wanted = subject.component();
    let meant = found.iter().find(|one| one.component == wanted).or(match found {
        [only] if wanted.is_none() => Some(only),
        _ => None,
    });
    let Some(deployment) = meant else {
        let names: Vec<_> = found.iter().filter_map(|one| one.component.as_deref()).collect();
        let summary = match &wanted {
            Some(wanted) => format!("the endpoint has no inference component `{wanted}`"),
            None => "the endpoint hosts several inference components".to_owned(),
        };
        let fix = format!("set `model_id` to one of `{}`", names.join("`, `"));
        return Step::failed(NAME, summary, fix).with_details(found.iter().map(told));
    };
    let summary = told(deployment);
    let details = deployment.reasons.clone();
    match &deployment.obstacle {
        // A container of one's own may speak anything.
        Some(Obstacle::NotServed) if deployment.container.is_none() => {
            return Step::ok(NAME, summary).with_details(details);
        }
        Some(obstacle) => return Step::failed(NAME, summary, obstacle.to_string()).with_details(details),
        None => {}
    }
    let params = deployment.litellm_params(region.as_str());
    let usage = usage(&params);
    if deployment.asleep {
        let fix = format!("the first call waits until a copy has started; {usage}");
        return Step::warning(NAME, format!("{summary}; asleep"), fix).with_details(details);
    }
    if let Some(status) = &deployment.changing {
        let fix = format!("what it runs may change soon; {usage}");
        return Step::warning(NAME, format!("{summary}; its status is {status}"), fix).with_details(details);
    }
    let differs = deployment.serves.mode().is_some() && subject.differs_from(&params);
    if differs {
        return Step::warning(NAME, summary, usage).with_details(details);
    }
    Step::ok(NAME, summary).with_details([vec![usage], details].concat())
}

/// `this endpoint runs vLLM (vllm:server-2.6) with Qwen/Qwen3-8B behind the component `a``.
fn told(deployment: &Deployment) -> String {
    let mut text = format!("this endpoint runs {}", deployment.container.unwrap_or("an unknown container"));
    if let Some(image) = deployment.image.as_deref().and_then(|image| image.rsplit('/').next()) {
        text.push_str(&format!(" ({image})"));
    }
    if let Some(model) = &deployment.model_name {
        text.push_str(&format!(" with {model}"));
    }
    if let Some(component) = &deployment.component {
        text.push_str(&format!(" behind the component `{component}`"));
    }
    text.push_str(&format!("; {}; {}", deployment.serves, deployment.hosting));
    text
}

/// `use `sagemaker_chat/ep` with `model_id: a``.
fn usage(params: &Map<String, Value>) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let model = params.get("model").map(text).unwrap_or_default();
    let others =
        params.iter().filter(|(name, _)| !["model", "aws_region_name", "hf_model_name"].contains(&name.as_str()));
    let others: Vec<_> = others.map(|(name, value)| format!("`{name}: {}`", text(value))).collect();
    if others.is_empty() { format!("use `{model}`") } else { format!("use `{model}` with {}", others.join(" and ")) }
}
