//! What the client signs and sends, AWS's official signer accepts: random endpoint names, header
//! values, spacing and bodies.
//!
//! The emulator signs each request again with the official `aws-sigv4`, and judges every header by
//! SageMaker's own limits.

use std::cell::Cell;

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestRunner},
};
use sagewire::{
    CallContext, ChatRequest, Client, ErrorKind, Message, Provider, SageMaker, Settings,
    credentials::{Credentials, seam::World},
};
use sagewire_emulator::{Emulator, Scripted};
use sagewire_tests::{
    endpoint::{builder_for, client, client_with, question, signing_with, start},
    replies::{openai_reply, tgi_reply},
};
use tokio::runtime::Runtime;

/// How many random cases each property is tried with: each is a call over HTTP.
const CASES: u32 = 64;

fn runner() -> TestRunner {
    TestRunner::new(Config { cases: CASES, failure_persistence: None, max_shrink_iters: 200, ..Config::default() })
}

/// A runtime, an emulator in it, and whether each call of a case was accepted.
struct Ground {
    runtime: Runtime,
    emulator: Emulator,
}

impl Ground {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let emulator = runtime.block_on(start());
        Self { runtime, emulator }
    }

    /// A client for the emulator. One serves all cases: what differs is in each call's settings.
    fn client(&self) -> Client {
        client(&self.emulator)
    }

    /// Calls with these settings; the answer is that of the container unless the request was
    /// refused.
    fn call(
        &self,
        client: &Client,
        endpoint: &str,
        request: ChatRequest,
        settings: Settings,
    ) -> Result<(), TestCaseError> {
        let reply = if request.model.starts_with("sagemaker_chat") { openai_reply("fine") } else { tgi_reply("fine") };
        self.emulator.clear_received();
        self.emulator.enqueue(endpoint, Scripted::ok(reply));
        let context = CallContext::new().with(settings);
        let answer = self.runtime.block_on(Provider::chat(client, request, &context));
        let received = self.emulator.received();
        prop_assert_eq!(received.len(), 1);
        prop_assert!(received[0].accepted, "{:?}", received[0]);
        prop_assert!(answer.is_ok(), "{answer:?}");
        Ok(())
    }
}

fn endpoint_name() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
}

/// Printable ASCII with runs of blanks anywhere.
fn odd_spacing() -> impl Strategy<Value = String> {
    vec(prop_oneof!["[!-~]{1,12}", " {1,4}"], 1..12).prop_map(|words| words.concat())
}

#[test]
fn any_endpoint_name_and_body_is_accepted() {
    let ground = Ground::new();
    let client = ground.client();
    runner()
        .run(&(endpoint_name(), any::<String>(), any::<bool>()), |(name, text, chat)| {
            let prefix = if chat { "sagemaker_chat" } else { "sagemaker" };
            let request = ChatRequest::new(format!("{prefix}/{name}"), [Message::user(text.as_str())]);
            ground.call(&client, &name, request, Settings::default())?;
            let received = ground.emulator.received().remove(0);
            prop_assert_eq!(received.endpoint.as_deref(), Some(name.as_str()));
            let body = received.json().unwrap();
            let sent = if chat { &body["messages"][0]["content"] } else { &body["inputs"] };
            prop_assert_eq!(sent, &serde_json::Value::from(text));
            Ok(())
        })
        .unwrap();
}

#[test]
fn any_custom_attributes_and_further_headers_are_accepted_and_arrive() {
    let ground = Ground::new();
    let client = ground.client();
    let values = (odd_spacing(), vec(odd_spacing(), 1..4));
    runner()
        .run(&values, |(attributes, further)| {
            let mut settings = Settings::default();
            settings.headers.custom_attributes = Some(attributes.clone());
            let name = HeaderName::from_static("x-amzn-something-further");
            settings.extra_headers = further
                .iter()
                .map(|value| (name.clone(), HeaderValue::from_str(value).unwrap()))
                .collect::<HeaderMap>();
            ground.call(&client, "e", question("sagemaker/e"), settings)?;
            let received = ground.emulator.received().remove(0);
            let arrived = received.header("x-amzn-sagemaker-custom-attributes").unwrap();
            prop_assert_eq!(arrived, attributes.trim_matches(' '));
            let all: Vec<_> = received.headers.get_all(&name).iter().map(|value| value.to_str().unwrap()).collect();
            let expected: Vec<_> = further.iter().map(|value| value.trim_matches(' ')).collect();
            prop_assert_eq!(all, expected);
            Ok(())
        })
        .unwrap();
}

