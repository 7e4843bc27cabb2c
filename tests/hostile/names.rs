//! Names of models, endpoints and paths that lead elsewhere.

use serde_json::{Value, json};

use crate::setup::{MASTER, Setup, TEAM, bearer, question};

/// What could change the path or the host of a request to AWS.
const TRICKS: &[&str] = &[
    "../other/invocations",
    "..",
    ".",
    "tgi/../messages",
    "tgi/invocations",
    "tgi%2finvocations",
    "%2e%2e",
    "%2e%2e%2fx",
    "tgi?x=y",
    "tgi#x",
    "tgi;x",
    "tgi\\..\\x",
    "tgi@evil.com",
    "evil.com:80",
    "//evil.com",
    "http://evil.com",
    "tgi ",
    " tgi",
    "tgi\t",
    "tgi\r\nx-evil: 1",
    "tgi\0",
    "tgí",
    "tｇi",
    "tgi\u{200b}",
    "tgi\u{202e}",
    "-tgi",
    "tgi-",
    "arn:aws:sagemaker:us-east-1:123456789012:endpoint/tgi",
];

#[tokio::test]
async fn an_endpoints_name_stays_one_segment_of_the_path() {
    let setup = Setup::start().await;
    let long = "a".repeat(64);
    for trick in TRICKS.iter().copied().chain([long.as_str()]) {
        for path in ["/chat/completions", "/completions", "/embeddings"] {
            let mut body = question(&format!("sagemaker/{trick}"));
            (body["prompt"], body["input"]) = (json!("a"), json!("a"));
            setup.post(path, &body).await.is_refused(400, &Value::Null, &json!("model"));
        }
    }
    assert!(setup.emulator.received().is_empty());
    setup.nothing_went_astray();
}

#[tokio::test]
async fn a_name_in_the_path_is_no_other_than_in_the_body() {
    let setup = Setup::start().await;
    for (path, status) in [
        ("/engines/sagemaker/..%2f..%2fother/chat/completions", 400),
        ("/engines/sagemaker%2f..%2fother/chat/completions", 400),
        ("/openai/deployments/sagemaker%2Ftgi%3Fx/chat/completions", 400),
        ("/openai/deployments/sagemaker%2Ftgi%23x/chat/completions", 400),
        ("/openai/deployments/sagemaker%2Ftgi%0d%0ax-evil:1/chat/completions", 400),
        ("/openai/deployments/sagemaker%2Ftgi%00/chat/completions", 400),
        ("/openai/deployments/..%2f..%2fmetrics/chat/completions", 404),
        ("/openai/deployments/%ff/chat/completions", 404),
        ("/openai/deployments/text%252f/chat/completions", 404),
        ("/v1/../chat/completions", 404),
        ("//chat/completions", 404),
        ("/chat/completions/..", 404),
        ("/chat%2fcompletions", 404),
        ("/CHAT/completions", 404),
    ] {
        let answer = setup.post(path, &question("text")).await;
        let error = &answer.json()["error"];
        assert_eq!(answer.status, status, "{path}: {error}");
        assert!(error["message"].is_string() && error["type"] == "invalid_request_error", "{path}: {error}");
    }
    assert!(setup.emulator.received().is_empty());
}

#[tokio::test]
async fn an_unknown_name_is_a_404_that_repeats_no_more_than_a_line_of_it() {
    let setup = Setup::start().await;
    for name in
        ["no-such", "text ", "Text", "ｔext", "text\0", "a\r\nset-cookie: x=1", "<script>", &"x".repeat(3_000_000)]
    {
        let answer = setup.chat(&question(name)).await;
        answer.is_refused(404, &json!("model_not_found"), &json!("model"));
        assert!(!answer.head.contains("set-cookie"), "{}", answer.head);
    }
    assert!(setup.emulator.received().is_empty());
}

#[tokio::test]
async fn a_keys_models_are_compared_letter_by_letter() {
    let setup = Setup::start().await;
    for name in ["chat", "TEXT", "text\0", "text/", "sagemaker/tgi", "ｔｅｘｔ", "text*", "*", "sagemaker/*"] {
        let body = question(name).to_string();
        let answer = setup.send("POST /chat/completions", &bearer(TEAM), body.as_bytes()).await;
        answer.is_refused(404, &json!("model_not_found"), &json!("model"));
    }
    assert!(setup.emulator.received().is_empty());
    // The path's name counts, not the body's: both are checked as one.
    let body = question("text").to_string();
    let answer = setup.send("POST /engines/chat/chat/completions", &bearer(TEAM), body.as_bytes()).await;
    answer.is_refused(404, &json!("model_not_found"), &json!("model"));
    let body = question("chat").to_string();
    let answer = setup.send("POST /engines/text/chat/completions", &bearer(TEAM), body.as_bytes()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(setup.emulator.received()[0].endpoint.as_deref(), Some("tgi"));
    assert!(
        setup.send("POST /chat/completions", &bearer(MASTER), question("chat").to_string().as_bytes()).await.status
            == 200
    );
}
