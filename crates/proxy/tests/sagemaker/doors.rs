//! The other ways into AWS, and the ids by which AWS keeps calls together, through the proxy.

use http::Method;
use sagewire_emulator::{Account, AwsError, Emulator, Operation, Scripted};
use serde_json::{Value, json};

use crate::setup::{Answer, Setup};

const ROUTED: &str = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/messages";
const TOKEN: &str = "header.payload.token-canary";

async fn start(yaml: &dyn Fn(&str) -> String) -> Setup {
    let account = json!({
        "inference_routers": [{"InferenceRouterName": "r", "RoutingTargets": [
            {"Name": "chat", "Destinations": [{"ResourceArn": ROUTED}]},
            {"Name": "vectors", "Destinations": [{"ResourceArn": ROUTED.replace("messages", "embedding").replace("us-east", "eu-west")}]},
        ]}],
        "global_inference_gateways": [{"Id": "k3x9p2m7q1ab", "Name": "g", "Models": {"m": "messages"}}],
    });
    let account = Account::from_json(&account.to_string()).unwrap();
    let emulator = Emulator::builder().account(account).start().await.unwrap();
    let yaml = yaml(&emulator.url());
    Setup::on(emulator, &yaml).await
}

fn call(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "hi"}]})
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.get(name).map(|value| value.to_str().unwrap())
}

fn routers(url: &str, exposes: bool) -> String {
    format!(
        "
model_list:
  - {{model_name: chat, litellm_params: {{model: sagemaker_router/r/chat, sagemaker_base_url: '{url}'}}}}
  - {{model_name: vectors, litellm_params: {{model: sagemaker_router/r/vectors, sagemaker_base_url: '{url}'}}, model_info: {{mode: embedding}}}}
sagewire_settings: {{expose_endpoint_names: {exposes}}}"
    )
}

