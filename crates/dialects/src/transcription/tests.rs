//! What each family is sent, and what becomes of its replies.

use sagewire_types::{AudioForm, AudioKind};
use serde_json::{Value, json};

use super::*;
use crate::StreamDecoder;

fn request(fields: &[(&str, &str)]) -> TranscribeRequest {
    let form = AudioForm::new(AudioKind::of(Some("audio/wav"), None), b"RIFF", fields.iter().copied()).unwrap();
    TranscribeRequest::new("m", form)
}

fn family(name: &str) -> &'static dyn TranscriptionFamily {
    name.parse::<TranscriptionDialect>().unwrap().implementation()
}

fn text_of(name: &str, reply: &str, fields: &[(&str, &str)]) -> Result<(String, String), Error> {
    let answer = family(name).decode(reply.to_owned().into(), Some("application/json"), &request(fields))?;
    Ok((String::from_utf8(answer.body.to_vec()).unwrap(), answer.content_type))
}

#[test]
fn a_form_is_passed_on_and_a_recording_is_sent_alone() {
    let asked = request(&[("language", "de")]);
    for name in ["vllm", "whisperx"] {
        let payload = family(name).encode(&asked, false).unwrap();
        assert_eq!((payload.content_type, &payload.body), (AudioForm::CONTENT_TYPE, asked.form.bytes()));
    }
    assert_eq!(family("vllm").route(false), Some("/v1/audio/transcriptions"));
    assert_eq!(family("vllm").route(true), Some("/v1/audio/translations"));
    let recording = family("huggingface");
    assert_eq!(recording.encode(&asked, false).unwrap_err().param(), Some("language"));
    let payload = recording.encode(&asked, true).unwrap();
    assert_eq!((payload.content_type, &*payload.body), ("audio/x-audio", &b"RIFF"[..]));
    for name in ["whisperx", "huggingface"] {
        let refused = family(name).encode(&asked.clone().translating(), false).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unsupported, "{name}");
    }
}

