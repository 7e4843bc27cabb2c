//! Requests whose end is disputed: a server in front of the proxy may see one, and the proxy
//! another.
//!
//! What HTTP/1.1 says of each: <https://www.rfc-editor.org/rfc/rfc9112#name-message-body-length>

use crate::setup::{Answer, MASTER, Setup, answers, bearer, question};

/// Stands in the question that nobody may get through.
const MARK: &str = "smuggled-7261";

/// A whole request of its own, with a key that would be accepted.
fn smuggled() -> String {
    let body = question("text").to_string().replace("llama", MARK);
    format!(
        "POST /chat/completions HTTP/1.1\r\nhost: proxy\r\n{}content-length: {}\r\n\r\n{body}",
        bearer(MASTER),
        body.len()
    )
}

fn request(framing: &str, body: &str) -> Vec<u8> {
    let key = bearer(MASTER);
    format!("POST /chat/completions HTTP/1.1\r\nhost: proxy\r\n{key}{framing}\r\n\r\n{body}").into_bytes()
}

/// No answer but refusals came back, and nothing of the second request went on.
#[track_caller]
fn came_to_nothing(setup: &Setup, what: &str, answers: &[Answer]) {
    assert!(!answers.is_empty(), "{what}: no answer");
    assert!(answers.iter().all(|answer| (400..500).contains(&answer.status)), "{what}: {answers:?}");
    assert!(setup.emulator.received().is_empty(), "{what}: AWS was called");
}

#[tokio::test]
async fn two_lengths_or_a_length_and_pieces_carry_no_second_request() {
    let setup = Setup::start().await;
    let second = smuggled();
    let (all, few) = (second.len() + 5, 4);
    for framing in [
        // By the length it is one request, by the pieces two.
        format!("content-length: {all}\r\ntransfer-encoding: chunked"),
        format!("transfer-encoding: chunked\r\ncontent-length: {all}"),
        format!("content-length: {few}\r\ntransfer-encoding: chunked"),
        format!("content-length: {few}\r\ncontent-length: {all}"),
        format!("content-length: {all}\r\ncontent-length: {few}"),
        format!("content-length: {few}, {all}"),
        format!("content-length: +{few}"),
        "content-length: 0x4".to_owned(),
        "content-length: -1".to_owned(),
        "content-length: 4 4".to_owned(),
        "content-length:".to_owned(),
        format!("content-length: {}", "9".repeat(30)),
    ] {
        let answers = answers(&setup.raw(&request(&framing, &format!("0\r\n\r\n{second}"))).await);
        came_to_nothing(&setup, &framing, &answers);
        assert_eq!(answers.len(), 1, "{framing}: what follows was answered: {answers:?}");
    }
}

#[tokio::test]
async fn an_obscured_transfer_encoding_carries_no_second_request() {
    let setup = Setup::start().await;
    let body = format!("0\r\n\r\n{}", smuggled());
    for framing in [
        "transfer-encoding: xchunked",
        "transfer-encoding: chunked, identity",
        "transfer-encoding: identity",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity",
        "transfer-encoding : chunked",
        "transfer-encoding: \u{b}chunked",
        "transfer-encoding: \"chunked\"",
        "transfer-encoding: chunked;q=1",
        "transfer-encoding\t: chunked",
        " transfer-encoding: chunked",
        "x: y\r\n transfer-encoding: chunked",
        "transfer-encoding:\r\n chunked",
        // No such header, so there is no body: what follows is a request that begins with `0`.
        "transfer_encoding: chunked",
        "x-transfer-encoding: chunked",
    ] {
        let answers = answers(&setup.raw(&request(framing, &body)).await);
        came_to_nothing(&setup, framing, &answers);
    }
}

#[tokio::test]
async fn pieces_of_disputed_length_carry_no_second_request() {
    let setup = Setup::start().await;
    let second = smuggled();
    for body in [
        format!("0x0\r\n\r\n{second}"),
        format!("+0\r\n\r\n{second}"),
        format!("-1\r\n\r\n{second}"),
        format!("FFFFFFFFFFFFFFFFF\r\n{second}"),
        format!("FFFFFFFFFFFFFFFF\r\n{second}"),
        format!("10000000000000000\r\n\r\n{second}"),
        format!("2;a\nb\r\n{{}}\r\n0\r\n\r\n{second}"),
        format!("0\n\n{second}"),
        format!("2\n{{}}\n0\n\n{second}"),
        format!("2\r{{}}\r0\r\r{second}"),
        // A piece that is longer than it says.
        format!("2\r\n{{}}x\r\n0\r\n\r\n{second}"),
        format!("\r\n{second}"),
    ] {
        let answers = answers(&setup.raw(&request("transfer-encoding: chunked", &body)).await);
        came_to_nothing(&setup, &body, &answers);
        assert_eq!(answers.len(), 1, "{body}: what follows was answered: {answers:?}");
    }
}

