//! The credentials: the sources that were tried, and the result of each.

use sagewire::credentials::{Credentials, Explanation, Outcome, seam::World};

use super::{report::Step, subject::Subject};

const NAME: &str = "credentials";

pub(super) async fn look(subject: &Subject, world: &World) -> (Step, Option<Credentials>) {
    let aws = subject.aws();
    let explanation = aws.explain(world).await;
    let details = explanation.to_string().lines().map(str::to_owned).collect::<Vec<_>>();
    let step = match explanation.conclusion().map(|step| (&step.source, &step.outcome)) {
        Some((_, found @ Outcome::Found { expired: false, .. })) => Step::ok(NAME, found.to_string()),
        Some((_, found @ Outcome::Found { .. })) => Step::failed(
            NAME,
            found.to_string(),
            "renew them (for SSO: `aws sso login`), or correct this machine's clock",
        ),
        Some((source, failed @ Outcome::Failed { reason, .. })) => {
            Step::failed(NAME, format!("{source}: {failed}"), fix(source, reason, subject, world))
        }
        _ => Step::failed(NAME, "none are configured", nothing_found(&explanation)),
    };
    let keys = match (step.has_failed(), aws.provider(world)) {
        (false, Ok(provider)) => provider.provide_credentials().await.ok(),
        _ => None,
    };
    (step.with_looked_at(details), keys)
}

fn nothing_found(explanation: &Explanation) -> String {
    let profile = explanation.steps.iter().find(|step| step.source == "Profile").map(|step| &step.outcome);
    let note = match profile {
        Some(Outcome::PassedOver { reason }) => format!(" (the profile: {reason})"),
        _ => String::new(),
    };
    format!(
        "run `aws configure` or `aws sso login`, name a profile with AWS_PROFILE or `--profile`, or set AWS_ACCESS_KEY_ID and \
         AWS_SECRET_ACCESS_KEY{note}"
    )
}

/// What to do about a source that is configured and failed.
fn fix(source: &str, reason: &str, subject: &Subject, world: &World) -> String {
    if reason.contains("aws sso login") {
        return sso(reason, subject, world);
    }
    let half = |missing: &str, set: &str| {
        format!(
            "set {missing} as well: a key works only with its secret. Or unset {set}, so that the other sources are tried"
        )
    };
    if reason.contains("`AWS_SECRET_ACCESS_KEY` is not") {
        return half("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID");
    }
    if reason.contains("`AWS_ACCESS_KEY_ID` is not") {
        return half("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY");
    }
    if reason.contains("without `aws_secret_access_key`") {
        return half("aws_secret_access_key", "aws_access_key_id");
    }
    if reason.contains("without `aws_access_key_id`") {
        return half("aws_access_key_id", "aws_secret_access_key");
    }
    match source {
        "AssumeRole" => "check that the role exists, that its trust policy names the caller, and that the caller may call sts:AssumeRole for it".to_owned(),
        "WebIdentityToken" => "check that the token file exists and is current, and that the role's trust policy names its issuer and audience".to_owned(),
        "Container" => "check that the pod or task has a role (EKS Pod Identity, ECS task role) and that its agent is running".to_owned(),
        "InstanceMetadata" => "give the instance a role, or raise the hop limit of its metadata service to 2 if this runs in a container; \
                               AWS_EC2_METADATA_DISABLED=true disables the source".to_owned(),
        _ => "fix the cause: it ended the search, so later sources were not tried".to_owned(),
    }
}

/// The command that signs in again, as the reason gives it, and with the profile that is in use.
fn sso(reason: &str, subject: &Subject, world: &World) -> String {
    let command =
        reason.split('`').find(|part| part.starts_with("aws sso login")).unwrap_or("aws sso login").to_owned();
    let profile = subject.aws().profile_name(world).or_else(|| world.var("AWS_PROFILE"));
    let what = if reason.contains("not signed in") { "there is no SSO sign-in" } else { "the SSO sign-in has expired" };
    match profile.filter(|_| command == "aws sso login") {
        Some(profile) => format!("{what}: run `{command} --profile {profile}`"),
        None => format!("{what}: run `{command}`"),
    }
}