/// What the client lets through, SageMaker does not refuse; what it refuses is not sent.
#[test]
fn a_header_is_refused_here_or_accepted_there() {
    let ground = Ground::new();
    let client = ground.client();
    let values =
        vec(proptest::option::of(prop_oneof![odd_spacing(), endpoint_name(), "[ -~]{0,80}", any::<String>()]), 9);
    let accepted = Cell::new(0);
    let outcome = runner().run(&values, |values| {
        for (place, value) in values.into_iter().enumerate() {
            let Some(value) = value else { continue };
            let mut settings = Settings::default();
            let headers = &mut settings.headers;
            let field = [
                &mut headers.inference_component,
                &mut headers.target_model,
                &mut headers.target_variant,
                &mut headers.target_container_hostname,
                &mut headers.session_id,
                &mut headers.inference_id,
                &mut headers.custom_attributes,
                &mut headers.enable_explanations,
                &mut headers.prefix_aware_id,
            ];
            *field.into_iter().nth(place).unwrap() = Some(value.clone());
            let context = CallContext::new().with(settings);
            ground.emulator.clear_received();
            match ground.runtime.block_on(Provider::chat(&client, question("sagemaker/tgi"), &context)) {
                Ok(_) => {
                    accepted.set(accepted.get() + 1);
                    prop_assert!(ground.emulator.received()[0].accepted);
                }
                Err(error) => {
                    prop_assert_eq!(error.kind(), ErrorKind::InvalidRequest);
                    let sent = ground.emulator.received().len();
                    prop_assert!(sent == 0, "header {place} was sent as {value:?} and refused: {error}");
                }
            }
        }
        Ok(())
    });
    outcome.unwrap();
    assert!(accepted.get() > 0, "no random header was ever let through");
}

#[test]
fn any_keys_and_token_are_accepted() {
    let keys = ("[A-Z0-9]{16,32}", "[a-zA-Z0-9/+]{1,60}", proptest::option::of("[a-zA-Z0-9/+=]{1,600}"));
    let ground = Ground::new();
    let client = ground.client();
    runner()
        .run(&keys, |(id, secret, token)| {
            ground.runtime.block_on(async {
                let builder = Emulator::builder();
                let (builder, credentials) = match &token {
                    Some(token) => {
                        (builder.session(&id, &secret, token), Credentials::new(&id, &secret).with_session_token(token))
                    }
                    None => (builder.credentials(&id, &secret), Credentials::new(&id, &secret)),
                };
                let emulator = builder.start().await.unwrap();
                let mut settings = signing_with(credentials);
                settings.base_url = Some(emulator.url());
                let context = CallContext::new().with(settings);
                let answer = Provider::chat(&client, question("sagemaker/tgi"), &context).await;
                prop_assert!(answer.is_ok(), "{:?}", answer);
                let received = emulator.received();
                prop_assert_eq!(received[0].access_key_id.as_deref(), Some(id.as_str()));
                Ok(())
            })
        })
        .unwrap();
}

#[tokio::test]
async fn the_region_that_is_signed_for_is_the_one_that_is_set() {
    let emulator = start().await;
    for region in ["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1", "eusc-de-east-1"] {
        let sagemaker: SageMaker = builder_for(emulator.url()).region(region).build().unwrap();
        let client = Client::builder().sagemaker(sagemaker).build();
        client.chat(question("sagemaker/tgi")).await.unwrap();
        assert_eq!(emulator.received().last().unwrap().region.as_deref(), Some(region));
    }
}

#[tokio::test]
async fn settings_of_a_call_sign_that_call_alone() {
    let emulator = Emulator::builder().credentials("AKIDA", "a").credentials("AKIDB", "b").start().await.unwrap();
    let client = client_with(&emulator, signing_with(Credentials::new("AKIDA", "a")));
    let context = CallContext::new().with(signing_with(Credentials::new("AKIDB", "b")));
    client.chat(question("sagemaker/tgi")).await.unwrap();
    Provider::chat(&client, question("sagemaker/tgi"), &context).await.unwrap();
    client.chat(question("sagemaker/tgi")).await.unwrap();
    let signers: Vec<_> = emulator.received().into_iter().filter_map(|request| request.access_key_id).collect();
    assert_eq!(signers, ["AKIDA", "AKIDB", "AKIDA"]);
}

#[tokio::test]
async fn credentials_region_and_url_are_found_in_the_environment() {
    let emulator = start().await;
    let variables = [
        ("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", emulator.url()),
        ("AWS_REGION", "eu-west-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", sagewire_emulator::EXAMPLE_ACCESS_KEY_ID.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", sagewire_emulator::EXAMPLE_SECRET_ACCESS_KEY.to_owned()),
    ];
    let world = World::builder().with_env(sagewire::credentials::seam::MapEnv::from_iter(variables)).build();
    let client = Client::builder().sagemaker(SageMaker::builder().world(world).build().unwrap()).build();
    client.chat(question("sagemaker/tgi")).await.unwrap();
    assert_eq!(emulator.received()[0].region.as_deref(), Some("eu-west-1"));
}
