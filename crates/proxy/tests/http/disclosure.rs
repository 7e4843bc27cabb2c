//! What callers, logs and numbers do not show.

use http::Method;
use sagewire_proxy::{Config, KeyDigest, config::CallerKey};
use serde_json::json;
use tracing_subscriber::filter::LevelFilter;

use crate::{client::Proxy, logs::capture};

fn body(model: &str) -> String {
    json!({"model": model, "messages": [{"role": "user", "content": "PROMPT-TEXT"}]}).to_string()
}

#[tokio::test]
async fn errors_hide_what_lies_behind_but_show_awss_request_id() {
    let proxy = Proxy::start().await;
    for (model, status, code) in [
        ("fail-invalid", 400, None),
        ("fail-context", 400, Some("context_length_exceeded")),
        ("fail-authentication", 502, Some("upstream_authentication_failed")),
        ("fail-permission", 502, Some("upstream_permission_denied")),
        ("fail-throttled", 429, Some("rate_limit_exceeded")),
        ("fail-model", 502, Some("model_failed")),
        ("fail-timeout", 504, Some("timeout")),
        ("fail-missing", 502, Some("proxy_misconfigured")),
    ] {
        let answer = proxy.send(Method::POST, "/chat/completions", &[], body(model)).await;
        let error = &answer.json()["error"];
        assert_eq!((answer.status.as_u16(), error["code"].as_str()), (status, code), "{model}");
        assert_eq!(error["aws_request_id"], "aws-request-1");
        assert_eq!(answer.headers["x-amzn-requestid"], "aws-request-1");
        let text = answer.text();
        for hidden in ["UPSTREAM-BODY", "LOG-STREAM", "hidden-endpoint", "123456789012", "console.aws", "arn:", "CAUSE"]
        {
            assert!(!text.contains(hidden), "{model} shows {hidden}: {text}");
        }
        assert!(text.contains(&format!("`{model}` failed")), "the caller's own name stands in its place: {text}");
    }
}

#[tokio::test]
async fn the_operator_may_open_it() {
    let yaml = "model_list: [{model_name: m, litellm_params: {model: sagemaker/x}}]\nsagewire_settings: {expose_upstream_errors: true, expose_endpoint_names: true}";
    let (config, _) = Config::from_yaml(yaml, &|_| None).unwrap();
    let proxy = Proxy::with(|app| app.settings(&config)).await;
    let answer = proxy.send(Method::POST, "/chat/completions", &[], body("fail-model")).await;
    let error = &answer.json()["error"];
    assert_eq!(error["upstream"]["original_message"], "CUDA out of memory UPSTREAM-BODY");
    assert!(error["message"].as_str().unwrap().contains("hidden-endpoint-7"));
}

/// Everything that is logged while the proxy answers good calls, bad calls and streams, at the most
/// talkative level.
fn logged(yaml: &str) -> String {
    let (config, _) = Config::from_yaml(yaml, &|_| None).unwrap();
    let lines = capture(LevelFilter::TRACE, async {
        let key = CallerKey::new("team", KeyDigest::of("sk-team-SECRET"));
        let proxy = Proxy::with(|app| app.settings(&config).master_key("sk-master-SECRET").caller_key(key)).await;
        for (header, value) in [
            // The first pass makes sure that every line's place in the code is known.
            ("authorization", "Bearer sk-master-SECRET"),
            ("authorization", "Bearer sk-master-SECRET"),
            ("x-api-key", "sk-team-SECRET"),
            ("api-key", "sk-wrong-SECRET"),
        ] {
            for body in [
                body("echo"),
                body("fail-model"),
                body("echo").replace("\"model\"", "\"stream\":true,\"model\""),
                body("broken").replace("\"model\"", "\"stream\":true,\"model\""),
                body("echo").replace("\"model\"", "\"aws_secret_access_key\":\"SECRET\",\"model\""),
                "{\"model\": SECRET".to_owned(),
            ] {
                // A place that another test's thread was making known at the same time may have missed this
                // subscriber.
                tracing::callsite::rebuild_interest_cache();
                proxy.send(Method::POST, "/chat/completions", &[(header, value)], body).await;
            }
        }
        let page = proxy.get("/metrics").await;
        assert!(!page.text().contains("SECRET") && !page.text().contains("hidden-endpoint"), "{}", page.text());
    });
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[test]
fn logs_hold_no_key_and_no_prompt_but_what_an_operator_needs() {
    let log = logged("model_list: [{model_name: m, litellm_params: {model: sagemaker/x}}]");
    // hyper's own trace lines are not ours to answer for.
    let ours: String = log.lines().filter(|line| line.contains(r#""target":"sagewire"#)).collect::<Vec<_>>().join("\n");
    for hidden in ["SECRET", "PROMPT-TEXT"] {
        assert!(!ours.contains(hidden), "the log shows {hidden}:\n{ours}");
    }
    for shown in [
        r#""container_said":"CUDA out of memory"#,
        r#""key":"team""#,
        r#""key":"master""#,
        r#""status":502"#,
        r#""error":"model_failed""#,
        "aws-request-1",
        "CAUSE",
    ] {
        assert!(ours.contains(shown), "the log lacks {shown}:\n{ours}");
    }
}

#[test]
fn prompts_are_logged_where_the_operator_asks_for_it() {
    let log = logged(
        "model_list: [{model_name: m, litellm_params: {model: sagemaker/x}}]\nsagewire_settings: {log_prompts: true}",
    );
    assert!(log.contains("PROMPT-TEXT"));
    let ours = log.lines().filter(|line| line.contains(r#""target":"sagewire"#)).collect::<Vec<_>>().join("\n");
    assert!(!ours.contains("sk-master-SECRET") && !ours.contains("sk-team-SECRET"));
}
