use std::sync::Mutex;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body::Body as _;
use sagewire_types::{ChunkChoice, ErrorKind, FinishReason, ReplyMeta};

use super::*;
use crate::http::disclosure::Disclosure;

#[derive(Clone, Default)]
struct Watched(Arc<Mutex<Vec<String>>>);

impl Watched {
    fn note(&self, what: String) {
        self.0.lock().unwrap().push(what);
    }
}

impl Observer for Watched {
    fn failed(&mut self, error: &Error) -> ApiError {
        self.note(format!("failed {}", error.kind()));
        ApiError::from_provider(error, &Disclosure::none())
    }

    fn generated(&mut self, _: usize) {}

    fn wrote(&mut self, pieces: usize) {
        self.note(format!("wrote {pieces}"));
    }

    fn used(&mut self, usage: &Usage) {
        self.note(format!("used {}", usage.total_tokens));
    }

    fn ended(&mut self) {
        self.note("ended".to_owned());
    }
}

fn chunk(text: &str) -> ChatChunk {
    ChatChunk::new("id".into(), "real-endpoint".into(), 7, vec![ChunkChoice::text(text)])
}

fn usage() -> ChatChunk {
    let mut chunk = ChatChunk::new("id".into(), "real-endpoint".into(), 7, Vec::new());
    chunk.usage = Some(Usage::reported(1, 2));
    chunk
}

fn body(
    pieces: impl Stream<Item = Result<ChatChunk, Error>> + Send + 'static,
    show_usage: bool,
) -> (SseBody<ChatChunk, Chunks<ChatChunk>, Watched>, Watched) {
    let watched = Watched::default();
    let stream = ReplyStream::new(ReplyMeta::default(), pieces);
    (
        SseBody::new(
            stream,
            Chunks::default(),
            "alias".into(),
            show_usage,
            Duration::from_secs(15),
            Stopping::default(),
            watched.clone(),
        ),
        watched,
    )
}

async fn next(body: &mut SseBody<ChatChunk, Chunks<ChatChunk>, Watched>) -> Option<Bytes> {
    let frame = std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await?;
    Some(frame.unwrap().into_data().unwrap())
}

fn text(bytes: &Bytes) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn all_that_is_ready_goes_out_in_one_write_with_the_callers_name_for_the_model() {
    let mut last = chunk("");
    last.choices = vec![ChunkChoice::finished(FinishReason::Stop)];
    let (mut body, watched) = body(stream::iter([Ok(chunk("a")), Ok(last)]), false);
    let whole = next(&mut body).await.unwrap();
    assert_eq!(
        text(&whole),
        concat!(
            r#"data: {"id":"id","object":"chat.completion.chunk","created":7,"model":"alias","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}"#,
            "\n\n",
            r#"data: {"id":"id","object":"chat.completion.chunk","created":7,"model":"alias","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
            "\n\ndata: [DONE]\n\n"
        )
    );
    assert!(body.is_end_stream());
    assert_eq!(next(&mut body).await, None);
    assert_eq!(*watched.0.lock().unwrap(), ["ended", "wrote 2"]);
}

