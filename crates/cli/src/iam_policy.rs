//! `sagewire iam-policy`: the IAM policy that a configuration needs, for its calls and for finding
//! endpoints.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
    path::PathBuf,
};

use clap::Args;
use sagewire::credentials::{endpoint::Partition, resolve_region, seam::World};
use sagewire_proxy::{Config, config::DeploymentConfig};
use serde_json::{Value, json};

use crate::{Failure, terminal};

/// What `sagewire init` and `discover` call. Lists and descriptions have no resource to narrow them
/// to while it is not known which endpoints there are.
const DISCOVERY: &[&str] = &[
    "sagemaker:ListEndpoints",
    "sagemaker:ListInferenceComponents",
    "sagemaker:DescribeEndpoint",
    "sagemaker:DescribeEndpointConfig",
    "sagemaker:DescribeInferenceComponent",
    "sagemaker:DescribeModel",
    "sagemaker:DescribeModelPackage",
];

const INVOKE: &[&str] = &["sagemaker:InvokeEndpoint", "sagemaker:InvokeEndpointWithResponseStream"];
/// `INVOKE` without streams.
const INVOKE_WHOLE: &[&str] = &["sagemaker:InvokeEndpoint"];
const INVOKE_ASYNC: &[&str] = &["sagemaker:InvokeEndpointAsync"];
/// What may be found: endpoints of every kind.
const INVOKE_FOUND: &[&str] =
    &["sagemaker:InvokeEndpoint", "sagemaker:InvokeEndpointWithResponseStream", "sagemaker:InvokeEndpointAsync"];
/// S3 says that an answer is not there yet only to those who may list its bucket.
const FETCH: &[&str] = &["s3:GetObject", "s3:ListBucket"];
const PUT: &[&str] = &["s3:PutObject"];
const BEARER: &[&str] = &["sagemaker:CallWithBearerToken"];
const ROUTER: &[&str] = &["sagemaker:InvokeInferenceRouter"];
const ROUTER_ASYNC: &[&str] = &["sagemaker:InvokeInferenceRouterAsync"];
const GATEWAY: &[&str] =
    &["sagemaker:InvokeGlobalInferenceGateway", "sagemaker:InvokeGlobalInferenceGatewayWithResponseStream"];

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sagewire iam-policy --config config.yaml
  sagewire iam-policy --config config.yaml --account 123456789012 > policy.json

Prints a policy with exact ARNs where the file has names, for the user or role whose credentials the proxy uses. Nothing is sent.
Deployments with `aws_role_name` are called with that role: it needs the calls, and the proxy's own credentials `sts:AssumeRole`.

Exit codes: 0 the policy was printed, 2 the arguments or the configuration are invalid.")]
pub(crate) struct IamPolicyArguments {
    /// LiteLLM's configuration file
    #[arg(long, short, value_name = "FILE")]
    config: PathBuf,
    /// The account in the ARNs [default: any]
    #[arg(long, value_name = "ID", value_parser = account)]
    account: Option<String>,
    /// Includes what `sagewire init` and `doctor` read, if the file does not find endpoints itself
    #[arg(long)]
    discovery: bool,
}

fn account(text: &str) -> Result<String, String> {
    let is_account = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_account { Ok(text.to_owned()) } else { Err("expected 12 digits".to_owned()) }
}

pub(crate) async fn run(arguments: &IamPolicyArguments) -> Result<(), Failure> {
    let world = World::system();
    let (config, _) = Config::from_file(&arguments.config, &|name| world.var(name)).map_err(Failure::usage)?;
    let region = resolve_region(&world, None, None).await.ok().map(|region| region.as_str().to_owned());
    let policy = Policy { account: arguments.account.as_deref().unwrap_or("*"), default_region: region.as_deref() };
    for note in notes(&config) {
        terminal::note(None, format_args!("{note}"));
    }
    let document = policy.document(&config, arguments.discovery);
    writeln!(std::io::stdout(), "{document:#}").map_err(Failure::output)
}

/// What stands in every ARN.
struct Policy<'a> {
    account: &'a str,
    default_region: Option<&'a str>,
}

