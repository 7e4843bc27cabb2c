//! Forms of callers that mean well, and of those that do not.

use std::convert::Infallible;

use futures_util::stream;
use http_body::Frame;
use http_body_util::StreamBody;

use super::*;

const ADVICE: &str = "send less";

fn headers(content_type: &str) -> HeaderMap {
    HeaderMap::from_iter([(header::CONTENT_TYPE, content_type.parse().unwrap())])
}

fn form(text: &str, size: usize, most: u64) -> Form {
    let pieces: Vec<Bytes> = text.as_bytes().chunks(size).map(Bytes::copy_from_slice).collect();
    let body = StreamBody::new(stream::iter(pieces.into_iter().map(|piece| Ok::<_, Infallible>(Frame::data(piece)))));
    let headers = headers("multipart/form-data; boundary=XX");
    Form::open(&headers, Body::new(body), most, ADVICE, Duration::from_secs(5)).unwrap()
}

/// The names and contents of all parts; of files too.
async fn parts(text: &str, size: usize, most: u64) -> Result<Vec<(String, bool, String)>, ApiError> {
    let mut form = form(text, size, most);
    let mut parts = Vec::new();
    while let Some(part) = form.next().await? {
        let (name, is_file) = (part.name().to_owned(), part.is_file());
        parts.push((name, is_file, part.text().await?));
    }
    Ok(parts)
}

fn field(name: &str, text: &str) -> String {
    format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
}

fn message(error: &ApiError) -> String {
    String::from_utf8(error.to_json()).unwrap()
}

#[tokio::test]
async fn parts_come_whole_however_the_body_is_cut() {
    let file = "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\n\r\n--X\r\n\r\n";
    let text = format!("{}{file}{}--XX--\r\n", field("model", "m"), field("timestamp_granularities[]", ""));
    for size in 1..text.len() {
        let found = parts(&text, size, 1000).await.unwrap();
        let expected = [("model", false, "m"), ("file", true, "\r\n--X\r\n"), ("timestamp_granularities[]", false, "")];
        assert!(
            found.iter().map(|(name, is_file, text)| (&**name, *is_file, &**text)).eq(expected),
            "{size} {found:?}"
        );
    }
}

#[tokio::test]
async fn what_is_not_a_whole_form_is_a_400() {
    let whole = format!("{}--XX--\r\n", field("model", "m"));
    for end in 0..whole.len() - "--\r\n".len() {
        let error = parts(whole.get(..end).unwrap(), 7, 1000).await.unwrap_err();
        assert_eq!(error.status(), 400, "{end}");
    }
    for text in [
        "no form",
        "--XX\r\nno header\r\n\r\n--XX--",
        &field("a\" \"b", "x"),
        &field("", "x"),
        &field(&"n".repeat(65), "x"),
    ] {
        assert_eq!(parts(text, 9, 1000).await.unwrap_err().status(), 400, "{text}");
    }
}

#[tokio::test]
async fn a_form_has_ended_when_its_body_has() {
    let whole = format!("{}--XX--\r\n", field("model", "m"));
    assert_eq!(parts(&format!("{whole}what means nothing"), 9, 1000).await.unwrap().len(), 1);
    let pieces = [Ok(Frame::data(Bytes::from(whole))), Err(std::io::Error::other("the caller has gone"))];
    let body = Body::new(StreamBody::new(stream::iter(pieces)));
    let headers = headers("multipart/form-data; boundary=XX");
    let mut form = Form::open(&headers, body, 1000, ADVICE, Duration::from_secs(5)).unwrap();
    // The reader may be ahead of the part that it gives.
    let failed = loop {
        match form.next().await {
            Ok(Some(part)) => match part.text().await {
                Ok(text) => assert_eq!(text, "m"),
                Err(error) => break error,
            },
            Ok(None) => panic!("a form that is cut is whole"),
            Err(error) => break error,
        }
    };
    assert_eq!((failed.status().as_u16(), message(&failed).contains("incomplete_body")), (400, true));
}

#[tokio::test]
async fn bombs_are_refused() {
    let many = field("a", "").repeat(MAX_PARTS + 1);
    let head = format!("--XX\r\nContent-Disposition: form-data; name=\"a\"; x=\"{}", "y".repeat(1 << 20));
    let preamble = "p".repeat(1 << 20);
    let epilogue = format!("{}--XX--\r\n{preamble}", field("model", "m"));
    let headers = format!("--XX\r\n{}\r\n", "a: b\r\n".repeat(1000));
    let long = field("prompt", &"x".repeat(LONGEST_FIELD + 1));
    for (text, said) in [
        (many.as_str(), "more than 64 parts"),
        (&head, "bytes before the content of a part"),
        (&preamble, "bytes before the content of a part"),
        (&epilogue, "or behind the last one"),
        (&headers, "not a form"),
        (&long, "`prompt` has more than"),
    ] {
        let error = parts(text, 1000, 1 << 22).await.unwrap_err();
        assert!(error.status() == 400 && message(&error).contains(said), "{}", message(&error));
    }
}

#[tokio::test]
async fn no_more_than_the_limit_is_read() {
    let text = format!("{}--XX--\r\n", field("model", &"x".repeat(500)));
    let error = parts(&text, 100, 400).await.unwrap_err();
    assert!(error.status() == 413 && message(&error).contains("400 bytes: send less"), "{}", message(&error));
    let announced =
        Form::open(&headers("multipart/form-data; boundary=XX"), Body::from(text.clone()), 400, ADVICE, Duration::MAX);
    assert_eq!(announced.err().unwrap().status(), 413);
    let mut form = form(&text, 100, 1000);
    let part = form.next().await.unwrap().unwrap();
    drop(part.text().await.unwrap());
    assert!(form.limit(2000, 0).is_ok());
    assert_eq!(form.limit(300, 100).unwrap_err().status(), 413);
}

#[tokio::test]
async fn other_types_are_a_415() {
    for content_type in
        ["application/json", "multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=XX"]
    {
        let opened = Form::open(&headers(content_type), Body::empty(), 9, ADVICE, Duration::MAX);
        assert_eq!(opened.err().map(|error| error.status().as_u16()), Some(415), "{content_type}");
    }
}

#[tokio::test]
async fn debug_does_not_show_a_files_name() {
    let mut form =
        form("--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"secret.wav\"\r\n\r\n", 9, 1000);
    let part = form.next().await.unwrap().unwrap();
    assert_eq!(part.file_name(), Some("secret.wav"));
    assert!(!format!("{part:?}").contains("secret"));
}

#[tokio::test(start_paused = true)]
async fn a_slow_upload_is_a_408() {
    let body = StreamBody::new(stream::pending::<Result<Frame<Bytes>, Infallible>>());
    let headers = headers("multipart/form-data; boundary=XX");
    let mut form = Form::open(&headers, Body::new(body), 9, ADVICE, Duration::from_secs(5)).unwrap();
    assert_eq!(form.next().await.unwrap_err().status(), 408);
}
