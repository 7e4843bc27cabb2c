//! Nothing secret is printed, logged, told in an error or sent in a body.
//!
//! Every secret is a known string; every output is searched for it, plain and encoded.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::{error::Error as StdError, sync::Arc};

use futures_util::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue};
use sagewire::{
    CallContext, ChatRequest, Client, CompletionRequest, EmbedRequest, Error, Message, SageMaker, Settings,
    credentials::{
        AwsParams, Credentials, Secret, SharedCredentialsProvider, StaticCredentials,
        seam::{MapEnv, World},
    },
};
use sagewire_emulator::{Emulator, Scripted};
use sagewire_tests::{
    canary::{
        ACCESS_KEY_ID, CUSTOM_ATTRIBUTES, GATEWAY_TOKEN, SECRET_ACCESS_KEY, SESSION_TOKEN, URL_SECRET, assert_absent,
        assert_prints_none, found_in,
    },
    logs::Logs,
};

fn credentials() -> Credentials {
    Credentials::new(ACCESS_KEY_ID, SECRET_ACCESS_KEY).with_session_token(SESSION_TOKEN)
}

fn settings(url: &str, credentials: Credentials) -> Settings {
    let provider: SharedCredentialsProvider = Arc::new(StaticCredentials::new(credentials));
    let mut settings = Settings::default();
    settings.base_url = Some(url.to_owned());
    settings.region = Some("us-east-1".parse().unwrap());
    settings.credentials = Some(provider);
    settings.headers.custom_attributes = Some(CUSTOM_ATTRIBUTES.to_owned());
    let gateway = (HeaderName::from_static("x-gateway-token"), HeaderValue::from_static(GATEWAY_TOKEN));
    settings.extra_headers = HeaderMap::from_iter([gateway]);
    settings.max_attempts = Some(1);
    settings.verbose = Some(true);
    settings
}

/// A client of its own world: the environment holds secrets too.
fn client(settings: Settings) -> (SageMaker, Client) {
    let env = MapEnv::from([
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID),
        ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY),
        ("AWS_SESSION_TOKEN", SESSION_TOKEN),
    ]);
    let sagemaker =
        SageMaker::builder().world(World::builder().with_env(env).build()).settings(settings).build().unwrap();
    (sagemaker.clone(), Client::builder().sagemaker(sagemaker).build())
}

fn question(model: &str) -> ChatRequest {
    ChatRequest::new(model, [Message::user("Hello, how are you?")])
}

fn check_error(place: &str, error: &Error) {
    assert_prints_none(place, error);
    let mut next: Option<&dyn StdError> = Some(error);
    while let Some(error) = next {
        assert_absent(place, error.to_string());
        assert_prints_none(place, &error);
        next = error.source();
    }
}

/// One call of each kind.
async fn call_everything(client: &Client) -> Vec<Result<(), Error>> {
    let stream = async {
        let mut stream = client.chat_stream(question("sagemaker_chat/messages")).await?;
        while let Some(chunk) = stream.next().await {
            chunk?;
        }
        Ok(())
    };
    vec![
        client.chat(question("sagemaker/tgi")).await.map(drop),
        client.chat(question("sagemaker_chat/messages")).await.map(drop),
        stream.await,
        client.embed(EmbedRequest::new("sagemaker/embedding", ["a", "b"])).await.map(drop),
        client.complete(CompletionRequest::new("sagemaker/tgi", "Once upon a time")).await.map(drop),
    ]
}

// One test: the logs are the process's.
#[tokio::test]
async fn every_output_is_free_of_every_secret() {
    let logs = Logs::capture();
    let emulator = Emulator::builder().session(ACCESS_KEY_ID, SECRET_ACCESS_KEY, SESSION_TOKEN).start().await.unwrap();

    // Calls that succeed.
    let (sagemaker, good) = client(settings(&emulator.url(), credentials()));
    for result in call_everything(&good).await {
        result.unwrap();
    }

    // Calls that AWS refuses, that reach nobody, and that break off.
    let wrong = Credentials::new(ACCESS_KEY_ID, format!("{SECRET_ACCESS_KEY}x")).with_session_token(SESSION_TOKEN);
    let (_, refused) = client(settings(&emulator.url(), wrong));
    let (_, unreachable) = client(settings("http://127.0.0.1:9", credentials()));
    for failing in [refused, unreachable] {
        for result in call_everything(&failing).await {
            check_error("a failed call", &result.unwrap_err());
        }
    }
    emulator.enqueue("messages", Scripted::reset());
    check_error("a reset", &good.chat(question("sagemaker_chat/messages")).await.unwrap_err());
    emulator.enqueue("messages", Scripted::ok("not JSON"));
    check_error("a reply that is not JSON", &good.chat(question("sagemaker_chat/messages")).await.unwrap_err());

    // Settings that are refused before anything is sent.
    for url in [format!("https://user:{URL_SECRET}@host"), format!("ftp://host/{URL_SECRET}")] {
        let (_, odd) = client(settings(&url, credentials()));
        check_error("a refused URL", &odd.chat(question("sagemaker/tgi")).await.unwrap_err());
    }
    for name in ["aws_secret_access_key", "aws_session_token", "model_id"] {
        let request = question("sagemaker/tgi").with_parameter(name, SECRET_ACCESS_KEY);
        check_error("a setting among the parameters", &good.chat(request).await.unwrap_err());
    }

    // What a program may print.
    let call_settings = settings(&emulator.url(), credentials());
    assert_prints_none("Settings", &call_settings);
    assert_prints_none("CallContext", &CallContext::new().with(call_settings));
    assert_prints_none("SageMaker", &sagemaker);
    assert_prints_none("Client", &good);
    assert_prints_none("Credentials", &credentials());
    assert_prints_none("StaticCredentials", &StaticCredentials::new(credentials()));
    let params = AwsParams {
        aws_access_key_id: Some(ACCESS_KEY_ID.to_owned()),
        aws_secret_access_key: Some(Secret::new(SECRET_ACCESS_KEY)),
        aws_session_token: Some(Secret::new(SESSION_TOKEN)),
        ..AwsParams::default()
    };
    assert_prints_none("AwsParams", &params);

    // What reached the endpoint: secrets in no body and no URL, and tokens only in the headers that are
    // theirs.
    let received = emulator.received();
    assert!(received.len() >= 10, "{}", received.len());
    for request in &received {
        assert_absent("a body", &request.body);
        assert_absent("a path", &request.path);
        for (name, value) in &request.headers {
            let own = match name.as_str() {
                "x-amz-security-token" => SESSION_TOKEN,
                "x-gateway-token" => GATEWAY_TOKEN,
                "x-amzn-sagemaker-custom-attributes" => CUSTOM_ATTRIBUTES,
                _ => "",
            };
            let shown = found_in(value.as_bytes(), &sagewire_tests::canary::ALL).map(|(secret, _)| secret);
            assert!(shown.is_none_or(|secret| secret == own), "{name} shows {shown:?}");
        }
    }

    // Everything that was logged meanwhile, at trace level. The emulator logs none of it either.
    let text = logs.text();
    assert!(text.contains("curl -X POST") && text.contains("--aws-sigv4"), "the raw requests are not in the logs");
    for line in text.lines() {
        assert_absent("a log line", line);
    }
}