/// Resources by what may be done with them.
type Grants = BTreeMap<(&'static str, &'static [&'static str]), BTreeSet<String>>;

impl Policy<'_> {
    fn document(&self, config: &Config, discovery: bool) -> Value {
        let mut grants = Grants::new();
        for deployment in &config.deployments {
            self.grant(deployment, &mut grants);
        }
        let discover = config.sagewire_settings.discover.as_ref();
        if discover.is_some() {
            // Which endpoints there will be is not known, nor their components.
            let regions = discover.map(|discover| discover.regions.clone()).unwrap_or_default();
            let regions = if regions.is_empty() { vec![self.region(None)] } else { regions };
            let part = discover.and_then(|discover| discover.name_contains.as_deref()).unwrap_or_default();
            let name = if part.is_empty() { "*".to_owned() } else { format!("*{}*", part.to_ascii_lowercase()) };
            for region in regions {
                let resources = [("endpoint", name.as_str()), ("inference-component", "*")];
                let arns = resources.map(|(kind, name)| self.arn(&region, kind, name));
                grants.entry(("InvokeFoundEndpoints", INVOKE_FOUND)).or_default().extend(arns);
            }
        }
        let mut statements: Vec<Value> =
            grants.into_iter().map(|((sid, actions), resources)| statement(sid, actions, json!(resources))).collect();
        if discovery || discover.is_some() {
            let mut actions = DISCOVERY.to_vec();
            if discover.is_some_and(|discover| discover.tag.is_some()) {
                actions.push("sagemaker:ListTags");
            }
            statements.push(statement("FindEndpoints", &actions, json!("*")));
        }
        json!({ "Version": "2012-10-17", "Statement": statements })
    }

    fn grant(&self, deployment: &DeploymentConfig, grants: &mut Grants) {
        let text = |name: &str| deployment.parameters.get(name).and_then(Value::as_str);
        let region = self.region(text("aws_region_name"));
        let mut grant = |sid: &'static str, actions: &'static [&'static str], arn: String| {
            grants.entry((sid, actions)).or_default().insert(arn);
        };
        if let Some(role) = text("aws_role_name") {
            grant("AssumeRoles", &["sts:AssumeRole"], role.to_owned());
        }
        let Some((prefix, name)) = deployment.model.split_once('/') else { return };
        let partition = Partition::of_region(&region).id();
        let is_asynchronous = is_asynchronous(deployment);
        if is_asynchronous {
            // Where answers go is the endpoint's own configuration.
            grant("FetchAnswers", FETCH, format!("arn:{partition}:s3:::*"));
            if let Some(inputs) = text("async_input_location").and_then(|location| location.strip_prefix("s3://")) {
                grant("PutInputs", PUT, format!("arn:{partition}:s3:::{}/*", inputs.trim_end_matches('/')));
            }
        }
        let (first, second) = name.split_once('/').map_or((name, None), |(first, second)| (first, Some(second)));
        match prefix {
            "sagemaker_router" => {
                let (routers, destinations) = match is_asynchronous {
                    true => {
                        (("InvokeAsynchronousRouters", ROUTER_ASYNC), ("InvokeAsynchronousDestinations", INVOKE_ASYNC))
                    }
                    false => (("InvokeRouters", ROUTER), ("InvokeDestinations", INVOKE_WHOLE)),
                };
                grant(routers.0, routers.1, self.arn(&region, "inference-router", first));
                // The caller needs a permission for every destination, in whatever region and account.
                for kind in ["endpoint", "inference-component"] {
                    grant(destinations.0, destinations.1, format!("arn:{partition}:sagemaker:*:*:{kind}/*"));
                }
                return;
            }
            "sagemaker_gateway" => {
                grant("InvokeGateways", GATEWAY, self.arn(&region, "global-inference-gateway", first));
                return;
            }
            "sagemaker_openai" => grant("CallWithBearerToken", BEARER, "*".to_owned()),
            _ => {}
        }
        let endpoint = if prefix == "sagemaker_openai" { first } else { name.strip_prefix("openai/").unwrap_or(name) };
        let (sid, actions) = match is_asynchronous {
            true => ("InvokeAsynchronousEndpoints", INVOKE_ASYNC),
            false => ("InvokeEndpoints", INVOKE),
        };
        grant(sid, actions, self.arn(&region, "endpoint", &endpoint.to_ascii_lowercase()));
        let component = text("model_id").or(second.filter(|_| prefix == "sagemaker_openai"));
        if let Some(component) = component {
            grant(sid, actions, self.arn(&region, "inference-component", &component.to_ascii_lowercase()));
        }
    }

    fn region(&self, own: Option<&str>) -> String {
        own.or(self.default_region).unwrap_or("*").to_owned()
    }

    fn arn(&self, region: &str, kind: &str, name: &str) -> String {
        let partition = Partition::of_region(region).id();
        format!("arn:{partition}:sagemaker:{region}:{}:{kind}/{name}", self.account)
    }
}

fn is_asynchronous(deployment: &DeploymentConfig) -> bool {
    let is_on = |value: &Value| {
        value.as_bool() == Some(true) || value.as_str().is_some_and(|text| text.eq_ignore_ascii_case("true"))
    };
    deployment.parameters.get("async_inference").is_some_and(is_on)
}

/// What the policy cannot say.
fn notes(config: &Config) -> Vec<&'static str> {
    let any = |is: &dyn Fn(&DeploymentConfig) -> bool| config.deployments.iter().any(is);
    let mut notes = Vec::new();
    if any(&|deployment| deployment.parameters.get("aws_role_name").is_some()) {
        notes.push("deployments with `aws_role_name` are called with that role: attach their part of the policy to it");
    }
    if any(&|deployment| deployment.model.starts_with("sagemaker_router/")) {
        notes
            .push("`InvokeDestinations` allows every endpoint: narrow it to the destinations of the inference routers");
    }
    if any(&is_asynchronous) {
        notes.push(
            "`FetchAnswers` allows every bucket: narrow it to where the asynchronous endpoints leave their answers",
        );
    }
    if config.sagewire_settings.discover.is_some() {
        notes.push("asynchronous endpoints that are found need `s3:GetObject` and `s3:ListBucket` where they leave their answers");
    }
    notes
}

