//! STS calls: where they go, how they are signed, and what happens when they fail.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::{RoleParams, SessionTag, Sts, caller_identity, region_of_host};
use crate::config::SharedConfig;
use crate::error::describe;
use crate::seam::{FixedClock, HttpError, HttpErrorKind, HttpFn, MapEnv, World};
use crate::service_error::ServiceError;
use crate::{Credentials, CredentialsError, ErrorKind};

const ROLE: &str = "arn:aws:iam::123456789012:role/app";
const KEYS: &str = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA</AccessKeyId>\
    <SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2021-08-16T20:52:53Z</Expiration>\
    </Credentials></AssumeRoleResult></AssumeRoleResponse>";

/// 2021-08-16T19:52:53Z, an hour before the keys above expire.
fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_629_143_573)
}

struct Stub {
    answers: Vec<Result<http::Response<Bytes>, HttpError>>,
    seen: Arc<Mutex<Vec<http::Request<Bytes>>>>,
}

impl Stub {
    fn new(mut answers: Vec<Result<http::Response<Bytes>, HttpError>>) -> Self {
        answers.reverse();
        Self { answers, seen: Arc::default() }
    }

    /// A world that gives the answers in order and keeps the requests.
    fn world(self, env: MapEnv) -> World {
        let answers = Mutex::new(self.answers);
        let http = HttpFn::new(move |request, _| {
            self.seen.lock().unwrap().push(request);
            answers.lock().unwrap().pop().expect("no further request")
        });
        World::builder().with_env(env).with_http(http).with_clock(FixedClock(now())).build()
    }
}

fn ok(body: &'static str) -> Result<http::Response<Bytes>, HttpError> {
    Ok(http::Response::new(body.into()))
}

fn refusal(code: &str, date: &str) -> Result<http::Response<Bytes>, HttpError> {
    let body = format!(
        "<ErrorResponse><Error><Code>{code}</Code><Message>Signature expired: no</Message></Error></ErrorResponse>"
    );
    Ok(http::Response::builder().status(403).header("date", date).body(body.into()).unwrap())
}

fn env() -> MapEnv {
    MapEnv::from([("AWS_REGION", "eu-west-1")])
}

fn source() -> Credentials {
    Credentials::new("AKIDEXAMPLE", "source-secret").with_session_token("source-token")
}

async fn connect(world: &World, endpoint: Option<&str>) -> Sts {
    Sts::connect(&SharedConfig::load(world, None).await, None, endpoint).await.unwrap()
}

async fn assume(stub: Stub) -> Result<Credentials, CredentialsError> {
    connect(&stub.world(env()), None).await.assume_role(&source(), &RoleParams::new(ROLE)).await
}

#[tokio::test]
async fn assume_role_sends_all_its_parameters_signed_for_the_region() {
    let stub = Stub::new(vec![ok(KEYS)]);
    let seen = Arc::clone(&stub.seen);
    let mut role = RoleParams::new(ROLE);
    role.session_name = Some("me".to_owned());
    role.external_id = Some("ext".to_owned());
    role.duration = Some(Duration::from_secs(900));
    role.tags = vec![SessionTag::new("team", "a b")];
    let keys = connect(&stub.world(env()), None).await.assume_role(&source(), &role).await.unwrap();
    assert_eq!(keys.expiry(), Some(now() + Duration::from_secs(3600)));

    let request = seen.lock().unwrap().pop().unwrap();
    assert_eq!(request.uri(), "https://sts.eu-west-1.amazonaws.com/");
    assert_eq!(
        request.body(),
        "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fapp&RoleSessionName=me\
         &DurationSeconds=900&ExternalId=ext&Tags.member.1.Key=team&Tags.member.1.Value=a%20b"
    );
    let authorization = request.headers()["authorization"].to_str().unwrap();
    assert!(authorization.contains("AKIDEXAMPLE/20210816/eu-west-1/sts/aws4_request"), "{authorization}");
    assert_eq!(request.headers()["x-amz-security-token"], "source-token");
    assert!(!format!("{request:?}").contains("source-token"));
}

#[tokio::test]
async fn web_identity_is_not_signed() {
    let stub = Stub::new(vec![ok(KEYS)]);
    let seen = Arc::clone(&stub.seen);
    let sts = connect(&stub.world(env()), None).await;
    sts.assume_role_with_web_identity(&RoleParams::new(ROLE), "a.b.c").await.unwrap();
    let request = seen.lock().unwrap().pop().unwrap();
    assert!(!request.headers().contains_key("authorization"));
    let body = String::from_utf8(request.body().to_vec()).unwrap();
    assert!(body.ends_with("&RoleSessionName=sagewire-1629143573000&WebIdentityToken=a.b.c"), "{body}");
    assert!(!body.contains("Policy"), "no session policy takes permissions away");
}

