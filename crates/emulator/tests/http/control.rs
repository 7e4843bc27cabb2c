//! The control port, as a program in any language uses it.

use http::Method;
use sagewire_emulator::{Emulator, EmulatorError, Parts};
use serde_json::{Value, json};

use crate::client::{Answer, Client, decode, fixed_clock};

async fn start() -> (Emulator, Client) {
    let emulator = Emulator::builder().clock(fixed_clock()).control().start().await.unwrap();
    let client = Client::new(&emulator);
    (emulator, client)
}

async fn call(client: &Client, method: Method, path: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json")];
    client.plain(method, &format!("/_sagewire/{path}"), &headers, &body.to_string()).await
}

fn body(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

#[tokio::test]
async fn scripted_answers_are_given_in_their_order() {
    let (_emulator, client) = start().await;
    let replies = json!({"endpoint": "any", "replies": [
        {"body": {"generated_text": "hello"}, "headers": {"x-amzn-invoked-production-variant": "blue"}},
        {"status": 202, "body": "plain"},
        {"body_base64": "/w=="},
        {"error": {"code": "ThrottlingException", "status": 400, "message": "Rate exceeded"}},
        {"model_error": {"status": 503, "message": "overloaded"}},
    ]});
    let answer = call(&client, Method::POST, "replies", &replies).await;
    assert_eq!((answer.status, body(&answer)), (200, json!({"waiting": 5})));
    let first = client.invoke("any", "{}").await;
    assert_eq!((first.status, body(&first)), (200, json!({"generated_text": "hello"})));
    assert_eq!(first.headers.get("x-amzn-invoked-production-variant").unwrap(), "blue");
    let second = client.invoke("any", "{}").await;
    assert_eq!((second.status, second.body.as_ref()), (202, b"plain".as_slice()));
    assert_eq!(client.invoke("any", "{}").await.body.as_ref(), [0xff]);
    let throttled = client.invoke("any", "{}").await;
    assert_eq!((throttled.status, body(&throttled)), (400, json!({"Message": "Rate exceeded"})));
    let failed = client.invoke("any", "{}").await;
    assert_eq!((failed.status, &body(&failed)["OriginalStatusCode"]), (424, &json!(503)));
}

#[tokio::test]
async fn a_stream_has_the_parts_and_the_end_that_were_asked_for() {
    let (_emulator, client) = start().await;
    let stream = json!({"endpoint": "any", "replies": [{"stream": [
        {"sse": {"token": 1}},
        {"part_base64": "w6k="},
        {"sse": "[DONE]"},
        {"model_stream_error": {"error_code": "StreamBroken", "message": "gone"}},
    ]}]});
    assert_eq!(call(&client, Method::POST, "replies", &stream).await.status, 200);
    let answer = client.invoke_stream("any", "{}").await;
    let (frames, _) = decode(&answer.body);
    let payloads: Vec<_> = frames.iter().map(|frame| String::from_utf8_lossy(frame.payload()).into_owned()).collect();
    assert_eq!(payloads[..3], ["data: {\"token\":1}\n\n", "é", "data: [DONE]\n\n"]);
    assert!(payloads[3].contains("gone") && frames.len() == 4, "{payloads:?}");
}

#[tokio::test]
async fn faults_chaos_and_settings_come_by_name() {
    let (_emulator, client) = start().await;
    let faults = json!({"endpoint": "tgi", "fault": "throttling", "times": 2});
    assert_eq!(body(&call(&client, Method::POST, "faults", &faults).await), json!({"waiting": 2}));
    let statuses = async || {
        let mut statuses = Vec::new();
        for _ in 0..3 {
            statuses.push(client.invoke("tgi", "{\"inputs\": \"hi\"}").await.status);
        }
        statuses
    };
    assert_eq!(statuses().await, [400, 400, 200]);
    let requests = body(&call(&client, Method::GET, "requests", &json!({})).await);
    assert_eq!(requests["requests"][0]["fault"], "throttling");
    let chaos = json!({"seed": 1, "faults": [{"fault": "service-unavailable", "rate": 1.0}]});
    assert_eq!(call(&client, Method::PUT, "chaos", &chaos).await.status, 200);
    assert_eq!(statuses().await, [503, 503, 503]);
    assert_eq!(call(&client, Method::PUT, "chaos", &json!({"faults": []})).await.status, 200);
    let settings = json!({"latency_ms": 1, "clock_skew_seconds": 3600});
    assert_eq!(body(&call(&client, Method::PATCH, "settings", &settings).await), settings);
    let skewed = client.invoke("tgi", "{\"inputs\": \"hi\"}").await;
    assert_eq!(
        skewed.headers.get("x-amzn-errortype").unwrap().to_str().unwrap().split(':').next(),
        Some("InvalidSignatureException")
    );
}

#[tokio::test]
async fn endpoints_and_credentials_come_and_go_and_reset_brings_the_first_ones_back() {
    let (emulator, client) = start().await;
    let put = call(&client, Method::PUT, "endpoints/mine", &json!({"container": "echo"})).await;
    assert_eq!(body(&put), json!({"endpoints": ["embedding", "messages", "mine", "tgi"]}));
    assert_eq!(client.invoke("mine", "{\"a\": 1}").await.body.as_ref(), b"{\"a\": 1}");
    assert_eq!(call(&client, Method::DELETE, "endpoints/tgi", &json!({})).await.status, 200);
    assert_eq!(call(&client, Method::DELETE, "endpoints/tgi", &json!({})).await.status, 404);
    let secret = json!({"secret_access_key": "hush", "session_token": "token", "expires_in_seconds": 60});
    assert_eq!(call(&client, Method::PUT, "credentials/ASIAMINE", &secret).await.status, 200);
    let session = client.with("ASIAMINE", "hush", "token");
    assert_eq!(session.invoke("mine", "{}").await.status, 200);
    assert_eq!(call(&client, Method::POST, "sessions/expire", &json!({})).await.status, 200);
    assert_eq!(session.invoke("mine", "{}").await.status, 403);
    assert_eq!(call(&client, Method::DELETE, "credentials/ASIAMINE", &json!({})).await.status, 200);
    assert_eq!(call(&client, Method::POST, "reset", &json!({})).await.status, 200);
    assert_eq!(emulator.endpoints(), ["embedding", "messages", "tgi"]);
    assert!(emulator.received().is_empty());
}

#[tokio::test]
async fn the_log_tells_each_request_without_its_secrets() {
    let (_emulator, client) = start().await;
    client.invoke("tgi", "{\"inputs\": \"hi\"}").await;
    client.with("ASIANOBODY", "hush", "hush-token").invoke("messages", "{}").await;
    let all = call(&client, Method::GET, "requests", &json!({})).await;
    assert!(!String::from_utf8_lossy(&all.body).contains("hush-token"));
    let all = body(&all);
    let (first, second) = (&all["requests"][0], &all["requests"][1]);
    assert_eq!(
        [&first["at"], &first["operation"], &first["endpoint"], &first["body"], &first["accepted"], &first["region"]],
        [
            &json!("2015-08-30T12:00:00Z"),
            &json!("InvokeEndpoint"),
            &json!("tgi"),
            &json!("{\"inputs\": \"hi\"}"),
            &json!(true),
            &json!("eu-west-1"),
        ]
    );
    assert_eq!(first["headers"]["authorization"], "(redacted)");
    assert_eq!(first["fault"], json!(null));
    assert_eq!((&second["accepted"], &second["refused"]), (&json!(false), &json!("UnrecognizedClientException")));
    let some = body(&call(&client, Method::GET, "requests?endpoint=messages", &json!({})).await);
    assert_eq!(some["requests"].as_array().unwrap().len(), 1);
    assert_eq!(call(&client, Method::DELETE, "requests", &json!({})).await.status, 200);
    assert_eq!(body(&call(&client, Method::GET, "requests", &json!({})).await), json!({"requests": []}));
}

#[tokio::test]
async fn what_cannot_be_done_is_said() {
    let (_emulator, client) = start().await;
    for (method, path, sent, status, says) in [
        (Method::POST, "replies", json!({"replies": []}), 400, "either `endpoint` or `operation`"),
        (Method::POST, "replies", json!({"endpoint": "a", "replies": [{}]}), 400, "`replies[0]`: set exactly one of"),
        (Method::POST, "replies", json!({"endpoint": "a", "replies": [{"bdy": 1}]}), 400, "unknown field `bdy`"),
        (Method::POST, "replies", json!({"endpoint": "a", "replies": [{"body": 1, "status": 7}]}), 400, "`status` 7"),
        (Method::POST, "replies", json!({"operation": "Invoke", "replies": []}), 400, "unknown `operation` `Invoke`"),
        (Method::POST, "faults", json!({"endpoint": "a", "fault": "throtling"}), 400, "unknown fault `throtling`"),
        (Method::PUT, "chaos", json!({"faults": [{"fault": "throttling", "rate": 2}]}), 400, "0 to 1"),
        (Method::PUT, "endpoints/mine", json!({"container": "tgii"}), 400, "expected one of tgi, "),
        (Method::PUT, "endpoints/my_endpoint", json!({"container": "tgi"}), 400, "`my_endpoint`"),
        (Method::PUT, "endpoints/mine", json!({}), 400, "either `container` or `url`"),
        (Method::PATCH, "settings", json!({"clock_skew_seconds": i64::MAX}), 400, "ten years"),
        (
            Method::POST,
            "faults",
            json!({"endpoint": "a", "fault": "clock-skew=9223372036854775807"}),
            400,
            "clock-skew",
        ),
        (Method::POST, "faults", json!({"endpoint": "a", "fault": "gzip-bomb=18446744073709551615"}), 400, "gzip-bomb"),
        (
            Method::POST,
            "faults",
            json!({"endpoint": "a", "fault": "huge-frame=0:18446744073709551615"}),
            400,
            "huge-frame",
        ),
        (Method::POST, "faults", json!({"endpoint": "a", "fault": "throttling", "times": 1001}), 400, "at most 1000"),
        (
            Method::POST,
            "replies",
            json!({"endpoint": "a", "replies": [{"body": 1, "headers": {"Content-Length": "9"}}]}),
            400,
            "`Content-Length` cannot be",
        ),
        (
            Method::POST,
            "replies",
            json!({"endpoint": "a", "replies": [{"error": {"code": "A", "status": 101}}]}),
            400,
            "101",
        ),
        (Method::GET, "replies", json!({}), 405, "use POST"),
        (Method::POST, "openapi.json", json!({}), 405, "use GET"),
        (Method::POST, "health", json!({}), 405, "use GET"),
        (Method::GET, "requests?endpont=a", json!({}), 400, "`endpont`"),
        (Method::PATCH, "settings", json!({"latency_ms": 3_600_001}), 400, "`latency_ms`"),
        (
            Method::PUT,
            "endpoints/mine",
            json!({"container": "tgi", "token_delay_ms": u64::MAX}),
            400,
            "`token_delay_ms`",
        ),
        (
            Method::POST,
            "replies",
            json!({"endpoint": "a", "replies": [{"reset": true, "delay_ms": u64::MAX}]}),
            400,
            "`delay_ms`",
        ),
        (
            Method::POST,
            "replies",
            json!({"endpoint": "a", "replies": [{"stream": [], "pace_ms": u64::MAX}]}),
            400,
            "`pace_ms`",
        ),
        (
            Method::POST,
            "replies",
            json!({"endpoint": "a", "replies": [{"stream": [{"wait_ms": u64::MAX}]}]}),
            400,
            "`wait_ms`",
        ),
        (Method::POST, "faults", json!({"endpoint": "a", "fault": "stall=61m"}), 400, "at most an hour"),
        (
            Method::PUT,
            "chaos",
            json!({"faults": [{"fault": "throttling", "rate": 0.7}, {"fault": "stall=1s", "rate": 0.7}]}),
            400,
            "together",
        ),
        (Method::POST, "replies", json!({"endpoint": "a b", "replies": []}), 400, "`a b`"),
        (
            Method::POST,
            "replies",
            json!({"endpoint": "a", "replies": [{"body": 1, "cut_at": 5}]}),
            400,
            "`cut_at` is for",
        ),
        (
            Method::POST,
            "replies",
            json!({"endpoint": "a", "replies": [{"body": 1, "pace_ms": 5}]}),
            400,
            "`pace_ms` is for",
        ),
        (
            Method::POST,
            "replies",
            json!({"endpoint": "a", "replies": [{"stream": [], "cut_at": 1, "end_at": 2}]}),
            400,
            "`end_at` is for",
        ),
        (
            Method::POST,
            "replies",
            json!({"endpoint": "a", "replies": [{"reset": true, "headers": {"a": "b"}}]}),
            400,
            "`headers` is for",
        ),
        (
            Method::POST,
            "replies",
            json!({"endpoint": "a", "replies": [{"error": {"code": "A\nB", "status": 400}}]}),
            400,
            "`code`",
        ),
        (
            Method::POST,
            "replies",
            json!({"endpoint": "a", "replies": [{"model_error": {"status": 7, "message": ""}}]}),
            400,
            "0 or 100",
        ),
        (Method::POST, "faults", json!({"endpoint": "a", "fault": "throttling", "times": 0}), 400, "`times`"),
        (Method::PUT, "endpoints/mine", json!({"url": "http://a", "token_delay_ms": 1}), 400, "`token_delay_ms`"),
        (
            Method::PUT,
            "credentials/AB",
            json!({"secret_access_key": "s", "expires_in_seconds": u64::MAX}),
            400,
            "ten years",
        ),
        (Method::DELETE, "credentials/NOBODY", json!({}), 404, "`NOBODY`"),
        (Method::PUT, "credentials/A-B", json!({"secret_access_key": "s"}), 400, "access key id"),
        (Method::PUT, "credentials/AB", json!({"secret_access_key": ""}), 400, "`AB`"),
        (Method::GET, "nowhere", json!({}), 404, "openapi.json"),
    ] {
        let answer = call(&client, method, path, &sent).await;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(answer.status == status && text.contains(says), "{path} {sent}: {} {text}", answer.status);
    }
    let untyped = client.plain(Method::POST, "/_sagewire/reset", &[], "").await;
    assert_eq!(untyped.status, 200, "a route without a body needs no content type");
    for content_type in ["text/plain", "application/jsonp", ""] {
        let sent = client.plain(Method::POST, "/_sagewire/faults", &[("content-type", content_type)], "{}").await;
        assert_eq!(sent.status, 415, "{content_type}");
    }
}

#[tokio::test]
async fn it_is_off_unless_asked_for_and_closed_to_browsers() {
    let off = Emulator::builder().clock(fixed_clock()).start().await.unwrap();
    let client = Client::new(&off);
    assert_eq!(client.plain(Method::GET, "/_sagewire/requests", &[], "").await.status, 404);
    for method in [Method::GET, Method::HEAD] {
        assert_eq!(client.plain(method, "/_sagewire/health", &[], "").await.status, 200);
    }
    let (_emulator, client) = start().await;
    for header in [("origin", "http://example.com"), ("sec-fetch-site", "cross-site"), ("host", "example.com:80")] {
        let answer = client.plain(Method::GET, "/_sagewire/requests", &[header], "").await;
        assert_eq!(answer.status, 403, "{header:?}");
    }
}

#[tokio::test]
async fn a_token_opens_it_and_other_addresses_need_one() {
    let emulator = Emulator::builder().control_with_token("hush").start().await.unwrap();
    let client = Client::new(&emulator);
    for (sent, status) in
        [("Bearer hush", 200), ("Bearer hus", 401), ("Bearer hushh", 401), ("Bearer HUSH", 401), ("hush", 401)]
    {
        let answer = client.plain(Method::GET, "/_sagewire/requests", &[("authorization", sent)], "").await;
        assert_eq!(answer.status, status, "{sent}");
    }
    assert_eq!(client.plain(Method::GET, "/_sagewire/requests", &[], "").await.status, 401);
    let open = Emulator::builder().host("0.0.0.0".parse().unwrap()).control().start().await;
    assert!(matches!(open, Err(EmulatorError::OpenControl { .. })));
}

#[tokio::test]
async fn the_document_lists_every_route_with_its_schema() {
    let (_emulator, client) = start().await;
    let document = body(&call(&client, Method::GET, "openapi.json", &json!({})).await);
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 12, "{:?}", paths.keys());
    let reply =
        &document["paths"]["/_sagewire/replies"]["post"]["requestBody"]["content"]["application/json"]["schema"];
    assert!(reply["properties"]["replies"]["items"]["properties"]["delay_ms"].is_object(), "{reply}");
    assert_eq!(document["paths"]["/_sagewire/requests"]["get"]["parameters"][0]["name"], "endpoint");
    assert!(
        reply["properties"]["replies"]["items"]["properties"]["body"].is_object(),
        "generators want objects: {reply}"
    );
    let event = &reply["properties"]["replies"]["items"]["properties"]["stream"]["items"];
    assert!(!event.to_string().contains("\"sse\":true"), "{event}");
    assert!(!document.to_string().contains("$ref"), "a reference of a schema would be read from the document's root");
}

#[tokio::test]
async fn streams_of_whole_bodies_are_cut_as_asked() {
    let events = "data: {\"é\": 1}\n\ndata: [DONE]\n\n";
    for (parts, expected) in
        [(Parts::Events, Some(vec!["data: {\"é\": 1}\n\n", "data: [DONE]\n\n"])), (Parts::Awkward, None)]
    {
        let emulator =
            Emulator::builder().clock(fixed_clock()).parts(parts).built_in("mine", "echo").start().await.unwrap();
        let answer = Client::new(&emulator).invoke_stream("mine", events).await;
        let (frames, _) = decode(&answer.body);
        let payloads: Vec<_> =
            frames.iter().map(|frame| String::from_utf8_lossy(frame.payload()).into_owned()).collect();
        assert_eq!(frames.iter().flat_map(|frame| frame.payload().to_vec()).collect::<Vec<_>>(), events.as_bytes());
        match expected {
            Some(expected) => assert_eq!(payloads, expected),
            None => assert!(payloads.iter().any(|part| part.contains('\u{fffd}')), "{payloads:?}"),
        }
    }
}