fn statement(sid: &str, actions: &[&str], resources: Value) -> Value {
    json!({ "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(yaml: &str, account: &str) -> Value {
        let config = Config::from_yaml(yaml, &|_| None).unwrap().0;
        Policy { account, default_region: Some("us-east-1") }.document(&config, false)
    }

    fn resources<'a>(policy: &'a Value, sid: &str) -> Vec<&'a str> {
        let statements = policy["Statement"].as_array().unwrap();
        let found = statements.iter().find(|statement| statement["Sid"] == sid);
        let found = found.unwrap_or_else(|| panic!("no {sid} in {policy:#}"));
        found["Resource"].as_array().unwrap().iter().map(|arn| arn.as_str().unwrap()).collect()
    }

    #[test]
    fn each_door_has_its_actions_and_names_become_arns() {
        let yaml = "
model_list:
  - {model_name: a, litellm_params: {model: sagemaker_chat/My-Endpoint, aws_region_name: eu-west-1, model_id: comp}}
  - {model_name: b, litellm_params: {model: sagemaker/openai/emb}, model_info: {mode: embedding}}
  - {model_name: c, litellm_params: {model: sagemaker_openai/e/part, aws_region_name: cn-north-1}}
  - {model_name: d, litellm_params: {model: sagemaker_router/r/t}}
  - {model_name: e, litellm_params: {model: sagemaker_gateway/g1/Qwen/Qwen3-8B}}
  - {model_name: f, litellm_params: {model: sagemaker_chat/x, aws_role_name: 'arn:aws:iam::1:role/r'}}
  - {model_name: 'w/*', litellm_params: {model: 'sagemaker/*'}}
  - {model_name: g, litellm_params: {model: sagemaker_chat/queue, async_inference: true, async_input_location: 's3://mine/inputs/'}}
  - {model_name: h, litellm_params: {model: sagemaker_router/later/t, async_inference: true}}
";
        let policy = policy(yaml, "123456789012");
        assert_eq!(
            resources(&policy, "InvokeAsynchronousEndpoints"),
            ["arn:aws:sagemaker:us-east-1:123456789012:endpoint/queue"]
        );
        assert_eq!(resources(&policy, "PutInputs"), ["arn:aws:s3:::mine/inputs/*"]);
        assert_eq!(resources(&policy, "FetchAnswers"), ["arn:aws:s3:::*"]);
        assert_eq!(
            resources(&policy, "InvokeAsynchronousRouters"),
            ["arn:aws:sagemaker:us-east-1:123456789012:inference-router/later"]
        );
        let sids: Vec<_> = policy["Statement"].as_array().unwrap().iter().map(|one| one["Sid"].as_str()).collect();
        assert!(
            sids.iter().all(|sid| sids.iter().filter(|other| other == &sid).count() == 1),
            "AWS wants them unique: {sids:?}"
        );
        let expected: Vec<String> = [
            "arn:aws-cn:sagemaker:cn-north-1:123456789012:endpoint/e",
            "arn:aws-cn:sagemaker:cn-north-1:123456789012:inference-component/part",
            "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/my-endpoint",
            "arn:aws:sagemaker:eu-west-1:123456789012:inference-component/comp",
            "arn:aws:sagemaker:us-east-1:123456789012:endpoint/*",
            "arn:aws:sagemaker:us-east-1:123456789012:endpoint/emb",
            "arn:aws:sagemaker:us-east-1:123456789012:endpoint/x",
        ]
        .map(str::to_owned)
        .into();
        assert_eq!(resources(&policy, "InvokeEndpoints"), expected);
        assert_eq!(resources(&policy, "CallWithBearerToken"), ["*"]);
        assert_eq!(
            resources(&policy, "InvokeRouters"),
            ["arn:aws:sagemaker:us-east-1:123456789012:inference-router/r"]
        );
        assert_eq!(
            resources(&policy, "InvokeGateways"),
            ["arn:aws:sagemaker:us-east-1:123456789012:global-inference-gateway/g1"]
        );
        assert_eq!(resources(&policy, "AssumeRoles"), ["arn:aws:iam::1:role/r"]);
        assert!(!policy.to_string().contains("ListEndpoints"), "{policy}");
    }

    #[test]
    fn finding_endpoints_needs_lists_and_descriptions() {
        let yaml = "sagewire_settings: {discover: {name_contains: Prod, tag: team, regions: [eu-west-1]}}";
        let policy = policy(yaml, "*");
        assert_eq!(
            resources(&policy, "InvokeFoundEndpoints"),
            ["arn:aws:sagemaker:eu-west-1:*:endpoint/*prod*", "arn:aws:sagemaker:eu-west-1:*:inference-component/*"]
        );
        let actions = policy["Statement"][1]["Action"].to_string();
        assert!(actions.contains("sagemaker:ListEndpoints") && actions.contains("sagemaker:ListTags"), "{policy}");
        assert!(account("123").is_err() && account("123456789012").is_ok());
    }
}
