//! Uploads that are not what they claim to be, among faults of the container: each seed is a form, what
//! was done to it, and what the container does.
//!
//! Owns the kinds of forms, and what must hold for each. The reader of forms has tests of its own.

use sagewire_emulator::{AwsError, Scripted};
use serde_json::Value;

use crate::setup::{MASTER, Setup, answers, bearer, question};

const SEEDS: u64 = 300;

const MODEL: &str = "  - {model_name: recordings, litellm_params: {model: sagemaker/whisper, transcription_dialect: vllm, max_upload_bytes: 100000}}\n";

/// What the caller calls its file: nobody else is told.
const FILE_NAME: &str = "secret-meeting.wav";

/// What is done to a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Nothing,
    ThousandsOfParts,
    LongHead,
    LongPreamble,
    LongField,
    TooLarge,
    NoBoundary,
    AnotherBoundary,
    FormInForm,
    TwoFiles,
    TwoModels,
    NoFile,
    NoModel,
    FileAsText,
    ForgedName,
    NotText,
    Operators,
    EndInFile,
    Cut,
    LengthTooShort,
    LengthTooLong,
    PiecesWithoutEnd,
}

const DEEDS: [Deed; 22] = [
    Deed::Nothing,
    Deed::ThousandsOfParts,
    Deed::LongHead,
    Deed::LongPreamble,
    Deed::LongField,
    Deed::TooLarge,
    Deed::NoBoundary,
    Deed::AnotherBoundary,
    Deed::FormInForm,
    Deed::TwoFiles,
    Deed::TwoModels,
    Deed::NoFile,
    Deed::NoModel,
    Deed::FileAsText,
    Deed::ForgedName,
    Deed::NotText,
    Deed::Operators,
    Deed::EndInFile,
    Deed::Cut,
    Deed::LengthTooShort,
    Deed::LengthTooLong,
    Deed::PiecesWithoutEnd,
];