#[tokio::test]
async fn a_head_that_is_not_http_is_a_400() {
    let setup = Setup::start().await;
    let key = bearer(MASTER);
    for head in [
        // A folded line, a line without a name, control characters in a value, blanks in a name.
        format!("POST /chat/completions HTTP/1.1\r\nhost: localhost\r\n{key}x-a: b\r\n c: d"),
        format!("POST /chat/completions HTTP/1.1\r\nhost: localhost\r\n{key}: d"),
        format!("POST /chat/completions HTTP/1.1\r\nhost: localhost\r\n{key}x-a: b\rc: d"),
        format!("POST /chat/completions HTTP/1.1\r\nhost: localhost\r\n{key}x-a: b\0c"),
        format!("POST /chat/completions HTTP/1.1\r\nhost: localhost\r\n{key}x a: b"),
        format!("POST /chat/completions HTTP/1.1\r\nhost: localhost\r\n{key}x-é: b"),
        format!("POST /chat/completions HTTP/1.1 \r\nhost: localhost\r\n{key}"),
        format!("POST /chat/completions HTTP/1.1\0\r\nhost: localhost\r\n{key}"),
        format!("POST /chat completions HTTP/1.1\r\nhost: localhost\r\n{key}"),
        format!("POST /chat/completions HTTP/3.0\r\nhost: localhost\r\n{key}"),
        format!("POST\t/chat/completions\tHTTP/1.1\r\nhost: localhost\r\n{key}"),
    ] {
        let answers = answers(&setup.raw(format!("{head}\r\n\r\n{}", smuggled()).as_bytes()).await);
        came_to_nothing(&setup, &head, &answers);
        assert_eq!((answers.len(), answers[0].status), (1, 400), "{head}: {answers:?}");
    }
}

/// A bare line feed ends a line, as [RFC 9112, 2.2](https://www.rfc-editor.org/rfc/rfc9112#section-2.2-3) lets it: it is never a part of
/// a value, so that no header can bring another one with it.
#[tokio::test]
async fn a_bare_line_feed_is_never_a_part_of_a_value() {
    let setup = Setup::start().await;
    let body = question("text").to_string();
    let head = format!(
        "POST /chat/completions HTTP/1.1\nhost: x\nx-amzn-sagemaker-session-id: abc\nx-evil: 1\n{}",
        bearer(MASTER)
    );
    let request = format!("{head}content-length: {}\nconnection: close\n\n{body}", body.len());
    let answers = answers(&setup.until_closed(request.as_bytes()).await);
    assert_eq!((answers.len(), answers[0].status), (1, 200), "{answers:?}");
    let received = setup.emulator.received();
    assert_eq!(received[0].header("x-amzn-sagemaker-session-id"), Some("abc"));
    assert!(!received[0].headers.contains_key("x-evil"));
    setup.nothing_went_astray();
}

#[tokio::test]
async fn each_request_on_a_connection_shows_its_own_key() {
    let setup = Setup::start().await;
    let body = question("text").to_string();
    let with = |key: &str| {
        format!(
            "POST /chat/completions HTTP/1.1\r\nhost: localhost\r\n{key}content-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    // The second is sent at once behind the first, without a key; the third with a key for another
    // model.
    let third = with(&format!("{}connection: close\r\n", bearer(crate::setup::TEAM))).replace("\"text\"", "\"chat\"");
    let all = format!("{}{}{third}", with(&bearer(MASTER)), with(""));
    let answers = answers(&setup.until_closed(all.as_bytes()).await);
    assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [200, 401, 404], "{answers:?}");
    assert_eq!(setup.emulator.received().len(), 1);
}

#[tokio::test]
async fn it_is_nobodys_forward_proxy() {
    let setup = Setup::start().await;
    let (key, elsewhere) = (bearer(MASTER), setup.elsewhere());
    let authority = elsewhere.strip_prefix("http://").unwrap();
    for line in [
        format!("GET {elsewhere}/models/x"),
        format!("CONNECT {authority}"),
        format!("POST {elsewhere}/latest/meta-data"),
        "OPTIONS *".to_owned(),
        "TRACE /models".to_owned(),
        "PRI *".to_owned(),
    ] {
        let answer = setup.raw(format!("{line} HTTP/1.1\r\nhost: {authority}\r\n{key}\r\n").as_bytes()).await;
        let answers = answers(&answer);
        came_to_nothing(&setup, &line, &answers);
    }
    for upgrade in ["h2c", "websocket", "TLS/1.3"] {
        let head = format!(
            "GET /models HTTP/1.1\r\nhost: localhost\r\n{key}connection: upgrade\r\nupgrade: {upgrade}\r\nhttp2-settings: AAMAAABk\r\n\r\n"
        );
        let answers = answers(&setup.raw(head.as_bytes()).await);
        assert_eq!((answers.len(), answers[0].status), (1, 200), "{upgrade}: it is an ordinary request: {answers:?}");
    }
    setup.nothing_went_astray();
}