#[tokio::test]
async fn which_resource_a_router_chose_and_why_is_in_headers_and_metrics() {
    let setup = start(&|url| routers(url, true)).await;
    let streamed = json!({"model": "chat", "stream": true, "messages": [{"role": "user", "content": "hi"}]});
    for body in [call("chat"), streamed] {
        let answer = setup.post("/chat/completions", &body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(header(&answer, "x-sagewire-routed-resource"), Some(ROUTED));
        assert_eq!(header(&answer, "x-sagewire-routing-reason"), Some("local-preferred"));
        assert_eq!(header(&answer, "x-sagewire-simulated-stream").is_some(), body["stream"] == true);
    }
    let answer = setup.post("/embeddings", &json!({"model": "vectors", "input": "a"})).await;
    assert_eq!(header(&answer, "x-sagewire-routing-reason"), Some("capacity-available"), "{answer:?}");
    let metrics = setup.get("/metrics").await;
    for line in [
        r#"sagewire_routed_total{model="chat",resource="us-east-1/endpoint/messages",reason="local-preferred"} 2"#,
        r#"sagewire_routed_total{model="vectors",resource="eu-west-1/endpoint/embedding",reason="capacity-available"} 1"#,
    ] {
        assert!(metrics.text().contains(line), "{}", metrics.text());
    }
    assert!(!metrics.text().contains("123456789012"), "no account in labels");

    let hidden = start(&|url| routers(url, false)).await;
    let answer = hidden.post("/chat/completions", &call("chat")).await;
    assert_eq!(header(&answer, "x-sagewire-routed-resource"), None);
    assert_eq!(header(&answer, "x-sagewire-routing-reason"), Some("local-preferred"));
}

#[tokio::test]
async fn a_gateways_errors_are_repeated_only_if_the_model_cannot_have_the_request() {
    let yaml = |url: &str| {
        format!(
            "
model_list:
  - model_name: chat
    litellm_params: {{model: sagemaker_gateway/k3x9p2m7q1ab/m, sagemaker_base_url: '{url}', customer_identity_token: {TOKEN}}}"
        )
    };
    let setup = start(&yaml).await;
    let operation = Operation::InvokeGlobalInferenceGateway;
    let mut asked = 0;
    for (code, status, is_repeated) in [
        ("ThrottlingException", 429, true),
        ("ServiceUnavailableException", 503, true),
        ("BadGatewayException", 502, false),
        ("GatewayTimeoutException", 504, false),
    ] {
        let error = AwsError::modelled(code, status, format!("the gateway was told {TOKEN}"));
        setup.emulator.enqueue("messages", Scripted::error(error));
        let answer = setup.post("/chat/completions", &call("chat")).await;
        let calls = setup.emulator.calls(operation) - asked;
        assert_eq!((answer.status.is_success(), calls), (is_repeated, if is_repeated { 2 } else { 1 }), "{answer:?}");
        assert!(!format!("{answer:?}").contains("canary"), "{answer:?}");
        asked += calls;
    }
    for received in setup.emulator.received() {
        assert_eq!(received.header("x-amzn-sagemaker-customer-identity-token"), Some(TOKEN));
        let authorization = received.header("authorization").unwrap();
        assert!(authorization.contains("x-amzn-sagemaker-customer-identity-token"), "it is signed: {authorization}");
        assert!(!String::from_utf8_lossy(&received.body).contains("canary"), "the model is not told");
    }
    for path in ["/metrics", "/model/info", "/v1/models"] {
        assert!(!setup.get(path).await.text().contains("canary"), "{path}");
    }
}

#[tokio::test]
async fn ids_are_derived_from_key_header_and_conversation_and_hold_no_secret() {
    let yaml = |_: &str| {
        "
general_settings: {master_key: sk-master-canary}
sagewire_settings:
  keys: [{name: team-one, key: sk-one-canary}, {name: team-two, key: sk-two-canary}]
model_list:
  - {model_name: by-key, litellm_params: {model: sagemaker_chat/messages, prefix_aware_id_from: key, session_id_from: key}}
  - {model_name: by-header, litellm_params: {model: sagemaker_chat/messages, prefix_aware_id_from: 'header:X-Team'}}
  - {model_name: by-conversation, litellm_params: {model: sagemaker_chat/messages, prefix_aware_id_from: conversation, session_id_from: conversation}}"
            .to_owned()
    };
    let setup = start(&yaml).await;
    let ask = async |model: &str, key: &str, team: Option<&str>, further: &[&str]| {
        let mut body = call(model);
        for text in further {
            body["messages"].as_array_mut().unwrap().push(json!({"role": "user", "content": text}));
        }
        let authorization = format!("Bearer {key}");
        let mut headers = vec![("authorization", authorization.as_str()), ("content-type", "application/json")];
        headers.extend(team.map(|team| ("x-team", team)));
        let answer = setup.send(Method::POST, "/chat/completions", &headers, &body.to_string()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let received = setup.emulator.received().pop().unwrap();
        let sent = format!("{:?}{}", received.headers, String::from_utf8_lossy(&received.body));
        assert!(!sent.contains("canary") && !sent.contains("team-"), "{sent}");
        ["prefix-aware-id", "session-id"].map(|name| {
            let id = received.header(&format!("x-amzn-sagemaker-{name}"))?;
            assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
            Some(id.to_owned())
        })
    };
    let (one, two) = ("sk-one-canary", "sk-two-canary");
    let of_one = ask("by-key", one, None, &[]).await;
    assert!(of_one.iter().all(Option::is_some));
    assert_eq!(ask("by-key", one, None, &["more"]).await, of_one);
    assert_ne!(ask("by-key", two, None, &[]).await, of_one);
    assert_ne!(ask("by-key", "sk-master-canary", None, &[]).await, of_one);

    let red = ask("by-header", one, Some("team-red"), &[]).await;
    assert!(red[0].is_some() && red[1].is_none());
    assert_eq!(ask("by-header", two, Some("team-red"), &[]).await, red);
    assert_ne!(ask("by-header", one, Some("team-blue"), &[]).await, red);
    assert_eq!(ask("by-header", one, None, &[]).await, [None, None]);

    let first = ask("by-conversation", one, None, &[]).await;
    assert_eq!(ask("by-conversation", one, None, &["and now?"]).await, first);
    let others = ask("by-conversation", two, None, &[]).await;
    assert_eq!((&others[0], others[1] == first[1]), (&first[0], false), "a session is one caller's");

    for (name, value) in [("prefix_aware_id_from", "key"), ("session_id_from", "header:x-team")] {
        let mut body = call("by-key");
        body[name] = json!(value);
        let headers = [("x-api-key", one), ("content-type", "application/json")];
        let answer = setup.send(Method::POST, "/chat/completions", &headers, &body.to_string()).await;
        assert_eq!(answer.status, 400, "{name} is the operator's");
    }
}
