use super::*;

const MESSAGE: &str = r#"{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"x","content":[],"usage":{"input_tokens":7,"output_tokens":0}}}"#;
const RESPONSE: &str = r#"{"type":"response.created","sequence_number":0,"response":{"id":"r","object":"response","created_at":1,"status":"in_progress","model":"x","output":[]}}"#;

const STOP: &str = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":3}}"#;

fn read(path: &str, text: &str, size: usize) -> (Vec<Forwarded>, Result<(), Error>) {
    let mut decoder = Protocol::of(path).unwrap().decoder();
    let mut out = Vec::new();
    let pushed = text.as_bytes().chunks(size).try_for_each(|piece| decoder.push(piece, &mut out));
    let outcome = pushed.and_then(|()| decoder.finish(&mut out));
    (out, outcome)
}

fn wire(events: &[&str]) -> String {
    events.iter().map(|event| format!("event: x\ndata: {event}\n\n")).collect()
}

#[test]
fn a_stream_gives_its_events_and_must_have_its_end() {
    let delta = r#"{"type":"response.output_text.delta","sequence_number":1,"item_id":"i","output_index":0,"content_index":0,"delta":"ü"}"#;
    let completed = RESPONSE.replace("created\"", "completed\"").replace("in_progress", "completed");
    let completed = completed.replace("[]", r#"[],"usage":{"input_tokens":3,"output_tokens":4,"total_tokens":7}"#);
    let events = [RESPONSE, delta, &completed];
    let wire = wire(&events);
    for size in (1..wire.len()).step_by(7) {
        let (out, outcome) = read("/v1/responses", &wire, size);
        outcome.unwrap();
        assert_eq!(out.iter().map(|event| &*event.bytes).collect::<Vec<_>>(), events.map(str::as_bytes));
        let readings: Vec<_> = out.iter().map(|event| event.reading.as_deref().unwrap()).collect();
        assert_eq!(readings.iter().map(|reading| reading.text_bytes).collect::<Vec<_>>(), [0, 2, 0]);
        assert_eq!(readings[2].usage, Some(sagewire_types::Usage::reported(3, 4)));
        assert_eq!((&*readings[1].name, readings[1].number), ("response.output_text.delta", Some(1)));
        assert!(out[0].around_model().is_some() && out[1].around_model().is_none());
    }
    for end in 1..wire.len() - completed.len() {
        if let Some(beginning) = wire.get(..end) {
            assert!(read("/v1/responses", beginning, 7).1.is_err(), "{end}");
        }
    }
}

#[test]
fn the_end_of_a_message_has_the_tokens_that_its_beginning_told() {
    let (out, outcome) = read("/v1/messages", &wire(&[MESSAGE, STOP, r#"{"type":"message_stop"}"#]), 50);
    outcome.unwrap();
    assert_eq!(out[1].reading.as_ref().unwrap().usage, Some(sagewire_types::Usage::reported(7, 3)));
}

#[test]
fn failures_and_other_forms_are_errors() {
    let start = format!("data: {MESSAGE}\n\n");
    for (path, wire, kind) in [
        ("/v1/messages", "data: {\"choices\":[]}\n\n", ErrorKind::Unsupported),
        ("/v1/responses", &*start, ErrorKind::Unsupported),
        ("/v1/messages/count_tokens", &*start, ErrorKind::Unsupported),
        ("/v1/messages", "data: {\"type\":\"message_start\"}\n\n", ErrorKind::Decode),
        ("/v1/messages", &*start, ErrorKind::StreamBroken),
        ("/v1/messages", &format!("{start}data: {{}}\n\n"), ErrorKind::Decode),
        ("/v1/messages", &format!("{start}data: {{\"type\":\"content_block_stop\"}}\n\n"), ErrorKind::Decode),
        // A name is a line of the stream, and must not become several.
        ("/v1/messages", &format!("{start}data: {{\"type\":\"x\\n\\nevent: message_stop\"}}\n\n"), ErrorKind::Decode),
        ("/v1/messages", &format!("{start}data: {{\"type\":\"x\\r\",\"delta\":1}}\n\n"), ErrorKind::Decode),
        ("/v1/messages", &format!("{start}data: {{\"error\":{{\"message\":\"boom\"}}}}\n\n"), ErrorKind::ModelFailed),
        ("/v1/messages", &format!("{start}event: error\ndata: boom\n\n"), ErrorKind::ModelFailed),
        (
            "/v1/messages",
            &format!("{start}event: error\ndata: {{\"type\":\"error\",\"error\":{{\"message\":\"boom\"}}}}\n\n"),
            ErrorKind::ModelFailed,
        ),
        // Nothing begins twice.
        ("/v1/messages", &format!("{start}{start}"), ErrorKind::Decode),
        ("/v1/responses", &format!("data: {RESPONSE}\n\ndata: {RESPONSE}\n\n"), ErrorKind::Decode),
        // Clients read JSON only so deep.
        (
            "/v1/messages",
            &format!(
                "{start}data: {{\"type\":\"of_tomorrow\",\"x\":{}{}}}\n\n",
                "[".repeat(100_000),
                "]".repeat(100_000)
            ),
            ErrorKind::Decode,
        ),
        // An end that gives no reason, or says that the answer goes on, is none.
        ("/v1/messages", &format!("{start}data: {{\"type\":\"message_stop\"}}\n\n"), ErrorKind::Decode),
        (
            "/v1/responses",
            &format!("data: {RESPONSE}\n\ndata: {}\n\n", RESPONSE.replace("response.created", "response.completed")),
            ErrorKind::Decode,
        ),
        // The fields of a failure may have the names and not the types of other events' fields.
        (
            "/v1/messages",
            &format!("{start}data: {{\"type\":\"error\",\"message\":\"boom\",\"delta\":1}}\n\n"),
            ErrorKind::ModelFailed,
        ),
        (
            "/v1/responses",
            &format!(
                "data: {RESPONSE}\n\ndata: {{\"type\":\"response.failed\",\"response\":{{\"error\":{{\"message\":\"boom\"}}}}}}\n\n"
            ),
            ErrorKind::ModelFailed,
        ),
    ] {
        let error = read(path, wire, 9).1.unwrap_err();
        assert_eq!((error.kind(), error.is_unknown_route()), (kind, kind == ErrorKind::Unsupported), "{wire} {error}");
        if kind == ErrorKind::ModelFailed {
            assert!(format!("{error:?}").contains("boom"), "{error:?}");
        }
    }
}

#[test]
fn what_a_client_is_to_ignore_is_passed_on_and_nothing_after_the_end() {
    let text = format!(
        "data: {{\"type\":\"ping\"}}\n\ndata: {MESSAGE}\n\ndata: {{\"type\":\"of_tomorrow\",\ndata: \"delta\":\"x\"}}\n\ndata: {STOP}\n\ndata: {{\"type\":\"message_stop\"}}\n\ndata: [DONE]\n\ndata: late\n\nevent: error\ndata: late\n\n"
    );
    let (out, outcome) = read("/v1/messages", &text, 11);
    outcome.unwrap();
    let names: Vec<_> = out.iter().map(|event| &*event.reading.as_ref().unwrap().name).collect();
    assert_eq!(names, ["ping", "message_start", "of_tomorrow", "message_delta", "message_stop"]);
    assert_eq!(out[2].bytes, r#"{"type":"of_tomorrow", "delta":"x"}"#);
}
