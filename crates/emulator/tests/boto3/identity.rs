//! boto3's `sts` client, and its own credential chain against the metadata services.

use sagewire_emulator::{AwsError, Emulator, Operation, Role, Scripted};
use serde_json::{Value, json};

use crate::python::{Case, Session};

const ROLE: &str = "arn:aws:iam::123456789012:role/app";

pub(crate) const CASES: &[(&str, Case)] = &[
    ("sts_assume_role", |python| {
        Box::pin(async move {
            let emulator = Emulator::builder().role(Role::new(ROLE).external_id("team-1")).start().await.unwrap();
            let sts = Session { service: "sts", ..Session::new(python, &emulator) };
            let arguments = json!({
                "RoleArn": ROLE, "RoleSessionName": "me", "ExternalId": "team-1", "DurationSeconds": 900,
                "Tags": [{"Key": "team", "Value": "a + b"}], "SourceIdentity": "alice",
            });
            let without = json!({"RoleArn": ROLE, "RoleSessionName": "me"});
            let outcomes = sts
                .calls(&[("assume_role", arguments), ("assume_role", without), ("get_caller_identity", json!({}))])
                .await;
            let assumed = &outcomes[0]["response"];
            assert_eq!(assumed["AssumedRoleUser"]["Arn"], "arn:aws:sts::123456789012:assumed-role/app/me");
            assert_eq!(assumed["SourceIdentity"], "alice");
            assert!(assumed["Credentials"]["Expiration"].as_str().unwrap().ends_with("+00:00"));
            assert_eq!(outcomes[1]["response"]["Error"]["Code"], "AccessDenied");
            assert_eq!(outcomes[2]["response"]["Arn"], "arn:aws:iam::123456789012:user/emulator");
            assert_eq!(emulator.sessions()[0].tags, [("team".to_owned(), "a + b".to_owned())]);

            // The session is good for both services, until it is ended.
            let as_role = |service| as_session(&assumed["Credentials"], service, Session::new(python, &emulator));
            let who = as_role("sts").call("get_caller_identity", json!({})).await;
            assert_eq!(who["response"]["Arn"], assumed["AssumedRoleUser"]["Arn"]);
            assert_eq!(who["response"]["UserId"], assumed["AssumedRoleUser"]["AssumedRoleId"]);
            let invoke = json!({"EndpointName": "tgi", "Body": "{\"inputs\": \"Hi\"}"});
            let invoked = as_role("sagemaker-runtime").call("invoke_endpoint", invoke.clone()).await;
            assert_eq!(invoked["response"]["ResponseMetadata"]["HTTPStatusCode"], 200);
            emulator.expire_sessions();
            let invoked = as_role("sagemaker-runtime").call("invoke_endpoint", invoke).await;
            assert_eq!(invoked["response"]["Error"]["Code"], "ExpiredTokenException");
            let who = as_role("sts").call("get_caller_identity", json!({})).await;
            assert_eq!(who["response"]["Error"]["Code"], "ExpiredToken");
        })
    }),
    ("sts_web_identity", |python| {
        Box::pin(async move {
            let emulator =
                Emulator::builder().role(Role::new(ROLE).web_identity_token("the-token")).start().await.unwrap();
            let sts = Session { service: "sts", ..Session::new(python, &emulator) };
            let with = |token: &str| {
                (
                    "assume_role_with_web_identity",
                    json!({"RoleArn": ROLE, "RoleSessionName": "me", "WebIdentityToken": token}),
                )
            };
            let outcomes = sts.calls(&[with("the-token"), with("another")]).await;
            let assumed = &outcomes[0]["response"];
            assert_eq!(assumed["SubjectFromWebIdentityToken"], "emulated-subject");
            assert_eq!(outcomes[1]["modelled"], "InvalidIdentityTokenException");
            assert!(emulator.received()[0].header("authorization").is_none());
            let who = as_session(&assumed["Credentials"], "sts", Session::new(python, &emulator))
                .call("get_caller_identity", json!({}))
                .await;
            assert_eq!(who["response"]["Arn"], "arn:aws:sts::123456789012:assumed-role/app/me");
        })
    }),
    ("sts_errors", |python| {
        Box::pin(async move {
            let emulator = Emulator::start().await.unwrap();
            let sts = Session { service: "sts", ..Session::new(python, &emulator) };
            let wrong =
                Session { secret: "other".to_owned(), ..Session { service: "sts", ..Session::new(python, &emulator) } };
            let who = wrong.call("get_caller_identity", json!({})).await;
            assert_eq!(who["response"]["Error"]["Code"], "SignatureDoesNotMatch");
            emulator.enqueue_for(Operation::GetCallerIdentity, Scripted::error(AwsError::throttling()));
            let bad = json!({"RoleArn": "arn:aws:iam::123456789012:user/nobody", "RoleSessionName": "me"});
            let outcomes = sts.calls(&[("get_caller_identity", json!({})), ("assume_role", bad)]).await;
            assert_eq!(
                outcomes[0]["response"]["Error"],
                json!({"Type": "Sender", "Code": "Throttling", "Message": "Rate exceeded"})
            );
            assert_eq!(outcomes[1]["response"]["Error"]["Code"], "ValidationError");
        })
    }),
    ("chain_instance_metadata", |python| {
        Box::pin(async move {
            let emulator = Emulator::start().await.unwrap();
            let url = emulator.url();
            let chained = Session {
                keys: false,
                environment: vec![("AWS_EC2_METADATA_SERVICE_ENDPOINT", url)],
                ..Session::new(python, &emulator)
            };
            check_chain(&emulator, &chained, "assumed-role/emulator-instance/i-0123456789abcdef0").await;
            assert_eq!(emulator.calls(Operation::InstanceMetadataToken), 1);
        })
    }),
    ("chain_container", |python| {
        Box::pin(async move {
            let emulator = Emulator::start().await.unwrap();
            let url = emulator.container_credentials_url();
            let chained = Session {
                keys: false,
                environment: vec![("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)],
                ..Session::new(python, &emulator)
            };
            check_chain(&emulator, &chained, "assumed-role/emulator-task/emulator-task-1").await;
            assert_eq!(emulator.calls(Operation::ContainerCredentials), 1);
        })
    }),
];

/// boto3 finds its credentials by itself, and the runtime accepts them.
async fn check_chain(emulator: &Emulator, session: &Session<'_>, arn: &str) {
    let outcome = session.call("invoke_endpoint", json!({"EndpointName": "tgi", "Body": "{\"inputs\": \"Hi\"}"})).await;
    assert_eq!(outcome["response"]["ResponseMetadata"]["HTTPStatusCode"], 200, "{outcome}");
    let issued = emulator.sessions().remove(0);
    assert!(issued.arn.ends_with(arn), "{}", issued.arn);
    let used = emulator.received().pop().unwrap().access_key_id;
    assert_eq!(used, Some(issued.access_key_id));
}

fn as_session<'a>(credentials: &Value, service: &'static str, session: Session<'a>) -> Session<'a> {
    let text = |name: &str| credentials[name].as_str().unwrap().to_owned();
    Session {
        service,
        access_key_id: text("AccessKeyId"),
        secret: text("SecretAccessKey"),
        token: Some(text("SessionToken")),
        ..session
    }
}
