//! A stream that is cut or damaged is an error, wherever it happens: never a clean end, never a
//! wait for more.

use std::time::Duration;

use bytes::Bytes;
use sagewire::{ChatChunk, Client, ErrorKind, FinishReason};
use sagewire_emulator::{Emulator, Frame, Scripted, StreamEvent};
use sagewire_tests::{
    endpoint::{Streamed, client_with, question, start, stream, tries},
    replies::{openai_stream, tgi_stream},
};

/// A streamed answer in payload parts whose borders are not those of its events.
struct Answer {
    model: &'static str,
    parts: Vec<Bytes>,
}

impl Answer {
    fn new(model: &'static str, text: &str) -> Self {
        Self { model, parts: text.as_bytes().chunks(200).map(Bytes::copy_from_slice).collect() }
    }

    fn tgi() -> Self {
        Self::new("sagemaker/cut", &tgi_stream(&["é😀"]))
    }

    fn openai() -> Self {
        Self::new("sagemaker_chat/cut", &openai_stream(&["é😀"]))
    }

    fn script(&self) -> Scripted {
        Scripted::stream(self.parts.clone())
    }

    /// Where frames end in the body.
    fn borders(&self) -> Vec<usize> {
        let frames = self.parts.iter().map(|part| Frame::payload_part(part.clone()).encode().len());
        frames
            .scan(0, |end, len| {
                *end += len;
                Some(*end)
            })
            .collect()
    }

    async fn play(&self, emulator: &Emulator, client: &Client, script: Scripted) -> Streamed {
        emulator.enqueue("cut", script);
        stream(client, question(self.model)).await
    }
}

/// What each chunk adds, without what differs from call to call.
fn pieces(chunks: &[ChatChunk]) -> Vec<(String, Option<FinishReason>)> {
    let reason = |chunk: &ChatChunk| chunk.choices.first().and_then(|choice| choice.finish_reason.clone());
    chunks.iter().map(|chunk| (chunk.content().to_owned(), reason(chunk))).collect()
}

/// What came is a beginning of the whole; and the end of the stream is an error, unless the
/// answer's end mark was there.
fn assert_cut(whole: &Streamed, cut: &Streamed, is_complete: bool, place: &str) {
    let (whole, came) = (pieces(&whole.chunks), pieces(&cut.chunks));
    assert!(whole.starts_with(&came), "{place}: {came:?}");
    match &cut.error {
        None => assert!(is_complete && came == whole, "{place} passed as the end of a whole answer: {came:?}"),
        Some(error) => {
            assert!(!is_complete, "{place}: nothing can spoil an answer after its end mark: {error:?}");
            assert!(!error.message().is_empty());
            // Before the first chunk a connection that breaks is no more than that; and nothing timed out.
            let kinds = [ErrorKind::StreamBroken, ErrorKind::Connection];
            assert!(kinds.contains(&error.kind()), "{place}: {error:?}");
            assert!(error.kind() == ErrorKind::StreamBroken || came.is_empty(), "{place}: {error:?}");
        }
    }
}

async fn assert_every_cut_is_an_error(answer: Answer) {
    let emulator = start().await;
    let client = client_with(&emulator, tries(1));
    let whole = answer.play(&emulator, &client, answer.script()).await;
    assert_eq!((whole.text().as_str(), whole.error.is_none()), ("é😀", true));
    let borders = answer.borders();
    let mut complete_at = None;
    for at in 0..=*borders.last().unwrap() {
        let ended = answer.play(&emulator, &client, answer.script().ended_at(at)).await;
        if ended.error.is_none() && complete_at.is_none() {
            assert!(borders.contains(&at), "a frame was read before all of it had come, after {at} bytes");
            complete_at = Some(at);
        }
        assert_cut(&whole, &ended, complete_at.is_some(), &format!("ended after {at} bytes"));
        let broken_off = answer.play(&emulator, &client, answer.script().cut_at(at)).await;
        assert_cut(&whole, &broken_off, complete_at.is_some(), &format!("broken off after {at} bytes"));
    }
    assert!(complete_at.is_some_and(|at| at > borders[0]), "the end mark is not in the first frame");
    assert!(emulator.received().iter().all(|request| request.accepted));
}

#[tokio::test]
async fn a_text_containers_stream_cut_at_any_byte_is_an_error() {
    assert_every_cut_is_an_error(Answer::tgi()).await;
}

#[tokio::test]
async fn a_messages_containers_stream_cut_at_any_byte_is_an_error() {
    assert_every_cut_is_an_error(Answer::openai()).await;
}

