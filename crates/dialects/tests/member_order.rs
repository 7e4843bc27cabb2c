//! The order of a body's members, which AWS's `PREFIX_AWARE` routing depends on: it compares the
//! first bytes of bodies. docs/doors.md promises it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

use sagewire_dialects::{ChatDialect, EncodeContext, ParameterPolicy};
use sagewire_types::ChatRequest;
use serde_json::{Map, Value, json};

/// The members of a request, in no order of any use.
fn members() -> Vec<(&'static str, Value)> {
    let schema = json!({"type": "object", "properties": {"b": {"type": "string"}, "a": {"type": "number"}}});
    vec![
        ("seed", json!(7)),
        ("z_of_the_container", json!({"y": 1, "x": 2})),
        ("top_p", json!(0.5)),
        ("tool_choice", json!("auto")),
        ("tools", json!([{"type": "function", "function": {"name": "look_up", "parameters": schema}}])),
        ("stop", json!(["END"])),
        ("temperature", json!(0.25)),
        ("a_of_the_container", json!(1)),
        ("max_tokens", json!(5)),
        ("parallel_tool_calls", json!(false)),
        (
            "messages",
            json!([{"role": "system", "content": "Be brief."}, {"role": "user", "content": [{"type": "text", "text": "Hi"}]}]),
        ),
        ("model", json!("m")),
    ]
}

/// The body of a request whose members come in this order.
fn body(dialect: ChatDialect, members: Vec<(&'static str, Value)>, stream: bool) -> String {
    let members: Map<String, Value> = members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let request: ChatRequest = serde_json::from_str(&Value::Object(members).to_string()).unwrap();
    let mut policy = ParameterPolicy::refusing();
    policy.drop_params = true;
    let mut context = EncodeContext::new("m", &policy);
    context.prompt = Some("<s>Be brief. Hi");
    context.stream = stream;
    let payload = dialect.implementation().encode(request, &context).unwrap();
    String::from_utf8(payload.body.to_vec()).unwrap()
}

/// What OpenAI's bodies begin with after the model: messages, then tools, whose schema is as the
/// caller wrote it.
const BEGINNING: &str = r#""messages":[{"role":"system","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"Hi"}]}],"tools":[{"type":"function","function":{"name":"look_up","parameters":{"type":"object","properties":{"b":{"type":"string"},"a":{"type":"number"}}}}}],"tool_choice":"auto","parallel_tool_calls":false,"#;

/// How the bodies of a dialect begin, and where its parameters are.
fn form(dialect: ChatDialect) -> (String, &'static str) {
    match dialect {
        ChatDialect::Messages | ChatDialect::Vllm => (format!(r#"{{"model":"m",{BEGINNING}"#), ""),
        ChatDialect::Nova => (format!("{{{BEGINNING}"), ""),
        ChatDialect::Tgi | ChatDialect::Lmi | ChatDialect::JumpStart => {
            (r#"{"inputs":"<s>Be brief. Hi","parameters":{"#.to_owned(), "/parameters")
        }
        _ => panic!("say here how the bodies of `{dialect}` begin"),
    }
}

/// The names of the parameters, in their order: those that are known, and those of the container.
fn names(body: &str, place: &str) -> (Vec<String>, Vec<String>) {
    let body: Value = serde_json::from_str(body).unwrap();
    let parameters = body.pointer(place).unwrap().as_object().unwrap();
    let last_known = parameters.keys().rposition(|name| !name.ends_with("_of_the_container")).unwrap();
    let first_other = parameters.keys().position(|name| name.ends_with("_of_the_container")).unwrap();
    assert!(last_known < first_other, "what only the container knows comes last: {body}");
    parameters.keys().cloned().partition(|name| !name.ends_with("_of_the_container"))
}

#[test]
fn bodies_begin_with_what_repeats_and_have_one_order_whatever_the_callers_is() {
    for &dialect in ChatDialect::ALL {
        let (beginning, place) = form(dialect);
        for stream in [false, true] {
            let forwards = body(dialect, members(), stream);
            let mut reversed = members();
            reversed.reverse();
            let backwards = body(dialect, reversed, stream);
            for body in [&forwards, &backwards] {
                assert!(body.starts_with(&beginning), "{dialect}: {body}");
            }
            let (known, of_container) = names(&forwards, place);
            assert_eq!(names(&backwards, place), (known, of_container.iter().rev().cloned().collect()), "{dialect}");
            assert_eq!(of_container, ["z_of_the_container", "a_of_the_container"], "{dialect}");
            assert!(forwards.contains(r#""z_of_the_container":{"y":1,"x":2}"#), "{forwards}");
        }
    }
}
