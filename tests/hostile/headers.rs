//! Headers: those that would bring others with them, that stand twice, that are the operator's or
//! AWS's, and that are too many.

use serde_json::{Value, json};

use crate::setup::{MASTER, Setup, TEAM, bearer, question};

/// Headers of SageMaker's that a caller may set, and the names of their parameters.
const OWN: &[(&str, &str)] = &[
    ("x-amzn-sagemaker-inference-component", "model_id"),
    ("x-amzn-sagemaker-session-id", "session_id"),
    ("x-amzn-sagemaker-target-model", "target_model"),
    ("x-amzn-sagemaker-target-variant", "target_variant"),
    ("x-amzn-sagemaker-target-container-hostname", "target_container_hostname"),
    ("x-amzn-sagemaker-inference-id", "inference_id"),
];

fn text() -> Vec<u8> {
    question("text").to_string().into_bytes()
}

#[tokio::test]
async fn a_value_with_a_line_end_or_beyond_awss_pattern_is_refused() {
    let setup = Setup::start().await;
    for value in ["a\r\nx-evil: 1", "a\nx-evil: 1", "a\rb", "a\0b", "é", "../a", "a b/../c", &"a".repeat(2000), ""] {
        let mut body = question("text");
        body["model_id"] = json!(value);
        setup.chat(&body).await.is_refused(400, &Value::Null, &json!("model_id"));
    }
    for (header, parameter) in OWN {
        for value in ["é", &"a".repeat(2000)] {
            let head = format!("{}{header}: {value}\r\n", bearer(MASTER));
            let answer = setup.send("POST /chat/completions", &head, &text()).await;
            // What is no text is refused by the header's name, the rest by the parameter's.
            let param = answer.json()["error"]["param"].clone();
            answer.is_refused(400, &Value::Null, &param);
            assert!(param == *header || param == *parameter, "{param}");
        }
    }
    // A container is named by a word: an address or a path is none.
    for value in ["169.254.169.254", "evil.com", "localhost:8080", "a/../b", "[::1]"] {
        let head = format!("{}x-amzn-sagemaker-target-container-hostname: {value}\r\n", bearer(MASTER));
        let answer = setup.send("POST /chat/completions", &head, &text()).await;
        answer.is_refused(400, &Value::Null, &json!("target_container_hostname"));
    }
    assert!(setup.emulator.received().is_empty());
}

#[tokio::test]
async fn a_header_that_decides_something_may_not_stand_twice() {
    let setup = Setup::start().await;
    let own = OWN.iter().map(|(header, _)| (*header, "one", "two"));
    let keys = [
        ("authorization", "Bearer sk-master-4711", "Bearer sk-other"),
        ("x-api-key", MASTER, TEAM),
        ("api-key", TEAM, MASTER),
    ];
    for (header, first, second) in own.chain(keys) {
        let key = if header.contains("key") || header == "authorization" { String::new() } else { bearer(MASTER) };
        let head = format!("{key}{header}: {first}\r\n{header}: {second}\r\n");
        let answer = setup.send("POST /chat/completions", &head, &text()).await;
        answer.is_refused(400, &json!("duplicate_header"), &json!(header));
    }
    assert!(setup.emulator.received().is_empty());
}

/// Nothing of a caller's head reaches AWS but SageMaker's own six.
#[tokio::test]
async fn what_is_the_operators_or_the_signatures_does_not_pass() {
    let setup = Setup::start().await;
    const FOREIGN: &[&str] = &[
        "x-amz-security-token: stolen-token-99",
        "x-amz-date: 20150830T123600Z",
        "x-amz-content-sha256: UNSIGNED-PAYLOAD",
        "x-amz-target: AmazonSageMaker.DeleteEndpoint",
        "x-amzn-sagemaker-custom-attributes: accept_eula=true",
        "x-amzn-sagemaker-enable-explanations: x",
        "x-amzn-sagemaker-prefix-aware-id: x",
        "x-amzn-sagemaker-accept: text/evil",
        "accept: text/evil",
        "content-type: text/evil",
        "x-forwarded-for: 6.6.6.6",
        "x-forwarded-host: evil.com",
        "forwarded: host=evil.com",
        "x-original-url: /admin",
        "x-rewrite-url: /admin",
        "x-http-method-override: DELETE",
        "cookie: session=evil",
        "proxy-authorization: Basic ZXZpbA==",
        "user-agent: evil/1.0",
        "x-litellm-api-base: http://evil.com",
        "aws_region_name: evil",
        "sagemaker_base_url: http://evil.com",
        "x-sagemaker-base-url: http://evil.com",
    ];
    let head = format!("{}{}\r\n", bearer(MASTER), FOREIGN.join("\r\n"));
    assert_eq!(setup.send("POST /chat/completions", &head, &text()).await.status, 200);
    let received = setup.emulator.received();
    assert_eq!(received.len(), 1);
    for line in FOREIGN {
        let (name, value) = line.split_once(": ").unwrap();
        let passed = received[0].headers.get_all(name).iter().any(|found| found == value);
        assert!(!passed, "{line}");
    }
    assert!(!received[0].headers.values().any(|value| value.to_str().is_ok_and(|value| value.contains("evil"))));
    setup.nothing_went_astray();
}

#[tokio::test]
async fn headers_asked_for_in_the_body_are_refused() {
    let setup = Setup::start().await;
    for name in ["extra_headers", "headers", "custom_attributes", "enable_explanations", "prefix_aware_id"] {
        let mut body = question("text");
        body[name] = json!({"x-evil": "a\r\nb: c"});
        setup.chat(&body).await.is_refused(400, &json!("parameter_not_allowed"), &json!(name));
    }
    assert!(setup.emulator.received().is_empty());
}

#[tokio::test]
async fn too_large_or_too_many_headers_are_a_431() {
    let setup = Setup::start().await;
    let key = bearer(MASTER);
    let large = format!("{key}x-large: {}\r\n", "x".repeat(100_000));
    let many = format!("{key}{}", (0..500).map(|number| format!("x-{number}: a\r\n")).collect::<String>());
    for head in [large, many] {
        assert_eq!(setup.send("POST /chat/completions", &head, &text()).await.status, 431);
    }
    let long = format!("GET /models/{}", "x".repeat(70_000));
    let status = setup.send(&long, &key, b"").await.status;
    assert!([414, 431].contains(&status), "{status}");
    assert!(setup.emulator.received().is_empty());
}
