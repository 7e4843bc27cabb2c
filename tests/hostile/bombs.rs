//! Little that becomes much: compressed bodies, depth, numbers, and texts that are none.

use std::{io::Write as _, sync::OnceLock};

use flate2::{Compression, write::GzEncoder};
use sagewire_emulator::Scripted;
use serde_json::{Value, json};

use crate::setup::{MASTER, Setup, bearer, question};

/// Sixteen megabytes of zeros in as many kilobytes.
fn bomb() -> &'static [u8] {
    static BOMB: OnceLock<Vec<u8>> = OnceLock::new();
    BOMB.get_or_init(|| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let zeros = vec![b'0'; 1 << 20];
        (0..16).for_each(|_| encoder.write_all(&zeros).unwrap());
        encoder.finish().unwrap()
    })
}

fn chat_with(more: &str) -> Vec<u8> {
    format!(r#"{{"model":"text","messages":[{{"role":"user","content":"hi"}}],"max_tokens":5,{more}}}"#).into_bytes()
}

#[tokio::test]
async fn a_compressed_body_is_refused_and_not_unpacked() {
    let setup = Setup::start().await;
    let bomb = bomb();
    assert!(bomb.len() < 100_000);
    for encoding in
        ["gzip", "GZIP", "x-gzip", "deflate", "br", "zstd", "compress", "gzip, gzip", "identity, gzip", "nonsense"]
    {
        let head = format!("{}content-encoding: {encoding}\r\n", bearer(MASTER));
        for path in ["/chat/completions", "/completions", "/embeddings"] {
            let answer = setup.send(&format!("POST {path}"), &head, bomb).await;
            answer.is_refused(415, &json!("unsupported_content_encoding"), &Value::Null);
        }
    }
    // Named twice, or not at all, it is not JSON.
    for head in [String::new(), "content-encoding: identity\r\ncontent-encoding: gzip\r\n".to_owned()] {
        let answer = setup.send("POST /chat/completions", &format!("{}{head}", bearer(MASTER)), bomb).await;
        assert!([400, 415].contains(&answer.status), "{}", answer.status);
        assert_eq!(answer.json()["error"]["type"], "invalid_request_error");
    }
    assert!(setup.emulator.received().is_empty());
}

#[tokio::test]
async fn a_compressed_reply_is_a_failure_and_not_unpacked() {
    let setup = Setup::start().await;
    for encoding in ["gzip", "deflate", "br", "zstd"] {
        for stream in [false, true] {
            setup.emulator.enqueue("tgi", Scripted::ok(bomb()).header("content-encoding", encoding));
            let mut body = question("text");
            body["stream"] = json!(stream);
            let answer = setup.chat(&body).await;
            let error = &answer.json()["error"];
            assert_eq!((answer.status, &error["type"]), (502, &json!("server_error")), "{encoding}: {error}");
            assert!(answer.body.len() < 4096, "{} bytes", answer.body.len());
            // The caller cannot make the container compress.
            assert!(setup.emulator.received().iter().all(|received| !received.headers.contains_key("accept-encoding")));
        }
    }
}

#[tokio::test]
async fn depth_is_refused_before_it_is_parsed() {
    let setup = Setup::start().await;
    let nested = |open: &str, close: &str, depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
    let bodies = [
        "[".repeat(100_000).into_bytes(),
        "{\"a\":".repeat(100_000).into_bytes(),
        nested("[", "]", 100_000).into_bytes(),
        chat_with(&format!(r#""x":{}"#, nested("[", "]", 100_000))),
        chat_with(&format!(r#""x":{}"#, nested("{\"a\":", "}", 100_000))),
        chat_with(&format!(
            r#""tools":[{{"type":"function","function":{{"name":"f","parameters":{}}}}}]"#,
            nested("{\"a\":", "}", 5000)
        )),
        chat_with(&format!(r#""x":{}"#, nested("[", "]", 64))),
    ];
    for body in bodies {
        for path in ["/chat/completions", "/completions", "/embeddings"] {
            let answer = setup.send(&format!("POST {path}"), &bearer(MASTER), &body).await;
            answer.is_refused(400, &json!("json_too_deep"), &Value::Null);
        }
    }
    assert!(setup.emulator.received().is_empty());
    // Brackets in a text are no depth.
    let text = chat_with(&format!(r#""stop":["{}"]"#, "[".repeat(60_000)));
    assert_eq!(setup.send("POST /chat/completions", &bearer(MASTER), &text).await.status, 200);
}

#[tokio::test]
async fn a_number_that_is_none_is_a_400() {
    let setup = Setup::start().await;
    let digits = "9".repeat(1_000_000);
    for number in [
        "1e999999",
        "-1e999999",
        "1e99999999999999999999999",
        &digits,
        &format!("-{digits}"),
        &format!("1{digits}.0"),
        "NaN",
        "Infinity",
        "-Infinity",
        "0x10",
        "01",
        "+1",
        ".5",
        "1.",
        "1_000",
        "１",
    ] {
        for name in ["temperature", "seed", "max_tokens", "x", "logit_bias"] {
            let body = chat_with(&format!(r#""{name}":{number}"#)).to_vec();
            let answer = setup.send("POST /chat/completions", &bearer(MASTER), &body).await;
            let error = &answer.json()["error"];
            assert_eq!((answer.status, &error["type"]), (400, &json!("invalid_request_error")), "{name}: {error}");
            assert!(answer.body.len() < 4096, "{} bytes", answer.body.len());
        }
    }
    assert!(setup.emulator.received().is_empty());
    // A long fraction is a number, and goes on as the one it is.
    let fraction = chat_with(&format!(r#""x":0.{}"#, "1".repeat(1_000_000)));
    assert_eq!(setup.send("POST /chat/completions", &bearer(MASTER), &fraction).await.status, 200);
    assert!(setup.emulator.received()[0].body.len() < 1000);
}

#[tokio::test]
async fn a_key_twice_and_a_text_that_is_none_are_a_400() {
    let setup = Setup::start().await;
    let bodies: &[&[u8]] = &[
        br#"{"model":"text","model":"chat","messages":[{"role":"user","content":"a"}]}"#,
        br#"{"model":"text","messages":[{"role":"user","content":"a"}],"messages":[]}"#,
        br#"{"model":"text","messages":[{"role":"user","role":"system","content":"a"}]}"#,
        br#"{"model":"text","messages":[{"role":"user","content":"a"}],"stream":false,"stream":true}"#,
        b"{\"model\":\"text\",\"messages\":[{\"role\":\"user\",\"content\":\"\xff\xfe\"}]}",
        b"{\"model\":\"text\",\"messages\":[{\"role\":\"user\",\"content\":\"a\x01b\"}]}",
        b"\xef\xbb\xbf{\"model\":\"text\",\"messages\":[]}",
        b"\xff\xfe{\0}\0",
        br#"{"model":"text","messages":[{"role":"user","content":"a"}]} {}"#,
        br#"{"model":"text","messages":[{"role":"user","content":"a"}],}"#,
        br#"{'model':'text'}"#,
        b"model=text&messages=x",
        b"null",
        b"[]",
        b"\"text\"",
        b"",
        b"\0",
    ];
    for body in bodies {
        let answer = setup.send("POST /chat/completions", &bearer(MASTER), body).await;
        let shown = String::from_utf8_lossy(body);
        assert_eq!(answer.status, 400, "{shown}: {}", answer.json());
        assert_eq!(answer.json()["error"]["type"], "invalid_request_error", "{shown}");
    }
    assert!(setup.emulator.received().is_empty());
    // Half of a character costs that character alone.
    for (body, status) in [
        (&br#"{"model":"text","messages":[{"role":"user","content":"\udc00\ud800"}]}"#[..], 200),
        (br#"{"model":"\ud800","messages":[{"role":"user","content":"a"}]}"#, 404),
    ] {
        assert_eq!(setup.send("POST /chat/completions", &bearer(MASTER), body).await.status, status);
    }
    assert!(
        setup
            .emulator
            .received()
            .iter()
            .all(|received| String::from_utf8_lossy(&received.body).contains("\u{fffd}\u{fffd}"))
    );
    setup.emulator.clear_received();
    // A parameter of the container's twice: one of them goes on, never both.
    let twice = chat_with(r#""top_k":1,"top_k":2"#);
    let answer = setup.send("POST /chat/completions", &bearer(MASTER), &twice).await;
    assert!([200, 400].contains(&answer.status));
    for received in setup.emulator.received() {
        assert_eq!(String::from_utf8_lossy(&received.body).matches("top_k").count(), 1);
    }
    // Many of them are answered, but not so many that reading them takes far more memory than they have
    // bytes.
    for (count, status) in [(2_000, 200), (100_000, 400)] {
        let many: Vec<String> = (0..count).map(|number| format!(r#""p{number}":0"#)).collect();
        let answer = setup.send("POST /chat/completions", &bearer(MASTER), &chat_with(&many.join(","))).await;
        assert_eq!(answer.status, status, "{count}: {}", answer.json());
    }
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_a_413_whatever_its_head_says() {
    let setup = Setup::start().await;
    let head = format!("POST /chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{}", bearer(MASTER));
    // Announced: refused before a byte of it came.
    let announced = setup.raw(format!("{head}content-length: 9999999999\r\n\r\n").as_bytes()).await;
    crate::setup::answers(&announced)[0].is_refused(413, &json!("body_too_large"), &Value::Null);
    // In pieces: refused once it is too much.
    let mut pieces = format!("{head}transfer-encoding: chunked\r\n\r\n").into_bytes();
    let piece = format!("{:x}\r\n{}\r\n", 1 << 20, "x".repeat(1 << 20));
    (0..27).for_each(|_| pieces.extend_from_slice(piece.as_bytes()));
    let answer = setup.raw(&pieces).await;
    if let Some(answer) = (!answer.is_empty()).then(|| crate::setup::answers(&answer).remove(0)) {
        answer.is_refused(413, &json!("body_too_large"), &Value::Null);
    }
    assert!(setup.emulator.received().is_empty());
}