#[tokio::test]
async fn says_who_one_is() {
    let stub = Stub::new(vec![ok(
        "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:sts::1:assumed-role/r/s</Arn><UserId>u</UserId>\
         <Account>1</Account></GetCallerIdentityResult></GetCallerIdentityResponse>",
    )]);
    let config = SharedConfig::load(&stub.world(env()), None).await;
    let identity = caller_identity(&config, None, None, &source()).await.unwrap();
    assert_eq!((identity.account.as_str(), identity.user_id.as_str()), ("1", "u"));
}

#[tokio::test]
async fn the_endpoint_names_the_region_to_sign_for() {
    for (endpoint, scope) in [
        ("https://sts.amazonaws.com", "us-east-1"),
        ("https://sts.ap-south-1.amazonaws.com", "ap-south-1"),
        ("http://127.0.0.1:4566", "eu-west-1"),
    ] {
        let stub = Stub::new(vec![ok(KEYS)]);
        let seen = Arc::clone(&stub.seen);
        let sts = connect(&stub.world(env()), Some(endpoint)).await;
        sts.assume_role(&source(), &RoleParams::new(ROLE)).await.unwrap();
        let request = seen.lock().unwrap().pop().unwrap();
        assert!(request.uri().to_string().starts_with(endpoint));
        assert!(request.headers()["authorization"].to_str().unwrap().contains(&format!("/{scope}/sts/")), "{endpoint}");
    }
}

#[test]
fn regions_are_read_from_all_of_awss_hosts() {
    for (host, region) in [
        ("sts.us-gov-west-1.amazonaws.com", Some("us-gov-west-1")),
        ("sts-fips.us-east-2.amazonaws.com", Some("us-east-2")),
        ("sts.us-east-2.api.aws", Some("us-east-2")),
        ("vpce-1-a.sts.us-east-2.vpce.amazonaws.com", Some("us-east-2")),
        ("sts.amazonaws.com", Some("us-east-1")),
        ("sts.example.com", None),
        ("localhost", None),
    ] {
        assert_eq!(region_of_host(host).as_ref().map(super::Region::as_str), region, "{host}");
    }
}

#[tokio::test(start_paused = true)]
async fn temporary_trouble_is_outlasted_and_refusals_are_not_repeated() {
    let broken = || Err(HttpError::new(HttpErrorKind::Broken, "reset"));
    let busy = || Ok(http::Response::builder().status(503).body(Bytes::new()).unwrap());
    assert!(assume(Stub::new(vec![broken(), busy(), ok(KEYS)])).await.is_ok());
    assert!(assume(Stub::new(vec![ok("no xml"), ok(KEYS)])).await.is_ok());

    let error = assume(Stub::new(vec![busy(), busy(), busy()])).await.unwrap_err();
    assert_eq!(error.find_cause::<ServiceError>().unwrap().status, 503);

    let error = assume(Stub::new(vec![refusal("AccessDenied", "")])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Provider);
    assert!(error.to_string().contains("trust policy"), "{error}");
    assert_eq!(error.find_cause::<ServiceError>().unwrap().code.as_deref(), Some("AccessDenied"));
}

#[tokio::test]
async fn a_clock_an_hour_off_is_corrected_once() {
    let date = "Mon, 16 Aug 2021 20:52:53 GMT";
    let stub = Stub::new(vec![
        refusal("SignatureDoesNotMatch", date),
        Ok(http::Response::builder().header("date", date).body(KEYS.into()).unwrap()),
    ]);
    let seen = Arc::clone(&stub.seen);
    let keys = assume(stub).await.unwrap();
    assert_eq!(keys.expiry(), Some(now()), "AWS's time of expiry, on this machine's clock");
    let requests = seen.lock().unwrap();
    assert_eq!(requests[0].headers()["x-amz-date"], "20210816T195253Z");
    assert_eq!(requests[1].headers()["x-amz-date"], "20210816T205253Z");
}

#[tokio::test]
async fn a_clock_that_stays_wrong_is_named() {
    let date = "Mon, 16 Aug 2021 18:52:53 GMT";
    let error =
        assume(Stub::new(vec![refusal("RequestExpired", date), refusal("RequestExpired", date)])).await.unwrap_err();
    assert!(error.to_string().contains("60 minutes ahead of AWS's"), "{error}");
}

#[tokio::test]
async fn nothing_is_sent_for_a_bad_role_and_no_error_holds_a_secret() {
    let sts = connect(&Stub::new(vec![]).world(env()), None).await;
    let error = sts.assume_role(&source(), &RoleParams::new("app")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);

    let body = "<ErrorResponse><Error><Code>X</Code><Message>about source-token</Message></Error></ErrorResponse>";
    let answer = Ok(http::Response::builder().status(400).body(body.into()).unwrap());
    let error = assume(Stub::new(vec![answer])).await.unwrap_err();
    let shown = format!("{error} {error:?} {error:#?} {}", describe(&error));
    assert!(!shown.contains("source-"), "{shown}");
}
