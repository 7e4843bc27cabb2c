use std::{
    collections::BTreeMap,
    io,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use async_trait::async_trait;
use futures_util::stream;
use sagewire::{Answer, Call, CallContext, EmbedResponse, Error, ErrorKind, NumberList, Provider, Reply, Vector};
use serde_json::Map;

use super::*;

/// Embeds by length, remembers each text, and refuses those that are told to be too long.
#[derive(Debug, Default)]
struct Counter {
    asked: Mutex<Vec<String>>,
    /// How often it made no vector.
    refused: AtomicUsize,
    /// What the container's own JSON looks like.
    spread: bool,
}

#[async_trait]
impl Provider for Counter {
    async fn call(&self, call: Call, _: &CallContext) -> Result<Answer, Error> {
        let Call::Embed(request) = call else { return Err(call.unsupported()) };
        let texts = request.input.texts().unwrap().to_vec();
        // Others get their turn, so that batches end in any order.
        for _ in 0..texts.first().map_or(0, String::len) % 3 {
            tokio::task::yield_now().await;
        }
        if texts.iter().any(|text| text.contains("never")) {
            std::future::pending::<()>().await;
        }
        if texts.iter().any(|text| text.contains("too long")) {
            return Err(Error::new(ErrorKind::ContextTooLong, "a text is too long"));
        }
        if texts.iter().any(|text| text.contains("null")) {
            self.refused.fetch_add(1, Relaxed);
            return Err(Error::new(ErrorKind::Decode, "no numbers"));
        }
        if texts.iter().any(|text| text.contains("no key")) {
            return Err(Error::new(ErrorKind::Authentication, "no key"));
        }
        self.asked.lock().unwrap().extend(texts.iter().cloned());
        let between = if self.spread { ",\n  " } else { "," };
        let vectors = texts
            .iter()
            .map(|text| Vector::Raw(NumberList::from_json(format!("[{}{between}0.50]", text.len())).unwrap()));
        Ok(Reply::new(EmbedResponse::new(request.model, vectors)).into())
    }
}

/// A file that the process dies over after so many bytes.
struct Dying {
    written: Vec<u8>,
    room: usize,
}

impl io::Write for Dying {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.room);
        if taken == 0 && !bytes.is_empty() {
            return Err(io::Error::other("killed"));
        }
        self.room -= taken;
        self.written.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

async fn input(text: &str) -> Input {
    let source = Source::Text(text.to_owned().into());
    Input::open(source, "input".to_owned(), InputFormat::Lines, None).await.unwrap()
}

fn texts() -> String {
    (0..11).map(|number| format!("text {number} {}\n", "x".repeat(number % 4))).collect()
}

async fn work(
    provider: &Counter,
    input: &Input,
    done: &Done,
    output: &mut Dying,
    keep_going: bool,
    stops: usize,
) -> Result<work::Summary, Failure> {
    let parameters = Map::new();
    let fingerprint = Fingerprint::new("m", &parameters);
    let (total, _) = input.check(done, &fingerprint, keep_going).await?;
    let job = Job {
        provider,
        model: "m",
        parameters: &parameters,
        fingerprint: &fingerprint,
        batch_size: 2,
        concurrency: 3,
        keep_going,
    };
    let mut progress = Progress::hidden(total, done.len() as u64);
    // They come when the first requests are at work.
    let stops = stream::once(tokio::task::yield_now()).skip(1).chain(stream::iter(vec![(); stops]));
    let stops = stops.chain(stream::pending());
    job.run(input.records().await?, done, output, stops, &mut progress).await
}

use futures_util::StreamExt;

/// The lines of a whole output, by index; there is none twice.
fn lines(output: &[u8]) -> BTreeMap<u64, Value> {
    let mut lines = BTreeMap::new();
    for line in std::str::from_utf8(output).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(lines.insert(line["index"].as_u64().unwrap(), line.clone()), None, "{line} stands there twice");
    }
    lines
}

#[tokio::test]
async fn killed_at_every_byte_it_goes_on_and_loses_and_repeats_nothing() {
    let text = texts();
    let input = input(&text).await;
    let mut whole = Dying { written: Vec::new(), room: usize::MAX };
    work(&Counter::default(), &input, &Done::default(), &mut whole, false, 0).await.unwrap();
    let expected = lines(&whole.written);
    assert_eq!(expected.len(), 11);
    for room in 0..whole.written.len() {
        let mut file = Dying { written: Vec::new(), room };
        assert!(work(&Counter::default(), &input, &Done::default(), &mut file, false, 0).await.is_err(), "{room}");
        // As the next run finds it.
        let (done, end) = output::read(file.written.as_slice()).unwrap();
        file.written.truncate(usize::try_from(end).unwrap());
        assert!(file.written.is_empty() || file.written.ends_with(b"\n"));
        let kept = lines(&file.written);
        file.room = usize::MAX;
        let provider = Counter::default();
        work(&provider, &input, &done, &mut file, false, 0).await.unwrap();
        assert_eq!(lines(&file.written), expected, "{room}");
        let asked = provider.asked.lock().unwrap().clone();
        assert_eq!(asked.len() + kept.len(), 11, "{room}: a line that was done is asked for again");
        for index in kept.keys() {
            let text = text.lines().nth(usize::try_from(*index).unwrap()).unwrap();
            assert!(!asked.iter().any(|asked| asked == text), "{room}: {text} is asked for again");
        }
    }
}

#[tokio::test]
async fn a_vector_spread_over_lines_becomes_one() {
    let mut file = Dying { written: Vec::new(), room: usize::MAX };
    let provider = Counter { spread: true, ..Counter::default() };
    work(&provider, &input("a\nb\n").await, &Done::default(), &mut file, false, 0).await.unwrap();
    assert_eq!(lines(&file.written).len(), 2);
    assert!(String::from_utf8(file.written).unwrap().contains("[1,0.50]"), "numbers stay as they came");
}

