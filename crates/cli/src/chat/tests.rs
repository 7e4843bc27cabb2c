use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use sagewire::{
    Answer, Call, CallContext, ChatChunk, ChatResponse, ChatStream, ChunkChoice, Error, ErrorKind, FinishReason,
    Provider, Reply, ReplyMeta,
};

use super::*;

/// Bytes that the test can look at after the printer has written them.
#[derive(Clone, Debug, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Answers with these pieces, and then as told.
#[derive(Debug)]
struct Speaker {
    pieces: Vec<&'static str>,
    end: Ending,
}

#[derive(Debug)]
enum Ending {
    Reason(FinishReason),
    Error,
    Never,
}

#[async_trait]
impl Provider for Speaker {
    async fn call(&self, call: Call, _: &CallContext) -> Result<Answer, Error> {
        if !call.is_stream() {
            return Ok(Reply::new(ChatResponse::text(call.model(), self.pieces.concat(), FinishReason::Stop)).into());
        }
        let chunk = |choice| Ok(ChatChunk::new("id".into(), "m".into(), 0, vec![choice]));
        let mut pieces: Vec<_> = self.pieces.iter().map(|text| chunk(ChunkChoice::text(*text))).collect();
        match &self.end {
            Ending::Reason(reason) => pieces.push(chunk(ChunkChoice::finished(reason.clone()))),
            Ending::Error => pieces.push(Err(Error::new(ErrorKind::StreamBroken, "cut"))),
            Ending::Never => {
                let endless = stream::iter(pieces).chain(stream::pending());
                return Ok(ChatStream::new(ReplyMeta::default(), endless).into());
            }
        }
        Ok(ChatStream::new(ReplyMeta::default(), stream::iter(pieces)).into())
    }
}

async fn ask(
    speaker: &Speaker,
    json: Option<JsonForm>,
    streams: bool,
    stop: impl Future<Output = ()>,
) -> (Result<Outcome, Failure>, String, String) {
    let (output, notes) = (Shared::default(), Shared::default());
    let mut printer = Printer::to(output.clone(), notes.clone(), json);
    let mut request = ChatRequest::new("m", [Message::user("hi")]);
    request.stream = streams.then_some(true);
    let outcome = answer::ask(speaker, request, &mut printer, stop).await;
    (outcome, output.text(), notes.text())
}

#[tokio::test]
async fn an_answer_ends_its_line_and_its_speed_goes_elsewhere() {
    for streams in [true, false] {
        let speaker = Speaker { pieces: vec!["Hel", "lo"], end: Ending::Reason(FinishReason::Stop) };
        let (outcome, output, notes) = ask(&speaker, None, streams, std::future::pending()).await;
        assert!(matches!(outcome.unwrap(), Outcome::Whole(response) if response.content() == "Hello"));
        assert_eq!(output, "Hello\n");
        assert!(notes.contains("in all") && !notes.contains("Hello"), "{notes}");
    }
}

#[tokio::test]
async fn json_is_one_object_or_every_chunk_and_nothing_else() {
    let speaker = Speaker { pieces: vec!["a", "b"], end: Ending::Reason(FinishReason::Length) };
    let (_, output, notes) = ask(&speaker, Some(JsonForm::Answer), true, std::future::pending()).await;
    let answer: Value = serde_json::from_str(&output).unwrap();
    assert_eq!(answer["choices"][0]["message"]["content"], "ab");
    assert!(notes.contains("--max-tokens"), "{notes}");
    let (_, output, _) = ask(&speaker, Some(JsonForm::Chunks), true, std::future::pending()).await;
    let chunks: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(chunks.len(), 3);
    assert_eq!(chunks[2]["choices"][0]["finish_reason"], "length");
}

#[tokio::test]
async fn what_came_before_an_error_stays_on_lines_of_its_own() {
    let speaker = Speaker { pieces: vec!["half"], end: Ending::Error };
    let (outcome, output, _) = ask(&speaker, None, true, std::future::pending()).await;
    assert!(outcome.is_err());
    assert_eq!(output, "half\n");
}

#[tokio::test]
async fn stopping_keeps_what_has_come() {
    let speaker = Speaker { pieces: vec!["half"], end: Ending::Never };
    let output = Shared::default();
    let watched = output.clone();
    let mut printer = Printer::to(output.clone(), Shared::default(), None);
    let mut request = ChatRequest::new("m", [Message::user("hi")]);
    request.stream = Some(true);
    // Stops once the piece has been shown.
    let stop = std::future::poll_fn(move |context| match watched.text().is_empty() {
        true => {
            context.waker().wake_by_ref();
            std::task::Poll::Pending
        }
        false => std::task::Poll::Ready(()),
    });
    let outcome = answer::ask(&speaker, request, &mut printer, stop).await;
    assert!(matches!(outcome.unwrap(), Outcome::Stopped(response) if response.content() == "half"));
    assert_eq!(output.text(), "half\n");
}

#[test]
fn a_question_is_its_words_and_what_is_piped_in() {
    let asked = |words: &[&str], input: &str, is_piped: bool| {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        question(&words, &mut input.as_bytes(), is_piped).map_err(|failure| format!("{failure:?}"))
    };
    let ask = |words: &[&str], input: &str| asked(words, input, true);
    assert_eq!(asked(&["What", "is it?"], "typed later", false).unwrap(), "What is it?");
    assert_eq!(ask(&["Write a", "commit message"], "+ a line\n").unwrap(), "+ a line\n\nWrite a commit message");
    assert_eq!(ask(&["What is it?"], "").unwrap(), "What is it?");
    assert_eq!(ask(&[], " from a pipe\n\n").unwrap(), " from a pipe");
    assert_eq!(ask(&["Sum up:", "-", "Briefly."], "a\nb\n").unwrap(), "Sum up:\na\nb Briefly.");
    assert!(ask(&[], "\n").unwrap_err().contains("empty"));
    assert!(question(&[], &mut [0xff_u8].as_slice(), true).is_err());
}
