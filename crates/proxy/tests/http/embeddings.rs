//! Embeddings.

use serde_json::json;

use crate::client::Proxy;

#[tokio::test]
async fn vectors_come_in_the_form_that_was_asked_for() {
    let proxy = Proxy::start().await;
    let plain = proxy.post("/embeddings", &json!({"model": "echo", "input": ["a", "b"]})).await;
    assert_eq!(
        plain.text(),
        r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[1.0,-2.00]},{"object":"embedding","index":1,"embedding":[1.0,-2.00]}],"model":"echo","usage":{"prompt_tokens":2,"total_tokens":2}}"#,
        "the container's own digits stay"
    );
    let base64 =
        proxy.post("/v1/embeddings", &json!({"model": "echo", "input": "a", "encoding_format": "base64"})).await;
    assert_eq!(base64.json()["data"][0]["embedding"], "AACAPwAAAMA=");
}

#[tokio::test]
async fn an_input_that_is_missing_or_empty_is_named() {
    let proxy = Proxy::start().await;
    for body in
        [json!({"model": "echo"}), json!({"model": "echo", "input": []}), json!({"model": "echo", "input": {"a": 1}})]
    {
        let answer = proxy.post("/embeddings", &body).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["error"]["param"]), (400, &json!("input")), "{body}");
    }
    assert!(proxy.asked().is_empty());
}

#[tokio::test]
async fn large_answers_are_compressed_only_where_the_operator_and_the_caller_want_it() {
    let input: Vec<String> = (0..1000).map(|number| number.to_string()).collect();
    let body = json!({"model": "echo", "input": input}).to_string();
    let gzip = [("accept-encoding", "gzip")];
    let off = Proxy::start().await;
    let answer = off.send(http::Method::POST, "/embeddings", &gzip, body.clone()).await;
    assert!(!answer.headers.contains_key("content-encoding"));
    let yaml = "model_list: [{model_name: echo, litellm_params: {model: sagemaker/x}}]\nsagewire_settings: {compression: true}";
    let (config, _) = sagewire_proxy::Config::from_yaml(yaml, &|_| None).unwrap();
    let on = Proxy::with(|app| app.settings(&config)).await;
    let compressed = on.send(http::Method::POST, "/embeddings", &gzip, body.clone()).await;
    assert_eq!(compressed.headers["content-encoding"], "gzip");
    assert!(compressed.body.len() * 5 < answer.body.len());
    assert_eq!(on.send(http::Method::POST, "/embeddings", &[], body).await.body, answer.body);
}
