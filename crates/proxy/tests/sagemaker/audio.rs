//! Recordings over every family of containers, and speech.

use http::Method;
use sagewire_emulator::{AwsError, Emulator, Omni, Scripted, SpeechRecognition, Transcription};
use serde_json::{Value, json};

use crate::setup::{Answer, Setup};

const CONFIG: &str = "
model_list:
  - {model_name: vllm, litellm_params: {model: sagemaker/whisper, transcription_dialect: vllm}}
  - {model_name: whisperx, litellm_params: {model: sagemaker/whisperx}, model_info: {mode: audio_transcription}}
  - {model_name: hf, litellm_params: {model: sagemaker/asr, transcription_dialect: huggingface, drop_params: true}}
  - {model_name: strict, litellm_params: {model: sagemaker/asr, transcription_dialect: huggingface}}
  - {model_name: named, litellm_params: {model: sagemaker/whisper, dialect: vllm, hf_model_name: served, language: de}}
  - {model_name: small, litellm_params: {model: sagemaker/whisperx, transcription_dialect: whisperx, max_upload_bytes: 1000}}
  - {model_name: omni, litellm_params: {model: sagemaker/omni}, model_info: {mode: audio_speech}}
  - {model_name: painter, litellm_params: {model: sagemaker/omni, dialect: vllm, hf_model_name: served}}
  - {model_name: talker, litellm_params: {model: sagemaker/tgi}, model_info: {mode: chat}}
";

async fn setup_with(more: &str) -> Setup {
    let emulator = Emulator::builder()
        .endpoint("whisper", Transcription)
        .endpoint("whisperx", Transcription)
        .endpoint("asr", SpeechRecognition)
        .endpoint("omni", Omni)
        .start()
        .await
        .unwrap();
    Setup::on(emulator, &format!("{CONFIG}{more}")).await
}

async fn setup() -> Setup {
    setup_with("").await
}

