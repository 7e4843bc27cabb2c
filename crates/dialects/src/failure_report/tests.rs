//! Each form of report, in a reply and with a status; what is a context that is too long, and what
//! is not.

use super::*;

/// Reason, name, status and parameter.
type Read<'a> = (Option<&'a str>, Option<&'a str>, Option<u16>, Option<&'a str>);

fn parts(report: &FailureReport) -> Read<'_> {
    (report.reason.as_deref(), report.name.as_deref(), report.status, report.param.as_deref())
}

#[test]
fn each_form_of_report_is_read() {
    let cases: &[(&str, Read<'_>)] = &[
        // TGI
        (
            r#"{"error":"Model is overloaded","error_type":"overloaded"}"#,
            (Some("Model is overloaded"), Some("overloaded"), None, None),
        ),
        // DJL
        (r#"{"error":"boom","code":424}"#, (Some("boom"), None, Some(424), None)),
        (r#"{"error":"","code":424}"#, (None, None, Some(424), None)),
        (r#"{"error":null,"code":"424"}"#, (None, None, Some(424), None)),
        (
            r#"{"code":424,"message":"invoke handler failure","error":"x"}"#,
            (Some("invoke handler failure: x"), None, Some(424), None),
        ),
        (
            r#"{"code":400,"type":"TranslateException","message":"m"}"#,
            (Some("m"), Some("TranslateException"), Some(400), None),
        ),
        // OpenAI
        (
            r#"{"error":{"message":"no","type":"BadRequestError","param":"n","code":400}}"#,
            (Some("no"), Some("BadRequestError"), Some(400), Some("n")),
        ),
        (
            r#"{"error":{"message":"no","type":"","param":"","code":"model_not_found"}}"#,
            (Some("no"), Some("model_not_found"), None, None),
        ),
        // vLLM's older form
        (
            r#"{"object":"error","message":"no","type":"NotFoundError","param":null,"code":404}"#,
            (Some("no"), Some("NotFoundError"), Some(404), None),
        ),
        // an event of vLLM's with a code and details
        (
            r#"{"code":400,"details":"Requested sample logprobs of 21"}"#,
            (Some("Requested sample logprobs of 21"), None, Some(400), None),
        ),
        // FastAPI
        (r#"{"detail":"Not Found"}"#, (Some("Not Found"), None, None, None)),
        (r#"{"detail":{"error":{"message":"no","type":"t"}}}"#, (Some("no"), Some("t"), None, None)),
        (
            r#"{"detail":[{"type":"x","loc":["body","max_tokens"],"msg":"Input should be at least 0","input":-2},
                {"loc":["body","messages",0,"content"],"msg":"Field required","input":{"msg":"caller"}}]}"#,
            (
                Some("max_tokens: Input should be at least 0; messages[0].content: Field required"),
                None,
                None,
                Some("max_tokens"),
            ),
        ),
        // the same as Python and JSON print it, in a message
        (
            r#"{"object":"error","message":"[{'type': 'extra_forbidden', 'loc': ('body', 'foo'), 'msg': 'Extra inputs aren\\'t \"permitted\"', 'input': {'msg': 'caller'}}]","code":400}"#,
            (Some("foo: Extra inputs aren't \"permitted\""), None, Some(400), Some("foo")),
        ),
        (
            r#"{"error":{"message":"[{\"loc\":[\"body\",\"foo\"],\"msg\":\"no\",\"input\":\"caller\"}]","code":400}}"#,
            (Some("foo: no"), None, Some(400), Some("foo")),
        ),
        // lists of reasons, and what is neither text nor object
        (r#"{"error":["one","two"]}"#, (Some("one; two"), None, None, None)),
        (r#"{"error":true}"#, (Some("true"), None, None, None)),
        (r#"{"error":{"a":1}}"#, (Some(r#"{"a":1}"#), None, None, None)),
    ];
    for (text, expected) in cases {
        let report = FailureReport::read(text.as_bytes()).unwrap_or_else(|| panic!("{text}"));
        assert_eq!((parts(&report), report.form), (*expected, ReportForm::Known), "{text}");
    }
    for text in [
        r#"{"generated_text":"hi"}"#,
        r#"{"error":null,"message":"hi"}"#,
        r#"{"error":{},"code":200}"#,
        r#"{"error":false}"#,
        r#"{"error":"","message":"hi"}"#,
        r#"{"detail":["a"]}"#,
        r#"{"code":200,"message":"fine"}"#,
        "[]",
        r#"["boom"]"#,
        "no json",
        "",
    ] {
        assert_eq!(FailureReport::read(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn with_a_status_every_body_is_a_report() {
    for (status, body, kind, reason, form) in [
        (404, r#"{"detail":"Not Found"}"#, ErrorKind::NotFound, Some("Not Found"), ReportForm::Known),
        (422, r#"{"message":"no"}"#, ErrorKind::InvalidRequest, Some("no"), ReportForm::Known),
        (400, r#""no""#, ErrorKind::InvalidRequest, Some("no"), ReportForm::Known),
        (500, r#"{"trace":"x"}"#, ErrorKind::ModelFailed, None, ReportForm::OtherJson),
        (500, "Traceback: x", ErrorKind::ModelFailed, None, ReportForm::Text),
        (502, "\n<html><body>Bad Gateway</body></html>", ErrorKind::ModelFailed, None, ReportForm::Html),
        (503, "", ErrorKind::Overloaded, None, ReportForm::Empty),
        (0, "", ErrorKind::Timeout, None, ReportForm::Empty),
    ] {
        let report = FailureReport::of_status(status, body.as_bytes());
        assert_eq!((report.kind, report.reason.as_deref(), report.form), (kind, reason, form), "{status} {body}");
        assert_eq!(report.status, Some(status));
    }
}

#[test]
fn a_context_that_is_too_long_is_known_in_every_form() {
    for (status, body) in [
        (
            422,
            r#"{"error":"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. Given: 3000","error_type":"validation"}"#,
        ),
        (
            422,
            r#"{"error":"Input validation error: `inputs` must have less than 4095 tokens. Given: 5000","error_type":"validation"}"#,
        ),
        (
            413,
            r#"{"error":"Input validation error: `inputs` must have less than 512 tokens. Given: 5000","error_type":"Validation"}"#,
        ),
        (
            400,
            r#"{"object":"error","message":"The input (5000 tokens) is longer than the model's context length (4096 tokens).","type":"BadRequestError","param":null,"code":400}"#,
        ),
        (
            400,
            r#"{"error":{"message":"This model's maximum context length is 128 tokens. However, you requested 4000 tokens","code":400}}"#,
        ),
        (
            400,
            r#"{"error":{"message":"max_tokens=4000 cannot be greater than max_model_len=128. Please request fewer output tokens."}}"#,
        ),
        (
            400,
            r#"{"error":{"message":"max_tokens must be at least 1, got -7584. (parameter=max_tokens, value=-7584)","type":"BadRequestError","param":"max_tokens","code":400}}"#,
        ),
        (
            400,
            r#"{"error":{"code":400,"message":"request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it","type":"exceed_context_size_error"}}"#,
        ),
        (400, r#"{"error":{"code":400,"message":"zu lang","type":"exceed_context_size_error"}}"#),
        (
            500,
            r#"{"message":"The sum of prompt length (5000.0), query length (0) should not exceed max_num_tokens (4096)","code":500}"#,
        ),
        (
            400,
            r#"{"error":{"message":"Input length (5000 tokens) exceeds the maximum allowed length (4096 tokens). Use a shorter input"}}"#,
        ),
        (400, r#"{"message":"the model's context length is only 4096 tokens, resulting in"}"#),
        (400, r#"{"error":{"message":"anything","code":"context_length_exceeded"}}"#),
    ] {
        assert_eq!(FailureReport::of_status(status, body.as_bytes()).kind, ErrorKind::ContextTooLong, "{body}");
    }
}

#[test]
fn the_callers_words_make_no_context_too_long() {
    let input = "What is the maximum context length of Llama, in tokens?";
    for (status, body, kind) in [
        (
            422,
            format!(r#"{{"detail":[{{"type":"extra_forbidden","loc":["body","foo"],"msg":"Extra inputs are not permitted","input":"{input}"}}]}}"#),
            ErrorKind::InvalidRequest,
        ),
        (
            400,
            format!(r#"{{"object":"error","message":"[{{'type': 'extra_forbidden', 'loc': ('body', 'foo'), 'msg': 'Extra inputs are not permitted', 'input': \"{{'msg': '{input}'\"}}]","type":"BadRequestError","code":400}}"#).replace("\\\"", "'"),
            ErrorKind::InvalidRequest,
        ),
        (
            400,
            format!(r#"{{"error":{{"message":"1 validation error:\n  {{'type': 'extra_forbidden', 'loc': ('body', 'foo'), 'msg': 'Extra inputs are not permitted', 'input': {{'msg': '{input}'}}}}","code":400}}}}"#),
            ErrorKind::InvalidRequest,
        ),
        (400, format!(r#"{{"error":{{"message":"unknown tool `{input}`","code":400}}}}"#), ErrorKind::InvalidRequest),
        (404, format!(r#"{{"error":{{"message":"The model {input} does not exist.","code":404}}}}"#), ErrorKind::NotFound),
        (
            400,
            r#"{"error":{"message":"max_tokens must be at least 1, got 0. (parameter=max_tokens, value=0)","param":"max_tokens","code":400}}"#.to_owned(),
            ErrorKind::InvalidRequest,
        ),
        (422, r#"{"error":"Input validation error: `best_of` must be > 0 and <= 2. Given: 3","error_type":"validation"}"#.to_owned(), ErrorKind::InvalidRequest),
    ] {
        assert_eq!(FailureReport::of_status(status, body.as_bytes()).kind, kind, "{body}");
    }
}

#[test]
fn an_error_has_the_reason_the_parameter_and_what_the_container_said() {
    let report = FailureReport::read(br#"{"error":{"message":"no","type":"BadRequestError","param":"n","code":400}}"#);
    let error = report.unwrap().into_error();
    let upstream = error.upstream().unwrap();
    assert_eq!((error.kind(), error.param()), (ErrorKind::InvalidRequest, Some("n")));
    assert_eq!(error.message(), "the container reports a failure: no");
    assert_eq!((upstream.reason.as_deref(), upstream.original_status), (Some("no"), Some(400)));
    let error = FailureReport::read(br#"{"error":"","code":424}"#).unwrap().into_error();
    assert!(error.message().contains("gives no reason"), "{error}");
}