#[tokio::test]
async fn a_stream_that_ends_between_frames_without_its_end_mark_is_an_error() {
    let emulator = start().await;
    let client = client_with(&emulator, tries(1));
    for answer in [Answer::tgi(), Answer::openai()] {
        let cut = answer.play(&emulator, &client, answer.script().ended_at(answer.borders()[0])).await;
        assert!(!cut.chunks.is_empty(), "the first frame holds a whole event");
        let error = cut.error.unwrap();
        assert_eq!(error.kind(), ErrorKind::StreamBroken);
        assert_eq!(error.request_id(), Some(emulator.received().last().unwrap().request_id.as_str()));
    }
}

/// The connection stays open after the damage, for longer than any limit: the error does not wait
/// for it.
#[tokio::test]
async fn a_damaged_prelude_is_an_error_at_once() {
    let emulator = start().await;
    let client = client_with(&emulator, tries(1));
    let frame = Frame::payload_part(tgi_stream(&["One"])).encode();
    let with_length = |total: u32, headers: u32| {
        let mut prelude = [total.to_be_bytes(), headers.to_be_bytes()].concat();
        prelude.extend(crc32fast::hash(&prelude).to_be_bytes());
        Bytes::from(prelude)
    };
    let flipped = |at: usize| {
        let mut prelude = frame[..12].to_vec();
        prelude[at] ^= 0x80;
        Bytes::from(prelude)
    };
    let mut damages: Vec<Bytes> = (0..12).map(flipped).collect();
    damages.extend([with_length(0, 0), with_length(15, 0), with_length(u32::MAX, 0), with_length(64, u32::MAX)]);
    for damage in damages {
        let events = [StreamEvent::Raw(damage.clone()), StreamEvent::Wait(Duration::from_secs(3600))];
        emulator.enqueue("cut", Scripted::events(events));
        let streamed = stream(&client, question("sagemaker/cut")).await;
        assert!(streamed.chunks.is_empty());
        assert_eq!(streamed.error.unwrap().kind(), ErrorKind::StreamBroken, "{damage:02x?}");
    }
}

#[tokio::test]
async fn what_was_decoded_before_the_damage_is_kept_and_nothing_follows_it() {
    let emulator = start().await;
    let client = client_with(&emulator, tries(1));
    let answer = Answer::tgi();
    let whole = answer.play(&emulator, &client, answer.script()).await;
    let frames: Vec<Bytes> = answer.parts.iter().map(|part| Frame::payload_part(part.clone()).encode()).collect();
    let mut damaged = frames.clone();
    let mut last = damaged.pop().unwrap().to_vec();
    *last.last_mut().unwrap() ^= 1;
    damaged.push(last.into());
    damaged.extend(frames);
    let streamed = answer.play(&emulator, &client, Scripted::raw(Bytes::from(damaged.concat()))).await;
    assert_cut(&whole, &streamed, false, "damaged in the last frame's CRC");
    assert!(!streamed.chunks.is_empty());
    assert_eq!(streamed.error.unwrap().kind(), ErrorKind::StreamBroken);
}

#[tokio::test]
async fn what_the_service_reports_in_the_stream_ends_it_after_what_came() {
    let emulator = start().await;
    let client = client_with(&emulator, tries(3));
    let opening = tgi_stream(&["One"]);
    let first = opening.split_inclusive("\n\n").next().unwrap().to_owned();
    let reports = [
        (
            Scripted::stream([first.clone()]).model_stream_error("ModelInvocationTimeExceeded", "slow"),
            "ModelStreamError/ModelInvocationTimeExceeded",
            "slow",
        ),
        (
            Scripted::stream([first.clone()]).model_stream_error("StreamBroken", "gone"),
            "ModelStreamError/StreamBroken",
            "gone",
        ),
        (Scripted::stream([first.clone()]).internal_stream_failure("oh"), "InternalStreamFailure", "oh"),
        (Scripted::stream([first]).error_frame("InternalError", "why"), "InternalError", "why"),
    ];
    for (script, code, message) in reports {
        emulator.clear_received();
        emulator.enqueue("cut", script);
        let streamed = stream(&client, question("sagemaker/cut")).await;
        assert_eq!(streamed.text(), "One");
        let error = streamed.error.unwrap();
        let upstream = error.upstream().unwrap();
        assert_eq!((upstream.code.as_deref(), upstream.message.as_deref()), (Some(code), Some(message)));
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::StreamBroken, false));
        let received = emulator.received();
        assert_eq!(received.len(), 1, "nothing is tried again after the first chunk");
        assert_eq!(error.request_id(), Some(received[0].request_id.as_str()));
    }
}