#[test]
fn every_format_is_made_of_chunks() {
    let reply = r#"{"text":" Hello there. Bye.","chunks":[{"timestamp":[0.0,1.5],"text":" Hello there."},{"timestamp":[3661.25,null],"text":" Bye."}]}"#;
    let of = |format| text_of("huggingface", reply, &[("response_format", format)]).unwrap();
    assert_eq!(of("json"), (r#"{"text":"Hello there. Bye."}"#.to_owned(), "application/json".to_owned()));
    assert_eq!(of("text").0, "Hello there. Bye.\n");
    assert_eq!(
        of("srt").0,
        "1\n00:00:00,000 --> 00:00:01,500\nHello there.\n\n2\n01:01:01,250 --> 01:01:01,250\nBye.\n\n"
    );
    let (vtt, kind) = of("vtt");
    assert!(vtt.starts_with("WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nHello") && kind.starts_with("text/vtt"), "{vtt}");
    let verbose: Value = serde_json::from_str(&of("verbose_json").0).unwrap();
    assert_eq!((&verbose["segments"][1]["start"], &verbose["duration"]), (&json!(3661.25), &json!(3661.25)));
    let wrong = text_of("huggingface", reply, &[("response_format", "pdf")]).unwrap_err();
    assert_eq!(wrong.param(), Some("response_format"));
}

#[test]
fn without_times_only_text_can_be_given() {
    for reply in [r#"{"text":"Hello"}"#, r#"{"text":["Hello"],"language":"en"}"#] {
        assert_eq!(text_of("huggingface", reply, &[]).unwrap().0, r#"{"text":"Hello"}"#);
        let refused = text_of("huggingface", reply, &[("response_format", "srt")]).unwrap_err();
        assert_eq!((refused.kind(), refused.param()), (ErrorKind::Unsupported, Some("response_format")));
    }
    for reply in ["[1]", r#"{"error":"boom"}"#, "text"] {
        assert!(text_of("huggingface", reply, &[]).is_err(), "{reply}");
    }
}

#[test]
fn an_answer_in_openais_form_passes_as_it_is() {
    let srt = "1\n00:00:00,000 --> 00:00:01,000\nHi\n\n";
    let form = |format| request(&[("response_format", format)]);
    let decode = |content_type, format| {
        family("whisperx").decode(Bytes::from_static(srt.as_bytes()), content_type, &form(format)).unwrap()
    };
    assert_eq!(decode(Some("application/x-subrip"), "srt").content_type, "application/x-subrip");
    assert_eq!(decode(Some("text/html"), "srt").content_type, "text/plain; charset=utf-8");
    assert_eq!(decode(None, "vtt").content_type, "text/vtt; charset=utf-8");
    assert_eq!(decode(None, "srt").body, srt);
    for reply in [r#"{"error":{"message":"boom","code":400}}"#, r#"{"text":1}"#, r#"{"choices":[]}"#, "[]", "text"] {
        for name in ["vllm", "whisperx"] {
            assert!(text_of(name, reply, &[]).is_err(), "{name} {reply}");
        }
    }
    // A text may look like anything.
    let looks_like_json = Bytes::from_static(br#"{"error":"x"}"#);
    let text = family("whisperx").decode(looks_like_json.clone(), Some("text/plain; charset=utf-8"), &form("text"));
    assert_eq!(text.unwrap().body, looks_like_json);
}

#[test]
fn vllm_answers_text_in_json_and_is_asked_for_segments_in_place_of_subtitles() {
    let json = r#"{"text":" Hello there.","usage":{"type":"duration","seconds":2}}"#;
    let (text, kind) = text_of("vllm", json, &[("response_format", "text")]).unwrap();
    assert_eq!((text.as_str(), kind.as_str()), ("Hello there.\n", "text/plain; charset=utf-8"));
    assert_eq!(text_of("vllm", json, &[]).unwrap().0, json);
    let verbose = r#"{"duration":2.0,"language":"en","text":"Hello there. Bye.","segments":[
        {"id":0,"avg_logprob":-0.1,"compression_ratio":1.0,"end":1.5,"seek":0,"start":0.0,"temperature":0.0,"text":" Hello there.","tokens":[1]},
        {"id":1,"avg_logprob":-0.1,"compression_ratio":1.0,"end":2.0,"seek":0,"start":1.5,"temperature":0.0,"text":" Bye.","tokens":[2]}],"words":null}"#;
    let asked = |format| [("response_format", format), ("language", "en")];
    let (srt, _) = text_of("vllm", verbose, &asked("srt")).unwrap();
    assert_eq!(srt, "1\n00:00:00,000 --> 00:00:01,500\nHello there.\n\n2\n00:00:01,500 --> 00:00:02,000\nBye.\n\n");
    let (vtt, kind) = text_of("vllm", verbose, &asked("vtt")).unwrap();
    assert!(vtt.starts_with("WEBVTT\n\n00:00:00.000 --> ") && kind.starts_with("text/vtt"), "{vtt}");
    for format in ["srt", "vtt"] {
        let payload = family("vllm").encode(&request(&asked(format)), false).unwrap();
        let sent = String::from_utf8(payload.body.to_vec()).unwrap();
        assert!(sent.contains("\r\n\r\nverbose_json\r\n") && !sent.contains(format), "{sent}");
        let of_whisperx = family("whisperx").encode(&request(&asked(format)), false).unwrap();
        assert_eq!(of_whisperx.body, request(&asked(format)).form.bytes());
        let silent = text_of("vllm", r#"{"text":"","segments":[]}"#, &asked(format)).unwrap_err();
        assert_eq!((silent.kind(), silent.param()), (ErrorKind::Unsupported, Some("response_format")));
        assert!(text_of("vllm", r#"{"error":{"message":"boom","code":400}}"#, &asked(format)).is_err());
    }
    let streamed = [("stream", "true"), ("response_format", "verbose_json")];
    assert_eq!(family("vllm").encode(&request(&streamed), false).unwrap_err().param(), Some("response_format"));
}

fn streamed(wire: &str, size: usize) -> (Vec<Value>, Result<(), Error>) {
    let mut decoder = TranscriptDecoder::default();
    let mut out = Vec::new();
    let pushed = wire.as_bytes().chunks(size).try_for_each(|piece| decoder.push(piece, &mut out));
    let outcome = pushed.and_then(|()| decoder.finish(&mut out));
    (out.iter().map(|event| serde_json::from_slice(&event.bytes).unwrap()).collect(), outcome)
}

#[test]
fn chunks_become_openais_events_and_must_have_their_end() {
    let piece = |content: &str, reason: Value| {
        format!(
            "data: {}\n\n",
            json!({"object": "transcription.chunk", "choices": [{"delta": {"content": content}, "finish_reason": reason}]})
        )
    };
    let usage = r#"data: {"object":"transcription.chunk","choices":[],"usage":{"completion_tokens":2,"prompt_tokens":3,"total_tokens":5}}"#;
    let wire = format!("{}{}{usage}\n\ndata: [DONE]\n\n", piece("Hel", Value::Null), piece("lö", json!("stop")));
    for size in 1..wire.len() {
        let (events, outcome) = streamed(&wire, size);
        outcome.unwrap();
        let texts: Vec<_> = events
            .iter()
            .map(|event| {
                (event["type"].as_str().unwrap(), event.get("delta").or(event.get("text")).unwrap().as_str().unwrap())
            })
            .collect();
        assert_eq!(texts, [("transcript.text.delta", "Hel"), ("transcript.text.delta", "lö"), (DONE, "Hellö")]);
        assert_eq!(events[2]["usage"]["total_tokens"], 5);
    }
    // The end of a piece of a long recording is not the end of the recording.
    for cut in [Value::Null, json!("stop")] {
        let (events, broken) = streamed(&piece("Hel", cut), 9);
        assert_eq!((events.len(), broken.unwrap_err().kind()), (1, ErrorKind::StreamBroken));
    }
    let (_, failed) = streamed("data: {\"error\":{\"message\":\"boom\",\"code\":500}}\n\n", 9);
    assert!(format!("{failed:?}").contains("boom"));
    let (events, outcome) = streamed(
        &format!(
            "data: {{\"type\":\"transcript.text.delta\",\"delta\":\"a\"}}\n\ndata: {{\"type\":\"{DONE}\",\"text\":\"a\"}}\n\n"
        ),
        5,
    );
    assert_eq!((events.len(), outcome.is_ok()), (2, true));
}

const DONE: &str = "transcript.text.done";
