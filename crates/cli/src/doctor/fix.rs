//! What to do about a failed call, from everything that is known by then.

use sagewire::{
    Error, ErrorKind,
    credentials::{CallerIdentity, Credentials, LocatedRegion, seam::World},
};

use super::{
    proxy, region,
    subject::Subject,
    url::{Target, stray_path_fix},
};

/// What the steps before the call have found.
#[derive(Debug)]
pub(super) struct Case<'a> {
    pub(super) subject: &'a Subject,
    pub(super) region: Option<LocatedRegion>,
    pub(super) keys: Option<Credentials>,
    pub(super) identity: Option<CallerIdentity>,
    pub(super) target: Option<Target>,
    pub(super) world: &'a World,
}

/// What to do about a call that failed; `is_page` where a web page came in place of an answer.
pub(super) async fn fix(error: &Error, case: &Case<'_>, is_page: bool) -> String {
    let said = error.upstream().and_then(|upstream| upstream.message.as_deref()).unwrap_or_default();
    let from_container = error.upstream().is_some_and(|upstream| upstream.code.as_deref() == Some("ModelError"));
    // A wrong path and a proxy answer in many ways; both are known from the settings.
    if let Some(target) = case.target.as_ref().filter(|target| target.stray_path().is_some() && !from_container) {
        return format!("the base URL has a path: {}", stray_path_fix(target));
    }
    if is_page || is_something_on_the_way(error) {
        return on_the_way(case);
    }
    match error.kind() {
        ErrorKind::InvalidRequest if said.contains("Inference Component Name header is required") => component(case),
        ErrorKind::NotFound if said.to_ascii_lowercase().contains("inference component") => component(case),
        ErrorKind::NotFound if !from_container => not_found(case).await,
        ErrorKind::Permission => permission(case),
        ErrorKind::ModelNotReady => "the endpoint is asleep (scaled to zero) or still loading: this call has woken it. Ask again in some minutes, or let \
             every call wait with `wait_for_capacity: 600` (`-p wait_for_capacity=600`), or keep a minimum capacity of one"
            .to_owned(),
        ErrorKind::Authentication => "get fresh credentials (for SSO: `aws sso login`), and see in the steps above which source gave these".to_owned(),
        ErrorKind::Connection | ErrorKind::Timeout if error.status().is_none() => unreachable(case),
        ErrorKind::Throttled | ErrorKind::Overloaded => "too much is asked at once: ask again, more slowly, or add instances".to_owned(),
        ErrorKind::InvalidRequest | ErrorKind::ModelFailed | ErrorKind::Decode | ErrorKind::Timeout if from_container => {
            let endpoint = case.subject.endpoint().unwrap_or_default();
            format!("the container answers in no dialect that sagewire knows: see its log, CloudWatch's `/aws/sagemaker/Endpoints/{endpoint}`")
        }
        ErrorKind::ServiceFailed => "AWS itself failed: ask again".to_owned(),
        _ => "fix what the message names".to_owned(),
    }
}

/// Whether a proxy answered in AWS's place: it wants a login, or sends elsewhere.
fn is_something_on_the_way(error: &Error) -> bool {
    error.upstream().is_some_and(|upstream| upstream.code.is_none() && matches!(upstream.status, Some(407 | 300..=399)))
}

fn host(case: &Case<'_>) -> String {
    case.target.as_ref().map(Target::host).unwrap_or_default()
}

/// The host as NO_PROXY takes it: without a port, with which it would except nothing.
fn host_name(case: &Case<'_>) -> String {
    case.target.as_ref().and_then(|target| target.url.host_str()).unwrap_or_default().to_owned()
}

fn on_the_way(case: &Case<'_>) -> String {
    let host = host(case);
    match case.target.as_ref().and_then(|target| proxy::of(&case.subject.system, target)) {
        Some(proxy) => format!(
            "a proxy is in the way: {} sends the call to {}. Log in to it, have it let `{host}` pass, or add `{}` to NO_PROXY",
            proxy.variable,
            proxy.url,
            host_name(case)
        ),
        None => format!(
            "something else than AWS answers at `{host}`, most likely a proxy or a login page of the network: set HTTPS_PROXY to the proxy that you \
             are to use, or NO_PROXY, and see that the base URL is SageMaker's"
        ),
    }
}

fn unreachable(case: &Case<'_>) -> String {
    let host = host(case);
    let region = case.region.as_ref().map(|found| found.region.as_str()).unwrap_or_default();
    match case.target.as_ref().and_then(|target| proxy::of(&case.subject.system, target)) {
        Some(proxy) => format!(
            "a proxy is in the way: {} sends the call to {}, from where nothing comes. See that it runs, or add `{}` to NO_PROXY",
            proxy.variable,
            proxy.url,
            host_name(case)
        ),
        None => match case.target.as_ref().and_then(|target| target.setting.as_deref()) {
            Some(setting) => format!(
                "nothing answers at `{host}`, which {setting} names: see that it runs, and that host and port are right"
            ),
            None => format!(
                "nothing answers at `{host}`: see that `{region}` is spelled as AWS spells it and has SageMaker, that the network lets HTTPS out, and, in a VPC, \
                 that there is an interface endpoint for `sagemaker.runtime` whose security group lets you in"
            ),
        },
    }
}

async fn not_found(case: &Case<'_>) -> String {
    let endpoint = case.subject.endpoint().unwrap_or_default();
    let account =
        case.identity.as_ref().map(|identity| format!(" of account {}", identity.account)).unwrap_or_default();
    let Some(found) = &case.region else { return "see the endpoint's name and the region".to_owned() };
    let mut text = format!(
        "wrong region or name: there is no endpoint `{endpoint}` in {}{account}. The region comes from {}; `--region` or AWS_REGION sets another, and \
         `aws sagemaker list-endpoints --region {}` lists what is there",
        found.region, found.source, found.region
    );
    for (source, region) in region::others(found, case.subject, case.world).await {
        text.push_str(&format!(". {source} says {region}: is it there?"));
    }
    text
}

fn component(case: &Case<'_>) -> String {
    let endpoint = case.subject.endpoint().unwrap_or_default();
    let region = case.region.as_ref().map(|found| found.region.as_str()).unwrap_or_default();
    format!(
        "the endpoint hosts several models: name the inference component with `--inference-component <name>` (`model_id: <name>` in config.yaml); \
         `aws sagemaker list-inference-components --endpoint-name-equals {endpoint} --region {region}` lists them"
    )
}

fn permission(case: &Case<'_>) -> String {
    let endpoint = case.subject.endpoint().unwrap_or_default();
    let region = case.region.as_ref().map(|found| found.region.as_str()).unwrap_or_default();
    let (who, partition, account) = match &case.identity {
        Some(identity) => {
            let partition = identity.arn.split(':').nth(1).unwrap_or("aws");
            (format!("`{}`", identity.arn), partition.to_owned(), identity.account.clone())
        }
        None => ("the caller".to_owned(), "aws".to_owned(), "*".to_owned()),
    };
    // IAM compares an endpoint's name in lower case.
    let endpoint = endpoint.to_ascii_lowercase();
    format!(
        "allow {who} the action `sagemaker:InvokeEndpoint`: \
         {{\"Effect\":\"Allow\",\"Action\":\"sagemaker:InvokeEndpoint\",\"Resource\":\"arn:{partition}:sagemaker:{region}:{account}:endpoint/{endpoint}\"}}, \
         and see that no other policy, boundary or VPC endpoint denies it"
    )
}