#[tokio::test]
async fn usage_is_counted_always_and_shown_when_asked_for() {
    let (mut hidden, watched) = body(stream::iter([Ok(chunk("a")), Ok(usage())]), false);
    let whole = next(&mut hidden).await.unwrap();
    assert!(!text(&whole).contains("usage") && text(&whole).ends_with("data: [DONE]\n\n"), "{whole:?}");
    assert!(watched.0.lock().unwrap().contains(&"used 3".to_owned()));
    let (mut shown, _) = body(stream::iter([Ok(chunk("a")), Ok(usage())]), true);
    assert!(text(&next(&mut shown).await.unwrap()).contains(r#""choices":[],"usage":{"prompt_tokens":1"#));
}

#[tokio::test]
async fn a_failure_is_an_error_event_and_nothing_after_it() {
    let broken = Error::new(ErrorKind::StreamBroken, "the stream broke");
    let (mut body, watched) = body(stream::iter([Ok(chunk("a")), Err(broken), Ok(chunk("b"))]), false);
    let whole = next(&mut body).await.unwrap();
    let events: Vec<_> = text(&whole).split("\n\n").collect();
    assert_eq!(events.len(), 3, "{whole:?}");
    assert!(
        events[1].starts_with(r#"data: {"error":{"message":"the stream broke","type":"server_error""#),
        "{events:?}"
    );
    assert!(!text(&whole).contains("[DONE]") && !text(&whole).contains("stop"), "{whole:?}");
    assert_eq!(next(&mut body).await, None);
    assert_eq!(*watched.0.lock().unwrap(), ["failed stream_broken", "ended", "wrote 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_long_silence_is_broken_by_comments_but_not_before_the_first_piece() {
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    let pieces = stream::unfold(receiver, |mut receiver: tokio::sync::mpsc::UnboundedReceiver<_>| async {
        Some((receiver.recv().await?, receiver))
    });
    let (mut body, _) = body(pieces, false);
    assert!(tokio::time::timeout(Duration::from_secs(60), next(&mut body)).await.is_err());

    sender.send(Ok(chunk("a"))).unwrap();
    assert!(text(&next(&mut body).await.unwrap()).starts_with("data: {"));
    let waiting = Instant::now();
    for _ in 0..3 {
        assert_eq!(next(&mut body).await.unwrap(), ": keep-alive\n");
    }
    assert_eq!(waiting.elapsed(), Duration::from_secs(45));
    tokio::time::advance(Duration::from_secs(10)).await;
    sender.send(Ok(chunk("b"))).unwrap();
    assert!(text(&next(&mut body).await.unwrap()).starts_with("data: {"));
    let waiting = Instant::now();
    assert_eq!(next(&mut body).await.unwrap(), ": keep-alive\n");
    assert_eq!(waiting.elapsed(), Duration::from_secs(15));
}

#[tokio::test]
async fn a_flood_is_cut_into_writes_of_bounded_size() {
    let pieces = stream::repeat_with(|| Ok(chunk(&"x".repeat(1000)))).take(100);
    let (mut body, _) = body(pieces, false);
    let mut writes = 0;
    let mut whole = Vec::new();
    while let Some(bytes) = next(&mut body).await {
        assert!(bytes.len() < ENOUGH + 2000, "{}", bytes.len());
        writes += 1;
        whole.extend_from_slice(&bytes);
    }
    assert!(writes > 5, "{writes}");
    assert_eq!(String::from_utf8(whole).unwrap().matches("data: {").count(), 100);
}

/// Pieces that a task of its own hands over one at a time, each only when the last one was taken.
fn handed_over(count: usize) -> impl Stream<Item = Result<ChatChunk, Error>> + Send {
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        for number in 0..count {
            // A reader needs a turn to see that there is room, and one to read.
            tokio::task::yield_now().await;
            if sender.send(Ok(chunk(&number.to_string()))).await.is_err() {
                return;
            }
        }
    });
    stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) })
}

async fn writes(body: &mut SseBody<ChatChunk, Chunks<ChatChunk>, Watched>) -> Vec<usize> {
    let mut writes = Vec::new();
    while let Some(bytes) = next(body).await {
        writes.push(text(&bytes).matches("\"content\"").count());
    }
    writes
}

#[tokio::test]
async fn the_first_piece_goes_out_at_once_and_what_is_handed_over_one_by_one_after_it_together() {
    let (mut body, _) = body(handed_over(20), false);
    assert_eq!(writes(&mut body).await, [1, 19]);
}

#[tokio::test(start_paused = true)]
async fn no_piece_waits_long_for_its_neighbours() {
    let pieces = stream::unfold(0, |number| async move {
        tokio::time::advance(NEIGHBOURS / 2).await;
        (number < 20).then(|| (Ok(chunk(&number.to_string())), number + 1))
    });
    let (mut body, _) = body(pieces, false);
    let writes = writes(&mut body).await;
    assert_eq!(writes.iter().sum::<usize>(), 20);
    assert!(writes.iter().all(|pieces| *pieces <= 3), "{writes:?}");
}
