//! The identity services over HTTP, and what SageMaker Runtime makes of the credentials they issue.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use http::Method;
use sagewire_emulator::{
    AwsError, ContainerCredentials, Emulator, EmulatorBuilder, InstanceMetadata, Operation, Role, Scripted, Sso,
};
use serde_json::{Value, json};

use crate::client::{Answer, Client, noon};

const ROLE: &str = "arn:aws:iam::123456789012:role/team/app";

/// A clock that a test moves.
#[derive(Clone, Default)]
struct Hands(Arc<AtomicU64>);

impl Hands {
    fn advance(&self, time: Duration) {
        self.0.fetch_add(time.as_secs(), Ordering::SeqCst);
    }

    fn now(&self) -> SystemTime {
        noon() + Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

async fn start(builder: EmulatorBuilder) -> (Emulator, Client, Hands) {
    let hands = Hands::default();
    let read = hands.clone();
    let emulator = builder.clock(Arc::new(move || read.now())).start().await.unwrap();
    let client = Client::new(&emulator);
    (emulator, client, hands)
}

/// Does SageMaker Runtime accept these credentials, signed at this time?
async fn accepted(client: &Client, hands: &Hands) -> Result<(), String> {
    let client = Client { time: hands.now(), ..client.clone() };
    let answer = client.invoke("tgi", r#"{"inputs": "Hi"}"#).await;
    if answer.status == 200 { Ok(()) } else { Err(answer.error_type().to_owned()) }
}

fn from_xml(client: &Client, answer: &Answer) -> Client {
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/xml")), "{}", answer.text());
    client.with(answer.element("AccessKeyId"), answer.element("SecretAccessKey"), answer.element("SessionToken"))
}

fn from_json(client: &Client, body: &Value) -> Client {
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    client.with(&text("AccessKeyId"), &text("SecretAccessKey"), &text("Token"))
}

#[tokio::test]
async fn a_role_is_assumed_used_and_expires() {
    let (emulator, client, hands) = start(Emulator::builder()).await;
    let form = format!(
        "Action=AssumeRole&RoleArn={ROLE}&RoleSessionName=me&DurationSeconds=900&Tags.member.1.Key=team&Tags.member.1.Value=a%2Bb&SourceIdentity=alice"
    );
    let answer = client.sts(&form).await;
    assert!(
        answer
            .text()
            .starts_with("<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>")
    );
    assert_eq!(answer.element("Arn"), "arn:aws:sts::123456789012:assumed-role/app/me");
    assert_eq!(answer.element("Expiration"), "2015-08-30T12:15:00Z");
    assert_eq!(answer.element("SourceIdentity"), "alice");
    assert_eq!(Some(answer.element("RequestId")), answer.header("x-amzn-requestid"));
    let session = from_xml(&client, &answer);
    assert_eq!(accepted(&session, &hands).await, Ok(()));
    let who = session.sts("Action=GetCallerIdentity").await;
    assert_eq!((who.element("Arn"), who.element("Account")), (answer.element("Arn"), "123456789012"));
    assert_eq!(who.element("UserId"), answer.element("AssumedRoleId"));
    let issued = emulator.sessions().remove(0);
    assert_eq!((issued.operation, issued.arn.as_str()), (Operation::AssumeRole, answer.element("Arn")));
    assert_eq!(issued.tags, [("team".to_owned(), "a+b".to_owned())]);
    assert_eq!(issued.access_key_id, answer.element("AccessKeyId"));

    // A role assumed with a role's session lasts an hour at most.
    let chained = format!("Action=AssumeRole&RoleArn={ROLE}2&RoleSessionName=me&DurationSeconds=3601");
    let refused = session.sts(&chained).await;
    assert_eq!((refused.status, refused.element("Code")), (400, "ValidationError"));
    assert!(refused.element("Message").contains("role chaining"));
    assert_eq!(client.sts(&chained).await.status, 200);

    hands.advance(Duration::from_secs(900));
    assert_eq!(accepted(&session, &hands).await, Err("ExpiredTokenException".to_owned()));
    let who = Client { time: hands.now(), ..session }.sts("Action=GetCallerIdentity").await;
    assert_eq!((who.status, who.element("Code")), (403, "ExpiredToken"));
    assert_eq!(emulator.calls(Operation::AssumeRole), 3);
}

#[tokio::test]
async fn roles_say_who_may_assume_them() {
    let builder = Emulator::builder()
        .role(Role::new(ROLE).external_id("team-1"))
        .role(Role::new("arn:aws:iam::123456789012:role/denied").denied())
        .role(Role::new("arn:aws:iam::123456789012:role/short").max_session(Duration::from_secs(1_800)))
        .role(Role::new("arn:aws:iam::123456789012:role/pod").web_identity_token("the-token"));
    let (_emulator, client, _) = start(builder).await;
    let assume = async |more: &str| {
        let answer = client.sts(&format!("Action=AssumeRole&RoleSessionName=me&RoleArn={more}")).await;
        match answer.status {
            200 => Ok(()),
            status => Err((status, answer.element("Code").to_owned(), answer.element("Message").to_owned())),
        }
    };
    assert_eq!(assume(&format!("{ROLE}&ExternalId=team-1")).await, Ok(()));
    let denied = |arn: &str| {
        let text = format!(
            "User: arn:aws:iam::123456789012:user/emulator is not authorized to perform: sts:AssumeRole on resource: {arn}"
        );
        Err((403, "AccessDenied".to_owned(), text))
    };
    assert_eq!(assume(ROLE).await, denied(ROLE));
    assert_eq!(assume(&format!("{ROLE}&ExternalId=team-2")).await, denied(ROLE));
    for name in ["denied", "unknown"] {
        let arn = format!("arn:aws:iam::123456789012:role/{name}");
        assert_eq!(assume(&arn).await, denied(&arn));
    }
    let (status, code, message) =
        assume("arn:aws:iam::123456789012:role/short&DurationSeconds=3600").await.unwrap_err();
    assert_eq!((status, code.as_str()), (400, "ValidationError"));
    assert!(message.contains("MaxSessionDuration"));

    let with_token = async |role: &str, token: &str| {
        let form = format!(
            "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=me&RoleArn=arn:aws:iam::123456789012:role/{role}&WebIdentityToken={token}"
        );
        let answer = client.plain(Method::POST, "/", &[], &form).await;
        if answer.status == 200 { "200".to_owned() } else { format!("{} {}", answer.status, answer.element("Code")) }
    };
    assert_eq!(with_token("pod", "the-token").await, "200");
    assert_eq!(with_token("pod", "another").await, "400 InvalidIdentityToken");
    assert_eq!(with_token("denied", "the-token").await, "403 AccessDenied");
    assert_eq!(with_token("unknown", "the-token").await, "403 AccessDenied");
    assert_eq!(with_token("short", "the-token&DurationSeconds=3600").await, "400 ValidationError");
}

#[tokio::test]
async fn a_web_identity_needs_no_signature() {
    let (emulator, client, hands) = start(Emulator::builder()).await;
    let form = format!(
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn={ROLE}&RoleSessionName=me&WebIdentityToken=token"
    );
    let answer = client.plain(Method::POST, "/", &[], &form).await;
    assert_eq!(answer.element("SubjectFromWebIdentityToken"), "emulated-subject");
    assert_eq!(accepted(&from_xml(&client, &answer), &hands).await, Ok(()));
    assert!(emulator.received()[0].accepted);
    // {"exp": 1}
    let expired = client.plain(Method::POST, "/", &[], &form.replace("=token", "=e30.eyJleHAiOiAxfQ.c2ln")).await;
    assert_eq!((expired.status, expired.element("Code")), (400, "ExpiredTokenException"));
}

#[tokio::test]
async fn sts_checks_its_own_signatures() {
    let (_emulator, client, _) = start(Emulator::builder()).await;
    let form = "Action=GetCallerIdentity";
    assert_eq!(client.sts(form).await.element("Arn"), "arn:aws:iam::123456789012:user/emulator");
    let unsigned = client.plain(Method::POST, "/", &[], &format!("{form}&Version=2011-06-15")).await;
    assert_eq!((unsigned.status, unsigned.element("Code")), (403, "MissingAuthenticationToken"));
    let wrong = Client { secret: "other".to_owned(), ..client.clone() }.sts(form).await;
    assert_eq!((wrong.status, wrong.element("Code")), (403, "SignatureDoesNotMatch"));
    let unknown = Client { access_key_id: "AKIDOTHER".to_owned(), ..client.clone() }.sts(form).await;
    assert_eq!((unknown.status, unknown.element("Code")), (403, "InvalidClientTokenId"));
    // Signed for SageMaker, sent to STS.
    let misplaced = client.post("/", &[], &format!("{form}&Version=2011-06-15")).await;
    assert_eq!((misplaced.status, misplaced.element("Code")), (403, "SignatureDoesNotMatch"));
    let dance = client.sts("Action=Dance").await;
    assert_eq!((dance.status, dance.element("Code")), (400, "InvalidAction"));
    let old =
        Client { service: "sts", ..client.clone() }.post("/", &[], "Action=GetCallerIdentity&Version=2010-01-01").await;
    assert_eq!((old.status, old.element("Code")), (400, "InvalidAction"));
    // STS takes a query, too.
    let sts = Client { service: "sts", ..client };
    let query = sts.signed(&Method::GET, "/?Action=GetCallerIdentity&Version=2011-06-15", &[], b"");
    assert_eq!(sts.send(query).await.unwrap().element("Account"), "123456789012");
}

async fn metadata_token(client: &Client, ttl: &str) -> Answer {
    client.plain(Method::PUT, "/latest/api/token", &[("x-aws-ec2-metadata-token-ttl-seconds", ttl)], "").await
}

async fn metadata(client: &Client, token: &str, path: &str) -> Answer {
    client.plain(Method::GET, &format!("/latest/{path}"), &[("x-aws-ec2-metadata-token", token)], "").await
}

#[tokio::test]
async fn instance_metadata_wants_its_token() {
    let settings = InstanceMetadata::new().role("web").region("eu-north-1").lifetime(Duration::from_secs(3_600));
    let (emulator, client, hands) = start(Emulator::builder().instance_metadata(settings)).await;
    let token = metadata_token(&client, "60").await;
    assert_eq!((token.status, token.header("x-aws-ec2-metadata-token-ttl-seconds")), (200, Some("60")));
    for bad in ["0", "21601", "soon"] {
        assert_eq!(metadata_token(&client, bad).await.status, 400);
    }
    assert_eq!(client.plain(Method::PUT, "/latest/api/token", &[], "").await.status, 400);
    let forwarded = [("x-forwarded-for", "1.2.3.4"), ("x-aws-ec2-metadata-token-ttl-seconds", "60")];
    assert_eq!(client.plain(Method::PUT, "/latest/api/token", &forwarded, "").await.status, 403);

    assert_eq!(client.plain(Method::GET, "/latest/meta-data/placement/region", &[], "").await.status, 401);
    assert_eq!(metadata(&client, "another", "meta-data/placement/region").await.status, 401);
    let get = async |path: &str| {
        let answer = metadata(&client, token.text(), path).await;
        (answer.status, answer.text().to_owned())
    };
    assert_eq!(get("meta-data/placement/region").await, (200, "eu-north-1".to_owned()));
    assert_eq!(get("meta-data/placement/availability-zone").await, (200, "eu-north-1a".to_owned()));
    assert_eq!(get("meta-data/iam/security-credentials/").await, (200, "web".to_owned()));
    assert_eq!(get("meta-data/iam/security-credentials").await, (200, "web".to_owned()));
    assert_eq!(get("meta-data/iam/security-credentials/other").await.0, 404);
    assert_eq!(get("meta-data/nothing").await.0, 404);
    assert!(get("dynamic/instance-identity/document").await.1.contains("\"region\":\"eu-north-1\""));

    let first = get("meta-data/iam/security-credentials/web").await.1;
    let body: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(
        (&body["Code"], &body["Type"], &body["Expiration"]),
        (&json!("Success"), &json!("AWS-HMAC"), &json!("2015-08-30T13:00:00Z"))
    );
    assert_eq!(accepted(&from_json(&client, &body), &hands).await, Ok(()));
    assert_eq!(get("meta-data/iam/security-credentials/web").await.1, first);

    hands.advance(Duration::from_secs(60));
    assert_eq!(get("meta-data/placement/region").await.0, 401);
    hands.advance(Duration::from_secs(3_600 - 300 - 60));
    let token = metadata_token(&client, "60").await;
    let next = metadata(&client, token.text(), "meta-data/iam/security-credentials/web").await;
    assert_ne!(next.json()["AccessKeyId"], body["AccessKeyId"]);
    assert_eq!(emulator.calls(Operation::InstanceMetadataToken), 7);
}

#[tokio::test]
async fn instance_metadata_has_its_moods() {
    let (_emulator, client, _) = start(Emulator::builder().instance_metadata(InstanceMetadata::disabled())).await;
    assert_eq!(metadata_token(&client, "60").await.status, 403);
    assert_eq!(metadata(&client, "any", "meta-data/placement/region").await.status, 403);

    let (_emulator, client, _) = start(Emulator::builder().instance_metadata(InstanceMetadata::new().no_role())).await;
    let token = metadata_token(&client, "60").await;
    assert_eq!(metadata(&client, token.text(), "meta-data/iam/security-credentials/").await.status, 404);

    let settings = InstanceMetadata::new().code("AssumeRoleUnauthorizedAccess");
    let (emulator, client, _) = start(Emulator::builder().instance_metadata(settings)).await;
    let token = metadata_token(&client, "60").await;
    let path = "meta-data/iam/security-credentials/emulator-instance";
    assert_eq!(metadata(&client, token.text(), path).await.json()["Code"], "AssumeRoleUnauthorizedAccess");
    assert!(emulator.sessions().is_empty());

    // Static stability: said to be expired, and still working.
    let settings = InstanceMetadata::new().expired_for(Duration::from_secs(60));
    let (_emulator, client, hands) = start(Emulator::builder().instance_metadata(settings)).await;
    let token = metadata_token(&client, "60").await;
    let body = metadata(&client, token.text(), path).await.json();
    assert_eq!(body["Expiration"], "2015-08-30T11:59:00Z");
    assert_eq!(accepted(&from_json(&client, &body), &hands).await, Ok(()));
    assert_eq!(metadata(&client, token.text(), path).await.json(), body);
}

#[tokio::test]
async fn a_container_gets_its_credentials() {
    let (emulator, client, hands) = start(Emulator::builder()).await;
    assert_eq!(emulator.container_credentials_url(), format!("{}/credentials", emulator.url()));
    let body = client.plain(Method::GET, "/credentials", &[], "").await.json();
    assert_eq!((&body["AccountId"], &body["Expiration"]), (&json!("123456789012"), &json!("2015-08-30T13:00:00Z")));
    assert_eq!(accepted(&from_json(&client, &body), &hands).await, Ok(()));
    emulator.expire_sessions();
    assert_eq!(accepted(&from_json(&client, &body), &hands).await, Err("ExpiredTokenException".to_owned()));

    let settings = ContainerCredentials::new()
        .path("/v2/credentials/1")
        .authorization("Basic abc")
        .lifetime(Duration::from_secs(60));
    assert!(!format!("{settings:?}").contains("abc"));
    let (_emulator, client, hands) = start(Emulator::builder().container_credentials(settings)).await;
    let get = async |authorization: &str| {
        client.plain(Method::GET, "/v2/credentials/1", &[("authorization", authorization)], "").await
    };
    let refused = get("Basic other").await;
    assert_eq!((refused.status, &refused.json()["code"]), (401, &json!("AccessDenied")));
    assert_eq!(client.plain(Method::GET, "/v2/credentials/1", &[], "").await.status, 401);
    assert_eq!(client.plain(Method::GET, "/credentials", &[], "").await.status, 404);
    let session = from_json(&client, &get("Basic abc").await.json());
    assert_eq!(accepted(&session, &hands).await, Ok(()));
    hands.advance(Duration::from_secs(60));
    assert_eq!(accepted(&session, &hands).await, Err("ExpiredTokenException".to_owned()));
}

#[tokio::test]
async fn identity_center_gives_credentials_for_a_token() {
    let settings = Sso::new()
        .access_token_until("open-sesame", noon() + Duration::from_secs(600))
        .refresh_token("refresh-1")
        .client("client", "hush-hush")
        .role("123456789012", "reader");
    assert!(!format!("{settings:?}").contains("sesame") && !format!("{settings:#?}").contains("hush"));
    let (emulator, client, hands) = start(Emulator::builder().sso(settings)).await;
    let get = async |role: &str, token: &str| {
        let path = format!("/federation/credentials?role_name={role}&account_id=123456789012");
        client.plain(Method::GET, &path, &[("x-amz-sso_bearer_token", token)], "").await
    };
    let answer = get("reader", "open-sesame").await;
    let body = &answer.json()["roleCredentials"];
    assert_eq!(body["expiration"], 1_440_939_600_000_u64);
    let text = |name: &str| body[name].as_str().unwrap();
    let session = client.with(text("accessKeyId"), text("secretAccessKey"), text("sessionToken"));
    assert_eq!(accepted(&session, &hands).await, Ok(()));
    let other = get("reader", "other").await;
    assert_eq!((other.status, other.error_type()), (401, "UnauthorizedException"));
    let writer = get("writer", "open-sesame").await;
    assert_eq!((writer.status, writer.error_type()), (403, "ForbiddenException"));
    assert_eq!(client.plain(Method::GET, "/federation/credentials?role_name=a", &[], "").await.status, 400);
    hands.advance(Duration::from_secs(600));
    assert_eq!(get("reader", "open-sesame").await.status, 401);

    let refresh = async |secret: &str, grant: &str, token: &str| {
        let body = json!({"clientId": "client", "clientSecret": secret, "grantType": grant, "refreshToken": token});
        client.plain(Method::POST, "/token", &[("content-type", "application/json")], &body.to_string()).await
    };
    let fresh = refresh("hush-hush", "refresh_token", "refresh-1").await.json();
    assert_eq!((&fresh["tokenType"], &fresh["expiresIn"]), (&json!("Bearer"), &json!(28_800)));
    assert_eq!(get("reader", fresh["accessToken"].as_str().unwrap()).await.status, 200);
    // Each refresh token works once, and its answer holds the next.
    let spent = refresh("hush-hush", "refresh_token", "refresh-1").await;
    assert_eq!((spent.status, &spent.json()["error"]), (400, &json!("invalid_grant")));
    assert_eq!(spent.error_type(), "InvalidGrantException");
    assert_eq!(refresh("hush-hush", "refresh_token", fresh["refreshToken"].as_str().unwrap()).await.status, 200);
    let stranger = refresh("other", "refresh_token", "refresh-1").await;
    assert_eq!((stranger.status, &stranger.json()["error"]), (401, &json!("invalid_client")));
    assert_eq!(refresh("hush-hush", "device_code", "").await.json()["error"], "unsupported_grant_type");
    assert_eq!(client.plain(Method::POST, "/token", &[], "{}").await.status, 400);
    assert_eq!(emulator.calls(Operation::CreateToken), 6);
}

#[tokio::test]
async fn identity_services_can_be_scripted() {
    let (emulator, client, _) = start(Emulator::builder()).await;
    emulator.enqueue_for(Operation::AssumeRole, Scripted::error(AwsError::throttling()));
    emulator.enqueue_for(Operation::ContainerCredentials, Scripted::error(AwsError::front_door("Busy", 503, "later")));
    emulator.enqueue_for(Operation::InstanceMetadataToken, Scripted::reply(500, "text/plain", "oh"));
    emulator.enqueue_for(Operation::InvokeEndpoint, Scripted::ok("any endpoint"));
    let form = format!("Action=AssumeRole&RoleArn={ROLE}&RoleSessionName=me");
    let throttled = client.sts(&form).await;
    assert_eq!((throttled.status, throttled.element("Code")), (400, "Throttling"));
    assert_eq!(client.sts(&form).await.status, 200);
    let busy = client.plain(Method::GET, "/credentials", &[], "").await;
    assert_eq!((busy.status, busy.json()), (503, json!({"code": "Busy", "message": "later"})));
    assert_eq!(metadata_token(&client, "60").await.status, 500);
    assert_eq!(metadata_token(&client, "60").await.status, 200);
    assert_eq!(client.invoke("whatever", "{}").await.text(), "any endpoint");
}
