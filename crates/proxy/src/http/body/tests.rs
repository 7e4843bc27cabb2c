use std::convert::Infallible;

use futures_util::{StreamExt, stream};
use http_body::{Frame, SizeHint};
use sagewire_types::{ChatRequest, EmbedRequest};

use super::*;

/// A body that comes in pieces.
struct Pieces(Pin<Box<dyn futures_core::Stream<Item = Bytes> + Send>>);

impl Pieces {
    fn new(pieces: &[&'static str]) -> Self {
        let pieces: Vec<_> = pieces.iter().map(|piece| Bytes::from_static(piece.as_bytes())).collect();
        Self(stream::iter(pieces).boxed())
    }
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_next_unpin(cx).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}

fn limits(bytes: usize) -> Limits {
    Limits { body_bytes: bytes, ..Limits::default() }
}

fn message(error: &ApiError) -> String {
    String::from_utf8(error.to_json()).unwrap()
}

#[tokio::test]
async fn a_body_is_put_together_and_no_more_than_the_limit_is_kept() {
    let headers = HeaderMap::new();
    for pieces in [&["abcdef"][..], &["ab", "cd", "ef"], &["", "abc", "", "def"]] {
        assert_eq!(read(&headers, Body::new(Pieces::new(pieces)), &limits(6)).await.unwrap(), "abcdef");
        let error = read(&headers, Body::new(Pieces::new(pieces)), &limits(5)).await.unwrap_err();
        assert_eq!(error.status(), 413);
    }
    assert_eq!(read(&headers, Body::new(Pieces::new(&[])), &limits(5)).await.unwrap(), "");
    assert_eq!(read(&headers, Body::new(Pieces::new(&["\u{feff}{}"])), &limits(5)).await.unwrap(), "{}");
}

#[tokio::test]
async fn an_announced_length_is_refused_before_a_byte_is_read() {
    struct Announced;
    impl http_body::Body for Announced {
        type Data = Bytes;
        type Error = Infallible;
        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            panic!("it must not be read");
        }
        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(1_000_000)
        }
    }
    assert_eq!(read(&HeaderMap::new(), Body::new(Announced), &limits(10)).await.unwrap_err().status(), 413);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_times_out() {
    let endless = Pieces(stream::pending().boxed());
    let error = read(&HeaderMap::new(), Body::new(endless), &limits(10)).await.unwrap_err();
    assert_eq!(error.status(), 408);
}

#[tokio::test]
async fn a_compressed_body_is_refused_with_a_reason() {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_ENCODING, "gzip".parse().unwrap());
    let error = read(&headers, Body::new(Pieces::new(&["x"])), &limits(10)).await.unwrap_err();
    assert_eq!(error.status(), 415);
}

#[test]
fn a_wrong_value_is_named_with_its_parameter() {
    for (json, param) in [
        (r#"{"model":"m","temperature":"hot"}"#, "temperature"),
        ("{\"model\":\"m\",\n\"messages\":\n[{\"role\":7}]}", "messages[0].role"),
        (r#"{"stream":1,"model":"m"}"#, "stream"),
        (r#"{"model":["m"]}"#, "model"),
    ] {
        let error = parse::<ChatRequest>(json.as_bytes(), &Limits::default()).unwrap_err();
        let wire: serde_json::Value = serde_json::from_slice(&error.to_json()).unwrap();
        assert_eq!(wire["error"]["param"], param, "{wire}");
        assert!(wire["error"]["message"].as_str().unwrap().starts_with("invalid value"), "{wire}");
    }
    let error = parse::<EmbedRequest>(br#"{"model":"m"}"#, &Limits::default()).unwrap_err();
    assert!(message(&error).contains("missing required parameter `input`"), "{}", message(&error));
}

#[test]
fn what_is_no_json_is_told_apart_from_wrong_values() {
    for json in ["{", "{\"a\":}", "nonsense", "{} {}"] {
        let error = parse::<ChatRequest>(json.as_bytes(), &Limits::default()).unwrap_err();
        assert!(message(&error).contains("invalid_json"), "{json}: {}", message(&error));
    }
    assert!(message(&parse::<ChatRequest>(b"", &Limits::default()).unwrap_err()).contains("empty"));
}

#[test]
fn depth_counts_lists_and_objects_but_not_text() {
    let deep = format!("{{\"model\":\"m\",\"x\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(message(&parse::<ChatRequest>(deep.as_bytes(), &Limits::default()).unwrap_err()).contains("json_too_deep"));
}

#[test]
fn the_deepest_setting_is_one_that_the_parser_can_follow() {
    let limits = Limits { json_depth: Limits::MAX_JSON_DEPTH, ..Limits::default() };
    let inner = Limits::MAX_JSON_DEPTH - 1;
    let deep = format!("{{\"model\":\"m\",\"x\":{}{}}}", "[".repeat(inner), "]".repeat(inner));
    parse::<ChatRequest>(deep.as_bytes(), &limits).unwrap();
}

#[test]
fn half_a_character_in_any_text_costs_that_character_and_not_the_request() {
    let body = br#"{"model":"m","messages":[
        {"role":"user","content":"cut here \ud83d"},
        {"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f\ude00","arguments":"{}"}}]},
        {"role":"tool","tool_call_id":"c","content":"\ude00 tail"}]}"#;
    let request = parse::<ChatRequest>(body, &Limits::default()).unwrap();
    let sent = serde_json::to_string(&request).unwrap();
    for text in ["cut here \u{fffd}", "f\u{fffd}", "\u{fffd} tail"] {
        assert!(sent.contains(text), "{sent}");
    }
    let request = parse::<EmbedRequest>(br#"{"model":"m","input":["a \ud83d"]}"#, &Limits::default()).unwrap();
    assert!(serde_json::to_string(&request).unwrap().contains("a \u{fffd}"));

    let wrong = parse::<ChatRequest>(
        br#"{"model":"m","messages":[{"role":"user","content":"\ud83d"}],"n":"x"}"#,
        &Limits::default(),
    );
    assert!(message(&wrong.unwrap_err()).contains("\"param\":\"n\""));
}
