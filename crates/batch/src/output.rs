//! One line of a result: [OpenAI's form](https://platform.openai.com/docs/api-reference/batch/request-output).

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::engine::Response;

#[derive(Serialize)]
struct ResultLine<'a> {
    id: String,
    custom_id: &'a str,
    response: Option<ResultResponse<'a>>,
    error: Option<ResultError<'a>>,
}

#[derive(Serialize)]
struct ResultResponse<'a> {
    status_code: u16,
    request_id: &'a str,
    body: &'a RawValue,
}

#[derive(Serialize)]
struct ResultError<'a> {
    code: &'a str,
    message: &'a str,
}

/// The result of a line that was answered, without its end.
pub(crate) fn answered(custom_id: &str, response: &Response) -> Vec<u8> {
    // Nearly all bodies are UTF-8, and this check is faster than `from_utf8_lossy`.
    let text = match str::from_utf8(&response.body) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(&response.body),
    };
    // A container's JSON may be spread over lines; within its strings there is no raw line end.
    let has_lines = memchr::memchr2(b'\n', b'\r', text.as_bytes()).is_some();
    let one_line = if has_lines { Cow::Owned(text.replace(['\n', '\r'], " ")) } else { Cow::Borrowed(&*text) };
    let as_text;
    let body = match serde_json::from_str::<&RawValue>(&one_line) {
        Ok(body) => body,
        Err(_) => {
            as_text = serde_json::value::to_raw_value(&text);
            match &as_text {
                Ok(body) => body,
                Err(_) => RawValue::NULL,
            }
        }
    };
    let response = ResultResponse { status_code: response.status, request_id: &response.request_id, body };
    write(&ResultLine { id: id(), custom_id, response: Some(response), error: None }, body.get().len())
}

/// The result of a line that was not answered, without its end.
pub(crate) fn failed(custom_id: &str, code: &str, message: &str) -> Vec<u8> {
    let error = Some(ResultError { code, message });
    write(&ResultLine { id: id(), custom_id, response: None, error }, message.len())
}

/// Writes a line whose longest part has so many bytes.
fn write(line: &ResultLine<'_>, longest: usize) -> Vec<u8> {
    let mut json = Vec::with_capacity(longest + 256);
    match serde_json::to_writer(&mut json, line) {
        Ok(()) => json,
        // Texts and JSON values always have a JSON form.
        Err(_) => Vec::new(),
    }
}

fn id() -> String {
    format!("batch_req_{:024x}", fastrand::u128(..) >> 32)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_result_has_openais_form_on_one_line() {
        let response = |status, body: &'static str| Response {
            status,
            request_id: "req_1".to_owned(),
            body: body.as_bytes().into(),
        };
        for (body, expected) in [
            ("{\"a\":\r\n 1.50}\n", json!({"a": 1.50})),
            ("no\njson", json!("no\njson")),
            ("", json!("")),
            ("[12345678901234567890123]", serde_json::from_str("[12345678901234567890123]").unwrap()),
        ] {
            let line = answered("a\nb", &response(200, body));
            assert!(!line.contains(&b'\n'), "{body}");
            let value: Value = serde_json::from_slice(&line).unwrap();
            assert_eq!(value["response"], json!({"status_code": 200, "request_id": "req_1", "body": expected}));
            assert_eq!((&value["custom_id"], &value["error"]), (&json!("a\nb"), &Value::Null));
            assert!(value["id"].as_str().unwrap().starts_with("batch_req_"));
        }
        let line: Value = serde_json::from_slice(&failed("a", "batch_expired", "too late")).unwrap();
        assert_eq!((&line["response"], &line["error"]["code"]), (&Value::Null, &json!("batch_expired")));
    }
}
