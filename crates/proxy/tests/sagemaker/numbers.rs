//! Numbers on every route: integers beyond 64 bits and floats of 17 digits reach the container, and
//! come back, as they were written.

use async_trait::async_trait;
use http::Method;
use sagewire_emulator::{Agent, Container, ContainerReply, Emulator, Invocation};

use crate::setup::{Answer, Setup};

const CONFIG: &str = "
model_list:
  - {model_name: chat, litellm_params: {model: sagemaker_chat/e}}
  - {model_name: text, litellm_params: {model: sagemaker/e, hf_model_name: Qwen/Qwen2.5-7B-Instruct}}
  - {model_name: vectors, litellm_params: {model: sagemaker/e}, model_info: {mode: embedding}}
  - {model_name: native, litellm_params: {model: sagemaker_chat/native, dialect: vllm}}
";

/// The numbers, as a JSON list has them.
const NUMBERS: &str = "123456789012345678901234567890,-98765432109876543210,18446744073709551616,0.30000000000000004,5.0000000000000005e-17";

/// Answers with the numbers, in the form that the request asks for.
#[derive(Debug)]
struct Counting;

#[async_trait]
impl Container for Counting {
    async fn invoke(&self, invocation: Invocation) -> ContainerReply {
        let request = String::from_utf8_lossy(&invocation.body);
        let call = format!(
            r#"[{{"index":0,"id":"c1","type":"function","function":{{"name":"f","arguments":{{"n":[{NUMBERS}]}}}}}}]"#
        );
        let unknown = format!(r#""unknown":{{"n":[{NUMBERS}]}}"#);
        if request.contains(r#""stream":true"#) {
            let stream = format!(
                "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"role\":\"assistant\",\"tool_calls\":{call},{unknown}}},{unknown}}}],{unknown}}}\n\ndata: {{\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"tool_calls\"}}]}}\n\ndata: [DONE]\n\n"
            );
            return ContainerReply::new(200, "text/event-stream", stream);
        }
        let reply = if request.contains(r#""messages":"#) {
            format!(
                r#"{{"id":"a","choices":[{{"index":0,"message":{{"role":"assistant","content":null,"tool_calls":{call},{unknown}}},"finish_reason":"tool_calls",{unknown}}}],{unknown}}}"#
            )
        } else if request.contains(r#""prompt":"#) {
            let logprobs =
                r#"{"tokens":["a"],"token_logprobs":[-0.30000000000000004],"top_logprobs":null,"text_offset":[0]}"#;
            format!(
                r#"{{"id":"a","choices":[{{"index":0,"text":"a","logprobs":{logprobs},"finish_reason":"stop"}}],{unknown}}}"#
            )
        } else if request.contains("<tools>") {
            let called =
                format!(r#"<tool_call>\n{{\"name\": \"f\", \"arguments\": {{\"n\":[{NUMBERS}]}}}}\n</tool_call>"#);
            format!(r#"[{{"generated_text":"{called}"}}]"#)
        } else {
            r#"[[0.30000000000000004,5.0000000000000005e-17]]"#.to_owned()
        };
        ContainerReply::new(200, "application/json", reply)
    }
}

async fn setup() -> Setup {
    let emulator = Emulator::builder()
        .endpoint("e", Counting)
        .endpoint("native", Agent::new().with_native_routes())
        .start()
        .await
        .unwrap();
    Setup::on(emulator, CONFIG).await
}

async fn ask(setup: &Setup, path: &str, body: &str) -> (String, Answer) {
    let json = [("content-type", "application/json")];
    let answer = setup.send(Method::POST, path, &json, body).await;
    assert_eq!(answer.status, 200, "{path} {body}: {}", answer.text());
    let received = setup.emulator.received();
    let sent = String::from_utf8(received.last().unwrap().body.to_vec()).unwrap();
    (sent, answer)
}

/// A conversation of chat's API with the numbers in a call and in a tool's schema, and with further
/// fields.
fn chat(fields: &str) -> String {
    let arguments = format!(r#"{{\"n\":[{NUMBERS}]}}"#);
    let call = format!(r#"{{"id":"c0","type":"function","function":{{"name":"f","arguments":"{arguments}"}}}}"#);
    let schema = format!(r#"{{"type":"object","properties":{{"n":{{"enum":[{NUMBERS}]}}}}}}"#);
    format!(
        r#"{{"messages":[{{"role":"user","content":"hi"}},{{"role":"assistant","content":null,"tool_calls":[{call}]}},{{"role":"tool","tool_call_id":"c0","content":"ok"}}],"tools":[{{"type":"function","function":{{"name":"f","description":"d","parameters":{schema}}}}}],{fields}}}"#
    )
}

fn messages(fields: &str) -> String {
    format!(
        r#"{{"max_tokens":50,"messages":[{{"role":"user","content":"hi"}},{{"role":"assistant","content":[{{"type":"tool_use","id":"c0","name":"f","input":{{"n":[{NUMBERS}]}}}}]}},{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"c0","content":"ok"}}]}}],"tools":[{{"name":"f","input_schema":{{"type":"object","properties":{{"n":{{"enum":[{NUMBERS}]}}}}}}}}],{fields}}}"#
    )
}

fn responses(fields: &str) -> String {
    let arguments = format!(r#"{{\"n\":[{NUMBERS}]}}"#);
    format!(
        r#"{{"input":[{{"role":"user","content":"hi"}},{{"type":"function_call","call_id":"c0","name":"f","arguments":"{arguments}"}},{{"type":"function_call_output","call_id":"c0","output":"ok"}}],"tools":[{{"type":"function","name":"f","parameters":{{"type":"object","properties":{{"n":{{"enum":[{NUMBERS}]}}}}}}}}],{fields}}}"#
    )
}

#[tokio::test]
async fn numbers_keep_their_digits_on_every_route() {
    let setup = setup().await;
    let own = format!(r#""own":{{"n":[{NUMBERS}]}}"#);
    let list = format!("[{NUMBERS}]");
    let spaced = format!("[{}]", NUMBERS.replace(',', ", "));
    let escaped = format!(r#"{{\"n\":[{NUMBERS}]}}"#);
    let parsed = format!(r#""input":{{"n":[{NUMBERS}]}}"#);
    let unknown = format!(r#""unknown":{{"n":[{NUMBERS}]}}"#);
    let floats = "[0.30000000000000004,5.0000000000000005e-17]".to_owned();
    let stream = r#""stream":true"#;
    for (path, body, sent, told) in [
        (
            "/v1/chat/completions",
            chat(&format!(r#""model":"chat",{own}"#)),
            vec![format!(r#""enum":{list}"#), format!(r#""own":{{"n":{list}}}"#), escaped.clone()],
            vec![escaped.clone(), unknown.clone()],
        ),
        (
            "/v1/chat/completions",
            chat(&format!(r#""model":"chat",{stream},{own}"#)),
            vec![format!(r#""enum":{list}"#), format!(r#""own":{{"n":{list}}}"#)],
            vec![escaped.clone(), unknown.clone()],
        ),
        (
            "/v1/chat/completions",
            chat(r#""model":"text""#),
            vec![format!(r#"\"enum\": {spaced}"#), format!(r#"\"arguments\": {{\"n\": {spaced}}}"#)],
            vec![escaped.clone()],
        ),
        (
            "/v1/completions",
            format!(r#"{{"model":"chat","prompt":"hi",{own}}}"#),
            vec![format!(r#""own":{{"n":{list}}}"#)],
            vec!["-0.30000000000000004".to_owned(), unknown],
        ),
        (
            "/v1/embeddings",
            format!(r#"{{"model":"vectors","input":"hi","encoding_format":"float",{own}}}"#),
            vec![list.clone()],
            vec![floats],
        ),
        (
            "/v1/messages",
            messages(&format!(r#""model":"chat",{own}"#)),
            vec![format!(r#""enum":{list}"#), format!(r#""own":{{"n":{list}}}"#), escaped.clone()],
            vec![parsed.clone()],
        ),
        (
            "/v1/messages",
            messages(&format!(r#""model":"chat",{stream}"#)),
            vec![escaped.clone()],
            vec![escaped.clone()],
        ),
        (
            "/v1/messages",
            messages(r#""model":"text""#),
            vec![format!(r#"\"arguments\": {{\"n\": {spaced}}}"#)],
            vec![parsed.clone()],
        ),
        (
            "/v1/responses",
            responses(&format!(r#""model":"chat",{own}"#)),
            vec![format!(r#""enum":{list}"#), format!(r#""own":{{"n":{list}}}"#), escaped.clone()],
            vec![escaped.clone(), format!(r#""enum":{list}"#)],
        ),
        (
            "/v1/responses",
            responses(&format!(r#""model":"chat",{stream}"#)),
            vec![escaped.clone()],
            vec![escaped.clone(), format!(r#""enum":{list}"#)],
        ),
        (
            "/v1/messages",
            messages(&format!(r#""model":"native",{own}"#)),
            vec![format!(r#""enum":{list}"#), format!(r#""own":{{"n":{list}}}"#), parsed],
            Vec::new(),
        ),
        (
            "/v1/responses",
            responses(&format!(r#""model":"native",{own}"#)),
            vec![format!(r#""enum":{list}"#), format!(r#""own":{{"n":{list}}}"#)],
            Vec::new(),
        ),
    ] {
        let (body_sent, answer) = ask(&setup, path, &body).await;
        for part in sent {
            assert!(body_sent.contains(&part), "{path}: `{part}` is not in what was sent: {body_sent}");
        }
        for part in told {
            assert!(answer.text().contains(&part), "{path}: `{part}` is not in the answer: {}", answer.text());
        }
    }
}
