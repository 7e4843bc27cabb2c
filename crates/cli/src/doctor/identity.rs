//! The owner of the credentials, as AWS knows it.

use sagewire::credentials::{
    CallerIdentity, Credentials, CredentialsError, LocatedRegion, ServiceError, SharedConfig, caller_identity,
    seam::World,
};

use super::{report::Step, skipped, subject::Subject};

const NAME: &str = "identity";

pub(super) async fn ask(
    subject: &Subject,
    world: &World,
    region: Option<&LocatedRegion>,
    keys: Option<&Credentials>,
) -> (Step, Option<CallerIdentity>) {
    let Some(keys) = keys else { return (skipped(NAME, "there are no credentials to ask for"), None) };
    let aws = subject.aws();
    let endpoint = aws.aws_sts_endpoint.clone().or_else(|| world.var("AWS_STS_ENDPOINT"));
    let asked = async {
        let config = SharedConfig::load(world, aws.profile_name(world).as_deref()).await;
        caller_identity(&config, region.map(|found| &found.region), endpoint.as_deref(), keys).await
    };
    match asked.await {
        Ok(identity) => (Step::ok(NAME, format!("{}, account {}", identity.arn, identity.account)), Some(identity)),
        Err(error) => (failure(&error, world), None),
    }
}

fn failure(error: &CredentialsError, world: &World) -> Step {
    let summary = super::with_causes(error);
    let Some(refusal) = error.find_cause::<ServiceError>() else {
        let proxy =
            ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"].iter().find(|name| world.var(name).is_some());
        let way = match proxy {
            Some(variable) => format!("Allow STS in the proxy of {variable}, or exclude it with NO_PROXY"),
            None => {
                "Behind a firewall or in a VPC, set AWS_ENDPOINT_URL_STS to an interface endpoint of STS".to_owned()
            }
        };
        let fix =
            format!("STS cannot be reached; only this step needs it, so the model may answer nevertheless. {way}");
        return Step::warning(NAME, summary, fix);
    };
    let fix = match refusal.code.as_deref() {
        Some("ExpiredToken" | "ExpiredTokenException") => {
            "the session has expired: get a fresh one (for SSO: `aws sso login`)"
        }
        Some("InvalidClientTokenId" | "UnrecognizedClientException") => {
            "AWS does not know the access key: check that it is active and not deleted, that temporary keys come with their \
             AWS_SESSION_TOKEN, and that it belongs to this partition"
        }
        Some("SignatureDoesNotMatch") => {
            "the secret does not belong to the access key: copy both again, without blanks around them"
        }
        _ => "see the answer of AWS above",
    };
    Step::failed(NAME, summary, fix)
}
