//! What one request takes of the proxy's memory, from its first byte to the container and back: at
//! most eight times its bytes and a mebibyte; an upload at most its bytes and a mebibyte.
//!
//! An allocator counts what the thread asks for on which everything in this test happens. The body
//! comes in pieces, as from a connection. The test is a process of its own: logs that another one
//! captures would be counted here.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::{convert::Infallible, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use sagewire::{Provider, SageMaker, Settings, sagemaker::Transport};
use sagewire_proxy::{App, ServedModel};
use sagewire_router::{Deployment, Router, RouterSettings};
use sagewire_sagemaker::{Body, TransportError};
use sagewire_tests::endpoint::builder_for;

/// About the lengths of the bodies: one that a container's body grows to while it is written, and
/// one for which it is measured first.
const LENGTHS: [usize; 2] = [240 << 10, 1 << 20];
const PIECE: usize = 16 << 10;

/// A container that is busy: each request is sent as often as the operator allows.
#[derive(Debug)]
struct Busy;

#[async_trait]
impl Transport for Busy {
    async fn send(&self, _: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        let reply = Bytes::from_static(br#"{"message":"busy"}"#);
        let mut response = Response::new(Body::new(stream::iter([Ok(reply)])));
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        Ok(response)
    }
}

/// What the models are called, and how their containers are spoken to.
const MODELS: [(&str, &str, Option<&str>, Option<&str>); 9] = [
    ("tgi", "sagemaker/e", None, None),
    ("lmi", "sagemaker/e", Some("lmi"), None),
    ("jumpstart", "sagemaker/e", Some("jumpstart"), None),
    ("messages", "sagemaker_chat/e", None, None),
    ("nova", "sagemaker_nova/e", None, None),
    ("hf", "sagemaker/e", None, Some("hf")),
    ("openai", "sagemaker/e", None, Some("openai")),
    // Their dialects are the defaults.
    ("vllm", "sagemaker/vllm", None, None),
    ("huggingface", "sagemaker/whisper", None, None),
];

fn app() -> App {
    let deployments = MODELS.iter().map(|(name, model, dialect, embedding_dialect)| {
        let mut settings = Settings::default();
        settings.dialect = dialect.map(|name| name.parse().unwrap());
        settings.embedding_dialect = embedding_dialect.map(|name| name.parse().unwrap());
        settings.max_attempts = Some(1);
        let provider: SageMaker =
            builder_for("http://endpoint.invalid").settings(settings).transport(Arc::new(Busy)).build().unwrap();
        Deployment::new(*name, *model, Arc::new(provider) as Arc<dyn Provider>)
    });
    let settings = RouterSettings::default().with_num_retries(1);
    let router = Router::builder().deployments(deployments).settings(settings).build().unwrap();
    let models = MODELS.iter().map(|(name, ..)| ServedModel::new(*name));
    App::builder().provider(Arc::new(router)).models(models).build().unwrap()
}

/// The most bytes in use at a time while this body is answered, and the status.
fn weighed(app: &App, path: &str, body: &[u8]) -> (u64, u16) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let mut status = 0;
    let counted = allocation_counter::measure(|| {
        status = runtime.block_on(async {
            let pieces: Vec<_> = body.chunks(PIECE).map(|piece| piece.to_vec()).collect();
            let pieces = pieces.into_iter().map(|piece| Ok::<_, Infallible>(Frame::data(Bytes::from(piece))));
            let request = Request::post(path).header("content-type", "application/json");
            let answer = app.answer(request.body(StreamBody::new(stream::iter(pieces))).unwrap()).await;
            let status = answer.status().as_u16();
            answer.into_body().collect().await.unwrap();
            status
        });
    });
    (counted.bytes_max, status)
}

/// The same for an upload of a recording of so many bytes, which comes in pieces that are made one
/// at a time. The bytes of the whole body are given, too.
fn weighed_upload(app: &App, model: &str, length: usize) -> (u64, u64, u16) {
    let head = format!(
        "--XX\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n{model}\r\n--XX\r\nContent-Disposition: form-data; name=\"file\"; \
         filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\n"
    );
    let whole = (head.len() + length + "\r\n--XX--\r\n".len()) as u64;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let mut status = 0;
    let counted = allocation_counter::measure(|| {
        status = runtime.block_on(async {
            let pieces = (0..length.div_ceil(PIECE)).map(move |place| vec![7; PIECE.min(length - place * PIECE)]);
            let pieces = std::iter::once(head.into_bytes()).chain(pieces).chain([b"\r\n--XX--\r\n".to_vec()]);
            let pieces = pieces.map(|piece| Ok::<_, Infallible>(Frame::data(Bytes::from(piece))));
            let request = Request::post("/v1/audio/transcriptions")
                .header("content-type", "multipart/form-data; boundary=XX")
                .header("content-length", whole);
            let body = Sized { body: StreamBody::new(stream::iter(pieces)), left: whole };
            let answer = app.answer(request.body(body).unwrap()).await;
            let status = answer.status().as_u16();
            answer.into_body().collect().await.unwrap();
            status
        });
    });
    (counted.bytes_max, whole, status)
}