/// What the container does with its next request; nothing out of the ordinary if there is none.
fn fault(random: &mut fastrand::Rng, stream: bool) -> Option<Scripted> {
    let half = "data: {\"choices\":[{\"delta\":{\"content\":\"Half\"},\"finish_reason\":\"stop\"}]}\n\n";
    Some(match random.u8(..8) {
        0 => Scripted::error(AwsError::throttling().with_status(429)),
        1 => Scripted::error(AwsError::model_error(500, r#"{"error":{"message":"boom"}}"#)),
        2 => Scripted::reset(),
        3 if stream => Scripted::stream([half]),
        4 if stream => Scripted::stream([half]).model_stream_error("ModelInvocationTimeExceeded", "slow"),
        3 => Scripted::ok("{\"text\": 1}"),
        4 => Scripted::ok("{\"text\": \"Half\"}").cut_at(9),
        _ => return None,
    })
}

fn field(name: &str, value: &[u8]) -> Vec<u8> {
    [format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n").as_bytes(), value, b"\r\n"].concat()
}

fn file(content: &[u8]) -> Vec<u8> {
    let head = format!("--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{FILE_NAME}\"\r\n\r\n");
    [head.as_bytes(), content, b"\r\n"].concat()
}

/// The head of a request and its body.
fn request(deed: Deed, stream: bool, recording: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
    let mut parts = vec![field("model", b"recordings"), file(recording)];
    if stream {
        parts.push(field("stream", b"true"));
    }
    match deed {
        Deed::ThousandsOfParts => {
            let name = if random.bool() { "timestamp_granularities[]" } else { "a" };
            parts.extend((0..5000).map(|number| field(&format!("{name}{}", if name == "a" { number } else { 0 }), b"")));
        }
        Deed::LongHead => parts.insert(0, format!("--XX\r\nx: {}", "y".repeat(1 << 16)).into_bytes()),
        Deed::LongPreamble => parts.insert(0, vec![b'p'; 1 << 16]),
        Deed::LongField => parts.push(field("prompt", &vec![b'x'; (1 << 16) + 1])),
        Deed::TooLarge => parts[1] = file(&vec![0; 110_000]),
        Deed::FormInForm => parts.push(
            b"--XX\r\nContent-Disposition: form-data; name=\"file\"\r\nContent-Type: multipart/mixed; boundary=YY\r\n\r\n--YY\r\n\r\nx\r\n--YY--\r\n"
                .to_vec(),
        ),
        Deed::TwoFiles => parts.push(file(recording)),
        Deed::TwoModels => parts.push(field("model", b"text")),
        Deed::NoFile => drop(parts.remove(1)),
        Deed::NoModel => drop(parts.remove(0)),
        Deed::FileAsText => parts[1] = field("file", b"http://127.0.0.1:1/recording.wav"),
        Deed::ForgedName => parts.push(field("a\\\"\\r\\nx-forged: 1", b"x")),
        Deed::NotText => parts.push(field("prompt", &[0xff, 0xfe])),
        Deed::Operators => parts.push(field("sagemaker_base_url", b"http://127.0.0.1:1")),
        Deed::EndInFile => parts[1] = file(b"\r\n--sagewire-c3f1a9d27b5e4860\r\n"),
        _ => {}
    }
    let mut body = parts.concat();
    body.extend_from_slice(b"--XX--\r\n");
    let boundary = match deed {
        Deed::NoBoundary => "",
        Deed::AnotherBoundary => "; boundary=YY",
        _ => "; boundary=XX",
    };
    let mut length = body.len();
    match deed {
        Deed::Cut => body.truncate(random.usize(..body.len() - 4)),
        Deed::LengthTooShort => length = random.usize(..body.len() - 4),
        Deed::LengthTooLong => length += random.usize(1..100),
        _ => {}
    }
    let framing = if deed == Deed::PiecesWithoutEnd {
        body = [format!("{:x}\r\n", body.len()).as_bytes(), &body, b"\r\n"].concat();
        "transfer-encoding: chunked".to_owned()
    } else {
        if deed == Deed::Cut {
            length = body.len();
        }
        format!("content-length: {length}")
    };
    let head = format!(
        "POST /v1/audio/transcriptions HTTP/1.1\r\nhost: proxy\r\nconnection: close\r\n{}content-type: multipart/form-data{boundary}\r\n{framing}\r\n\r\n",
        bearer(MASTER)
    );
    [head.as_bytes(), &body].concat()
}

#[tokio::test]
async fn whatever_is_uploaded_is_transcribed_or_refused_and_leaves_nothing_behind() {
    let setup = Setup::with_models(MODEL).await;
    for seed in 0..SEEDS {
        let mut random = fastrand::Rng::with_seed(seed);
        let deed = DEEDS[usize::try_from(seed).unwrap() % DEEDS.len()];
        let stream = random.bool();
        let recording: Vec<u8> = (0..random.usize(1..5000)).map(|_| random.u8(..)).collect();
        let bytes = request(deed, stream, &recording, &mut random);
        let before = setup.emulator.received().len();
        let fault = if deed == Deed::Nothing { fault(&mut random, stream) } else { None };
        let is_faulty = fault.is_some();
        if let Some(fault) = fault {
            setup.emulator.enqueue("whisper", fault);
        }
        let is_unfinished = matches!(deed, Deed::LengthTooLong | Deed::PiecesWithoutEnd);
        let answer = if is_unfinished { setup.raw(&bytes).await } else { setup.until_closed(&bytes).await };
        let told = format!("seed {seed}, {deed:?}, stream {stream}: {}", String::from_utf8_lossy(&answer));
        assert!(!told.contains(FILE_NAME) && !told.contains("x-forged"), "{told}");
        let received = setup.emulator.received();
        if deed != Deed::Nothing {
            assert_eq!(received.len(), before, "AWS was asked. {told}");
        }
        let Some(answer) = answers(&answer).into_iter().next() else {
            assert!(is_unfinished, "no answer. {told}");
            continue;
        };
        let text = String::from_utf8_lossy(&answer.body);
        if deed == Deed::Nothing {
            let sent = &received[before].body;
            assert!(sent.windows(recording.len()).any(|part| part == recording), "another recording. {told}");
            let is_whole = text.contains(&format!("{} bytes in en of audio.wav.", recording.len()));
            match answer.status {
                200 if stream => {
                    let is_done = text.contains("transcript.text.done");
                    assert_eq!((is_done, is_done), (is_whole, !text.contains("\"error\"")), "{told}");
                }
                200 => assert!(is_whole, "{told}"),
                _ => assert!(is_faulty, "{told}"),
            }
        } else {
            let expected: &[u16] = match deed {
                Deed::NoBoundary => &[415],
                Deed::TooLarge => &[413],
                _ => &[400],
            };
            assert!(expected.contains(&answer.status), "{told}");
        }
        if answer.status != 200 {
            let error: Value = answer.json();
            assert!(error["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{told}");
        }
    }
    assert!(!setup.logs.text().contains("secret-meeting"));
    let metrics = setup.send("GET /metrics", &bearer(MASTER), b"").await;
    let metrics = String::from_utf8(metrics.body).unwrap();
    assert!(metrics.lines().any(|line| line == "sagewire_upload_bytes 0.0"), "{metrics}");
    assert_eq!(setup.chat(&question("text")).await.status, 200);
    setup.nothing_went_astray();
}