#[tokio::test]
async fn a_changed_input_is_refused_before_anything_is_asked() {
    let mut file = Dying { written: Vec::new(), room: usize::MAX };
    work(&Counter::default(), &input("a\nb\nc\n").await, &Done::default(), &mut file, false, 0).await.unwrap();
    let (done, _) = output::read(file.written.as_slice()).unwrap();
    for (changed, said) in [("a\nB\nc\n", "line 2"), ("a\nb\n", "lacks 1 lines")] {
        let provider = Counter::default();
        let failure = work(&provider, &input(changed).await, &done, &mut file, false, 0).await.unwrap_err();
        let text = format!("{failure:?}");
        assert!(text.contains(said) && text.contains("--restart"), "{text}");
        assert!(provider.asked.lock().unwrap().is_empty());
    }
    // More lines at the end are no change of those that are done.
    let provider = Counter::default();
    work(&provider, &input("a\nb\nc\nd\n").await, &done, &mut file, false, 0).await.unwrap();
    assert_eq!(*provider.asked.lock().unwrap(), ["d"]);
    assert_eq!(lines(&file.written).len(), 4);
}

#[tokio::test]
async fn a_failure_keeps_what_the_others_bring_and_going_on_finds_the_line() {
    let text = "a\nb\nc too long\nd\ne\nf\n";
    let mut file = Dying { written: Vec::new(), room: usize::MAX };
    assert!(work(&Counter::default(), &input(text).await, &Done::default(), &mut file, false, 0).await.is_err());
    assert_eq!(lines(&file.written).into_keys().collect::<Vec<_>>(), [0, 1, 4, 5]);
    let (done, _) = output::read(file.written.as_slice()).unwrap();
    let summary = work(&Counter::default(), &input(text).await, &done, &mut file, true, 0).await.unwrap();
    assert_eq!(summary.refused.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [2]);
    assert_eq!(lines(&file.written).into_keys().collect::<Vec<_>>(), [0, 1, 3, 4, 5]);
    // What would fail for every text is not skipped.
    let failure = work(&Counter::default(), &input("a\nno key\n").await, &Done::default(), &mut file, true, 0).await;
    assert!(failure.is_err());
}

#[tokio::test]
async fn a_text_without_a_vector_is_skipped_if_the_model_embeds_others() {
    for text in ["a\nnull\nc\n", "null\nb\nc\n", "a\nb\nnull\n"] {
        let mut file = Dying { written: Vec::new(), room: usize::MAX };
        let summary =
            work(&Counter::default(), &input(text).await, &Done::default(), &mut file, true, 0).await.unwrap();
        let refused = text.lines().position(|line| line == "null").unwrap() as u64;
        assert_eq!(summary.refused.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [refused], "{text}");
        assert_eq!(lines(&file.written).len(), 2);
    }
    // If there is no vector at all, the fault is not in the texts, and the run does not go through all
    // of them.
    for lines in [2, 1000] {
        let mut file = Dying { written: Vec::new(), room: usize::MAX };
        let provider = Counter::default();
        let failure =
            work(&provider, &input(&"null\n".repeat(lines)).await, &Done::default(), &mut file, true, 0).await;
        assert!(failure.is_err());
        assert!(provider.refused.load(Relaxed) < 50);
    }
}

#[tokio::test]
async fn the_first_stop_lets_requests_finish_and_the_second_does_not() {
    let text = texts();
    let mut file = Dying { written: Vec::new(), room: usize::MAX };
    let summary = work(&Counter::default(), &input(&text).await, &Done::default(), &mut file, false, 1).await.unwrap();
    assert!(summary.is_stopped);
    assert_eq!(lines(&file.written).len(), 6, "three batches of two were at work");
    let mut file = Dying { written: Vec::new(), room: usize::MAX };
    let never = input("never\n").await;
    let summary = work(&Counter::default(), &never, &Done::default(), &mut file, false, 2).await.unwrap();
    assert!(summary.is_stopped);
    assert!(file.written.is_empty());
}

#[test]
fn only_a_last_line_may_be_torn() {
    let good = "{\"index\":0,\"hash\":\"a\",\"embedding\":[1]}\n";
    let read = |text: &str| output::read(text.as_bytes()).map(|(done, end)| (done.len(), end));
    let length = good.len() as u64;
    assert_eq!(read(good).unwrap(), (1, length));
    for torn in ["{\"index\":1,\"ha", "\0\0\0\0", "{\"index\":1,\"hash\":\"b\",\"embedding\":[1]}", "nonsense\n"] {
        assert_eq!(read(&format!("{good}{torn}")).unwrap(), (1, length), "{torn}");
    }
    let failure = read(&format!("my notes\n{good}")).unwrap_err();
    assert!(format!("{failure:?}").contains("line 1"), "{failure:?}");
}

#[test]
fn a_file_belongs_to_one_run_at_a_time_and_is_emptied_only_where_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.jsonl");
    let line = "{\"index\":0,\"hash\":\"a\",\"embedding\":[1]}\n";
    std::fs::write(&path, format!("{line}{{\"torn")).unwrap();
    let (first, done) = Output::open(&path, false).unwrap();
    assert_eq!((done.len(), std::fs::read_to_string(&path).unwrap().as_str()), (1, line));
    let second = Output::open(&path, false).map(|_| ()).unwrap_err();
    assert!(format!("{second:?}").contains("another run"), "{second:?}");
    drop(first);
    let (_, done) = Output::open(&path, true).unwrap();
    assert_eq!((done.len(), std::fs::read(&path).unwrap().len()), (0, 0));
}
