//! `sagewire token`: a bearer token for the OpenAI-compatible route of SageMaker endpoints.

use std::{io::Write as _, time::Duration};

use clap::Args;
use sagewire::credentials::{AwsParams, BearerToken, SharedConfig, endpoint::Service, resolve_region, seam::World};

use crate::{Failure, terminal};

/// The endpoint in the base URL if none is named.
const ANY_ENDPOINT: &str = "<endpoint>";

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  export OPENAI_API_KEY=\"$(sagewire token)\"
  export OPENAI_BASE_URL=https://runtime.sagemaker.us-east-1.amazonaws.com/endpoints/my-endpoint/openai/v1
  sagewire token --region eu-west-1 --ttl 3600 --endpoint my-endpoint

The token is printed on standard output, and nothing else is; the base URL and the end of the token are printed on standard error.
Whoever has the token can call every endpoint of the region that the credentials may call: treat it as a secret. It needs the permissions
`sagemaker:CallWithBearerToken` and `sagemaker:InvokeEndpoint`.

Exit codes: 0 the token was printed, 1 there are no credentials, 2 the arguments are invalid.")]
pub(crate) struct TokenArguments {
    /// How long the token lasts, at most 43200; it ends with the credentials at the latest
    #[arg(long, value_name = "SECONDS", default_value_t = BearerToken::LONGEST.as_secs(),
        value_parser = clap::value_parser!(u64).range(1..=43_200))]
    ttl: u64,
    /// The region that accepts it [default: from the environment, the profile or the machine]
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// A profile from ~/.aws/config
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// The endpoint in the base URL that is shown
    #[arg(long, value_name = "NAME", value_parser = resource)]
    endpoint: Option<String>,
    /// The inference component in the base URL that is shown
    #[arg(long, value_name = "NAME", requires = "endpoint", value_parser = resource)]
    inference_component: Option<String>,
}

/// A name as AWS gives them to endpoints and components.
fn resource(text: &str) -> Result<String, String> {
    let is_name =
        (1..=63).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_name { Ok(text.to_owned()) } else { Err("expected 1 to 63 letters, digits or hyphens".to_owned()) }
}

pub(crate) async fn run(arguments: TokenArguments) -> Result<(), Failure> {
    let world = World::system();
    let aws = AwsParams { aws_profile_name: arguments.profile.clone(), ..AwsParams::default() };
    let profile = aws.profile_name(&world);
    let region = resolve_region(&world, arguments.region.as_deref(), profile.as_deref()).await;
    let region = region.map_err(Failure::usage)?;
    let provider = aws.provider(&world).map_err(Failure::usage)?;
    let credentials = provider.provide_credentials().await.map_err(|error| {
        Failure::work(error).with_hint("run `sagewire doctor`: it shows where credentials were looked for")
    })?;
    let lifetime = Duration::from_secs(arguments.ttl);
    let token = BearerToken::mint(&credentials, &region, lifetime, world.now()).map_err(Failure::work)?;
    let config = SharedConfig::load(&world, profile.as_deref()).await;
    let url = config.service_url(Service::SageMakerRuntime, Some(&region), None).map_err(Failure::usage)?;
    let url = base_url(&url, arguments.endpoint.as_deref(), arguments.inference_component.as_deref());
    terminal::note(None, format_args!("base URL: {url}"));
    let left = token.expiry.duration_since(world.now()).unwrap_or_default().as_secs();
    terminal::note(None, format_args!("valid in {region} for {left} seconds; use the model name \"\""));
    writeln!(std::io::stdout(), "{}", token.token.expose()).map_err(Failure::output)
}

/// What an OpenAI client is given as its base URL.
fn base_url(host: &str, endpoint: Option<&str>, component: Option<&str>) -> String {
    let component = component.map_or_else(String::new, |name| format!("/inference-components/{name}"));
    let host = host.trim_end_matches('/');
    format!("{host}/endpoints/{}{component}/openai/v1", endpoint.unwrap_or(ANY_ENDPOINT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_url_names_endpoint_and_component() {
        let url =
            |endpoint, component| base_url("https://runtime.sagemaker.us-east-1.amazonaws.com/", endpoint, component);
        let host = "https://runtime.sagemaker.us-east-1.amazonaws.com/endpoints";
        assert_eq!(url(Some("e"), None), format!("{host}/e/openai/v1"));
        assert_eq!(url(Some("e"), Some("c")), format!("{host}/e/inference-components/c/openai/v1"));
        assert_eq!(url(None, None), format!("{host}/<endpoint>/openai/v1"));
    }
}