/// A body whose length is known from its head.
struct Sized<B> {
    body: B,
    left: u64,
}

impl<B: http_body_util::BodyExt<Data = Bytes> + Unpin> hyper::body::Body for Sized<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let frame = std::task::ready!(std::pin::Pin::new(&mut self.body).poll_frame(cx));
        if let Some(Ok(frame)) = &frame {
            self.left -= frame.data_ref().map_or(0, Bytes::len) as u64;
        }
        std::task::Poll::Ready(frame)
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        hyper::body::SizeHint::with_exact(self.left)
    }
}

#[test]
fn an_upload_takes_no_more_than_its_bytes_and_a_mebibyte() {
    const LIMIT: usize = 6_291_456;
    let app = app();
    for model in ["vllm", "huggingface"] {
        // The form around the recording counts, too.
        let (bytes, whole, status) = weighed_upload(&app, model, LIMIT - 400);
        println!("{model}: {bytes} for {whole}, {status}");
        assert_eq!(status, 502, "the service fails: the request came as far as AWS");
        assert!(bytes <= whole + (1 << 20), "{model}: {bytes} bytes for an upload of {whole}");
        assert_eq!(weighed_upload(&app, model, LIMIT + 1).2, 413);
    }
}

/// A text of about this length, whose middle is repeated.
fn filled(length: usize, head: &str, repeated: &str, tail: &str) -> String {
    format!("{head}{}{tail}", repeated.repeat(length / repeated.len()))
}

/// Texts in forms that grow on the way: escaped twice, in pieces, and in characters of several
/// bytes.
const TEXTS: [&str; 7] = ["long ", "\\n", "\\u0001", "\\ud83d", "\\\"", "é😀", "</s><s>"];

#[test]
fn a_request_takes_no_more_than_eight_times_its_bytes_and_a_mebibyte() {
    let app = app();
    for length in LENGTHS {
        weigh_all(&app, length);
    }
}