fn field(name: &str, value: &str) -> String {
    format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

fn file(content: &str) -> String {
    format!(
        "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"secret-meeting.WAV\"\r\nContent-Type: audio/wav\r\n\r\n{content}\r\n"
    )
}

fn form(fields: &[(&str, &str)], content: &str) -> String {
    let fields: String = fields.iter().map(|(name, value)| field(name, value)).collect();
    format!("{}{fields}--XX--\r\n", file(content))
}

async fn upload(setup: &Setup, path: &str, body: &str) -> Answer {
    setup.send(Method::POST, path, &[("content-type", "multipart/form-data; boundary=XX")], body).await
}

const PATH: &str = "/v1/audio/transcriptions";

#[tokio::test]
async fn every_family_transcribes_in_every_format() {
    let setup = setup().await;
    for model in ["vllm", "whisperx", "hf"] {
        for (format, kind, said) in [
            ("json", "application/json", "{\"text\":\"I heard 9 bytes"),
            ("text", "text/plain", "I heard 9 bytes"),
            ("srt", "", "1\n00:00:00,000 --> 00:00:01"),
            ("vtt", "text/vtt", "WEBVTT\n\n00:00:00.000 --> 00:00:01"),
            ("verbose_json", "application/json", "\"segments\":[{"),
        ] {
            let body = form(&[("model", model), ("response_format", format)], "RIFF-data");
            let answer = upload(&setup, PATH, &body).await;
            assert_eq!(answer.status, 200, "{model} {format} {}", answer.text());
            assert!(answer.text().contains(said), "{model} {format} {}", answer.text());
            assert!(answer.headers["content-type"].to_str().unwrap().starts_with(kind), "{model} {format} {answer:?}");
        }
    }
    // The model may be named in the path, and by default it is JSON.
    let answer = upload(&setup, "/openai/deployments/whisperx/audio/transcriptions", &form(&[], "RIFF-data")).await;
    assert!(answer.json()["text"].as_str().unwrap().contains("9 bytes in en of audio.wav"), "{}", answer.text());
}

#[tokio::test]
async fn translations_go_to_containers_that_translate() {
    let setup = setup().await;
    let answer = upload(&setup, "/audio/translations", &form(&[("model", "vllm")], "RIFF")).await;
    assert!(answer.text().contains("I translated 4 bytes"), "{}", answer.text());
    let received = setup.emulator.received();
    assert_eq!(received[0].header("x-amzn-sagemaker-custom-attributes"), Some("route=/v1/audio/translations"));
    for model in ["whisperx", "hf"] {
        let answer = upload(&setup, "/audio/translations", &form(&[("model", model)], "RIFF")).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
    }
}

#[tokio::test]
async fn a_stream_is_openais_events_whatever_the_container_does() {
    let setup = setup().await;
    for model in ["vllm", "whisperx", "hf"] {
        let answer = upload(&setup, PATH, &form(&[("model", model), ("stream", "true")], "RIFF")).await;
        assert_eq!(answer.headers["content-type"], "text/event-stream; charset=utf-8");
        let events: Vec<Value> = answer
            .text()
            .split_terminator("\n\n")
            .map(|event| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap())
            .collect();
        let (last, deltas) = events.split_last().unwrap();
        let text: String = deltas.iter().map(|event| event["delta"].as_str().unwrap()).collect();
        assert_eq!((&last["type"], &last["text"]), (&json!("transcript.text.done"), &json!(text)), "{model}");
        assert!(text.starts_with("I heard 4 bytes") && (deltas.len() > 1) == (model == "vllm"), "{}", answer.text());
    }
    setup
        .emulator
        .enqueue("whisper", Scripted::stream(["data: {\"choices\":[{\"delta\":{\"content\":\"Half\"}}]}\n\n"]));
    let answer = upload(&setup, PATH, &form(&[("model", "vllm"), ("stream", "true")], "RIFF")).await;
    assert!(answer.text().contains("Half") && answer.text().contains("stream_broken"), "{}", answer.text());
    assert!(!answer.text().contains("transcript.text.done"), "{}", answer.text());
}

#[tokio::test]
async fn what_is_sent_has_the_operators_parameters_and_no_name_of_a_file() {
    let setup = setup().await;
    let body = form(
        &[
            ("model", "named"),
            ("prompt", "llamas"),
            ("timestamp_granularities[]", "word"),
            ("timestamp_granularities[]", "segment"),
        ],
        "RIFF",
    );
    assert_eq!(upload(&setup, PATH, &body).await.status, 200);
    let received = setup.emulator.received();
    let sent = String::from_utf8(received[0].body.to_vec()).unwrap();
    for part in [
        "name=\"prompt\"\r\n\r\nllamas\r\n",
        "name=\"model\"\r\n\r\nserved\r\n",
        "name=\"language\"\r\n\r\nde\r\n",
        "\r\n\r\nsegment\r\n",
        "filename=\"audio.wav\"",
    ] {
        assert!(sent.contains(part), "{part} {sent}");
    }
    assert!(!sent.contains("secret-meeting") && !sent.contains("named"), "{sent}");
    let raw = upload(&setup, PATH, &form(&[("model", "hf"), ("prompt", "llamas")], "RIFF")).await;
    assert_eq!(raw.status, 200);
    let last = setup.emulator.received().pop().unwrap();
    assert_eq!((last.header("content-type"), &*last.body), (Some("audio/x-audio"), &b"RIFF"[..]));
    let strict = upload(&setup, PATH, &form(&[("model", "strict"), ("prompt", "llamas")], "RIFF")).await;
    assert_eq!((strict.status.as_u16(), &strict.json()["error"]["param"]), (400, &json!("prompt")));
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_before_aws_is_asked() {
    let setup = setup().await;
    let url = field("file", "https://example.com/a.wav");
    let model = field("model", "vllm");
    let end = "--XX--\r\n";
    for (body, status, said) in [
        (format!("{url}{model}{end}"), 400, "`file` must be an upload"),
        (format!("{model}{end}"), 400, "missing required parameter `file`"),
        (format!("{model}{}{end}", file("")), 400, "`file` is empty"),
        (format!("{model}{}{}{end}", file("a"), file("b")), 400, "duplicate parameter `file`"),
        (format!("{model}{model}{}{end}", file("a")), 400, "duplicate parameter `model`"),
        (form(&[], "a"), 400, "missing required parameter `model`"),
        (form(&[("model", "nothing")], "a"), 404, "nothing"),
        (form(&[("model", "talker")], "a"), 400, "send the request to `/v1/chat/completions`"),
        (form(&[("model", "vllm"), ("aws_region_name", "eu-west-1")], "a"), 400, "`aws_region_name` cannot be set"),
        (form(&[("model", "vllm"), ("sagemaker_base_url", "http://169.254.169.254")], "a"), 400, "cannot be set"),
        (form(&[("model", "vllm"), ("max_upload_bytes", "99999999")], "a"), 400, "cannot be set"),
        (form(&[("model", "vllm"), ("timeout", "soon")], "a"), 400, "`timeout` must be a number"),
        (form(&[("model", "vllm"), ("stream", "maybe")], "a"), 400, "`stream`"),
        (form(&[("model", "vllm"), ("prompt", "a"), ("prompt", "b")], "a"), 400, "duplicate parameter `prompt`"),
        (form(&[("model", "small")], &"x".repeat(1000)), 413, "InvokeEndpointAsync"),
        (form(&[("model", "small")], &"x".repeat(9000)), 413, "limit of 1000 bytes"),
        (form(&[("model", "vllm")], "a\r\n--sagewire-c3f1a9d27b5e4860\r\n"), 400, "not a recording"),
        (model.clone(), 400, "not a form"),
    ] {
        let answer = upload(&setup, PATH, &body).await;
        assert!(answer.status == status && answer.text().contains(said), "{said}: {} {}", answer.status, answer.text());
        assert!(!answer.text().contains("secret-meeting"));
    }
    let json = setup.post(PATH, &json!({"model": "vllm"})).await;
    assert_eq!(json.status, 415);
    assert_eq!(setup.emulator.received().len(), 0);
}

#[tokio::test]
async fn uploads_share_one_budget_and_give_it_back() {
    let setup = setup_with("sagewire_settings: {limits: {max_bytes_of_uploads: 2000}}\n").await;
    let large = upload(&setup, PATH, &form(&[("model", "vllm")], &"x".repeat(3000))).await;
    assert_eq!((large.status.as_u16(), &large.json()["error"]["code"]), (503, &json!("proxy_overloaded")));
    assert_eq!(large.headers["retry-after"], "1");
    for _ in 0..5 {
        assert_eq!(upload(&setup, PATH, &form(&[("model", "vllm")], &"x".repeat(1000))).await.status, 200);
    }
    setup
        .emulator
        .enqueue("whisper", Scripted::error(AwsError::model_error(400, r#"{"error":{"message":"Invalid audio"}}"#)));
    let refused = upload(&setup, PATH, &form(&[("model", "vllm")], &"x".repeat(1000))).await;
    assert!(refused.status == 400 && refused.text().contains("Invalid audio"), "{}", refused.text());
    assert!(setup.get("/metrics").await.text().contains("sagewire_upload_bytes 0"));
}

#[tokio::test]
async fn speech_is_passed_on_as_it_comes() {
    let setup = setup().await;
    for (model, path) in [("omni", "/v1/audio/speech"), ("painter", "/audio/speech")] {
        let answer = setup.post(path, &json!({"model": model, "input": "Hello there", "voice": "alloy"})).await;
        assert_eq!((answer.status.as_u16(), answer.headers["content-type"].to_str().unwrap()), (200, "audio/wav"));
        assert!(answer.body.starts_with(b"RIFF") && answer.body.len() == 15, "{answer:?}");
    }
    let refused = setup.post("/v1/audio/speech", &json!({"model": "omni", "input": ""})).await;
    assert_eq!(refused.status, 400, "{}", refused.text());
}

#[tokio::test]
async fn images_are_passed_on_and_no_url_is_fetched() {
    let setup = setup().await;
    // Nobody may come here.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/cat.png", listener.local_addr().unwrap());
    let request = json!({"model": "painter", "prompt": "a llama", "n": 2, "image": url, "image_url": {"url": url}});
    let answer = setup.post("/v1/images/generations", &request).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()["data"].as_array().unwrap().len()),
        (200, 2),
        "{}",
        answer.text()
    );
    let sent = setup.emulator.received()[0].json().unwrap();
    assert_eq!((&sent["model"], &sent["image"]), (&json!("served"), &json!(url)));
    let fields = [("model", "vllm"), ("url", url.as_str()), ("file_url", url.as_str())];
    assert_eq!(upload(&setup, PATH, &form(&fields, "RIFF")).await.status, 200);
    let visited = futures_util::FutureExt::now_or_never(listener.accept());
    assert!(visited.is_none(), "a URL was fetched");
    let refused = setup.post("/v1/images/generations", &json!({"model": "talker", "prompt": "a"})).await;
    assert!(refused.status == 400 && refused.text().contains("/v1/chat/completions"), "{}", refused.text());
}