fn weigh_all(app: &App, length: usize) {
    let filled = |head: &str, repeated: &str, tail: &str| filled(length, head, repeated, tail);
    let mut most = Vec::new();
    let mut weigh = |name: &str, path: &str, body: String| {
        let (bytes, status) = weighed(app, path, body.as_bytes());
        let allowed = 8 * body.len() as u64 + (1 << 20);
        most.push((bytes * 100 / allowed, bytes, status, format!("{path} {name}: {body:.60}")));
    };
    for (model, paths) in [
        ("tgi", &["/v1/chat/completions", "/v1/messages", "/v1/messages/count_tokens"][..]),
        ("messages", &["/v1/chat/completions", "/v1/messages"]),
        ("lmi", &["/v1/chat/completions"]),
        ("jumpstart", &["/v1/chat/completions"]),
        ("nova", &["/v1/chat/completions"]),
    ] {
        for text in TEXTS.iter().take(if paths.len() > 1 { TEXTS.len() } else { 1 }) {
            for path in paths {
                let head = format!(r#"{{"model":"{model}","max_tokens":9,"messages":[{{"role":"user","content":""#);
                weigh(text, path, filled(&head, text, r#""}]}"#));
            }
            weigh(text, "/v1/completions", filled(&format!(r#"{{"model":"{model}","prompt":""#), text, r#""}"#));
        }
        if paths.len() > 1 {
            let head = format!(r#"{{"model":"{model}","input":"#);
            weigh("a string", "/v1/responses", filled(&format!("{head}\""), "long ", "\"}"));
            let message = format!(r#"{{"role":"user","content":"{}"}},"#, "x".repeat(150));
            weigh(
                "messages",
                "/v1/responses",
                filled(&format!("{head}["), &message, r#"{"role":"user","content":"a"}]}"#),
            );
            let part = format!(r#"{{"type":"input_text","text":"{}"}},"#, "x".repeat(150));
            let tail = r#"{"type":"input_text","text":"a"}]}]}"#;
            weigh("parts", "/v1/responses", filled(&format!(r#"{head}[{{"role":"user","content":["#), &part, tail));
            let output = format!(
                r#"{head}[{{"role":"user","content":"a"}},{{"type":"function_call","call_id":"c","name":"f","arguments":"{{}}"}},{{"type":"function_call_output","call_id":"c","output":""#
            );
            weigh("a tool's output", "/v1/responses", filled(&output, "long ", r#""}]}"#));
            weigh("numbers", "/v1/responses", filled(&format!("{head}["), "1,", "0]}"));
        }
        let mut chat = |name: &str, head: &str, repeated: &str, tail: &str| {
            for path in paths {
                weigh(name, path, filled(&format!(r#"{{"model":"{model}","max_tokens":9,{head}"#), repeated, tail));
            }
        };
        let message = format!(r#"{{"role":"user","content":"{}"}},"#, "x".repeat(150));
        chat("messages", r#""messages":["#, &message, r#"{"role":"user","content":"a"}]}"#);
        let part = format!(r#"{{"type":"text","text":"{}"}},"#, "x".repeat(150));
        chat("parts", r#""messages":[{"role":"user","content":["#, &part, r#"{"type":"text","text":"a"}]}]}"#);
        let question = r#""messages":[{"role":"user","content":"a"}],"#;
        chat("further values", &format!(r#"{question}"x":["#), &format!(r#""{}","#, "x".repeat(60)), "0]}");
        chat("a further text", &format!(r#"{question}"x":""#), "long ", r#""}"#);
        chat("numbers under the name of token ids", &format!(r#"{question}"input":["#), "1,", "0]}");
        chat("a prompt beside messages", &format!(r#"{question}"prompt":["#), "1,", "0]}");
        let tool = format!(r#"{{"type":"function","function":{{"name":"f","description":"{}"}}}},"#, "x".repeat(4000));
        chat("tools", &format!(r#"{question}"tools":["#), &tool, r#"{"type":"function","function":{"name":"f"}}]}"#);
        let own = format!(r#"{{"name":"f","description":"{}","input_schema":{{"type":"object"}}}},"#, "x".repeat(4000));
        chat("tools of Anthropic's", &format!(r#"{question}"tools":["#), &own, r#"{"name":"f","input_schema":{}}]}"#);
        let image = r#""messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":""#;
        chat("an image", image, "AAAA", r#""}}]}]}"#);
        let url =
            r#""messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,"#;
        chat("an image's URL", url, "AAAA", r#""}}]}]}"#);
        let result = r#""messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":""#;
        chat("a tool's result", result, "long ", r#""}]}]}]}"#);
        let arguments =
            r#""messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{"a":""#;
        chat("a tool's arguments", arguments, "long ", r#""}}]}]}"#);
        chat("instructions", &format!(r#"{question}"system":""#), "long ", r#""}"#);
        chat(
            "a schema",
            &format!(
                r#"{question}"response_format":{{"type":"json_schema","json_schema":{{"name":"a","schema":{{"x":""#
            ),
            "long ",
            r#""}}}}"#,
        );
        weigh("token ids", "/v1/completions", filled(&format!(r#"{{"model":"{model}","prompt":["#), "1,", "0]}"));
        let prompt = format!(r#""{}","#, "x".repeat(2000));
        weigh("prompts", "/v1/completions", filled(&format!(r#"{{"model":"{model}","prompt":["#), &prompt, "\"a\"]}"));
    }
    for (model, ..) in MODELS.iter().filter(|(.., embedding)| embedding.is_some()) {
        let head = format!(r#"{{"model":"{model}","input":"#);
        for text in TEXTS {
            weigh(text, "/v1/embeddings", filled(&format!("{head}\""), text, "\"}"));
        }
        for (name, repeated, tail) in [
            ("token ids", "1,".to_owned(), "0]}"),
            ("long token ids", "4294967295,".to_owned(), "0]}"),
            ("token ids as floats", "1.0,".to_owned(), "0]}"),
            ("token ids that are not all", "1,".to_owned(), "\"a\"]}"),
            ("texts", format!("\"{}\",", "x".repeat(1100)), "\"a\"]}"),
            ("lists of token ids", format!("[{}0],", "1,".repeat(1000)), "[1]]}"),
        ] {
            weigh(name, "/v1/embeddings", filled(&format!("{head}["), &repeated, tail));
        }
    }
    most.sort_unstable();
    let largest: String = most
        .iter()
        .rev()
        .take(20)
        .map(|(percent, bytes, status, what)| format!("{percent} % {bytes} {status} {what}\n"))
        .collect();
    assert!(
        most.iter().all(|(percent, ..)| *percent <= 100),
        "more than eight times the bytes of a request:\n{largest}"
    );
}
