//! Servers of transcription: OpenAI's form as vLLM and WhisperX take it, and a recording alone as
//! the Hugging Face toolkit takes it.
//!
//! Owns their formats. They hear how long a recording is, and say so. Rules:
//! [OpenAI's API](https://platform.openai.com/docs/api-reference/audio/createTranscription), [vLLM's server](https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html).

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use serde_json::json;

use super::{Container, ContainerReply, Invocation, route};

/// vLLM with Whisper at `route=/v1/audio/transcriptions` and `translations`; at `/invocations`
/// WhisperX, which neither translates nor streams.
#[derive(Clone, Copy, Debug, Default)]
pub struct Transcription;

/// The Hugging Face toolkit with a model of speech: a recording in, `{"text", "chunks"}` out.
#[derive(Clone, Copy, Debug, Default)]
pub struct SpeechRecognition;

/// The parts of a form.
#[derive(Debug, Default)]
struct TranscriptionForm {
    audio: Bytes,
    file_name: String,
    fields: Vec<(String, String)>,
}

impl TranscriptionForm {
    async fn read(invocation: &Invocation) -> Result<Self, String> {
        let boundary = multer::parse_boundary(invocation.content_type.as_deref().unwrap_or_default());
        let boundary = boundary.map_err(|error| error.to_string())?;
        let body = Ok::<_, std::convert::Infallible>(invocation.body.clone());
        let mut parts = multer::Multipart::new(stream::iter([body]), boundary);
        let mut form = Self::default();
        while let Some(part) = parts.next_field().await.map_err(|error| error.to_string())? {
            let name = part.name().unwrap_or_default().to_owned();
            if name == "file" {
                form.file_name = part.file_name().unwrap_or_default().to_owned();
                form.audio = part.bytes().await.map_err(|error| error.to_string())?;
            } else {
                form.fields.push((name, part.text().await.map_err(|error| error.to_string())?));
            }
        }
        if form.audio.is_empty() { Err("field required: file".to_owned()) } else { Ok(form) }
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn refusal(status: u16, message: &str) -> ContainerReply {
    let error = json!({"message": message, "type": "BadRequestError", "param": null, "code": status});
    ContainerReply::json(status, &json!({"error": error}))
}

#[async_trait]
impl Container for Transcription {
    fn image(&self) -> &str {
        "763104351884.dkr.ecr.us-east-1.amazonaws.com/whisperx:3.8.6-gpu"
    }

    async fn invoke(&self, invocation: Invocation) -> ContainerReply {
        let asked = route::asked_for(invocation.custom_attributes.as_deref());
        let verb = match asked {
            None | Some("/v1/audio/transcriptions") => "heard",
            Some("/v1/audio/translations") => "translated",
            Some(_) => return ContainerReply::json(404, &json!({"detail": "Not Found"})),
        };
        let form = match TranscriptionForm::read(&invocation).await {
            Ok(form) => form,
            Err(message) => return refusal(400, &message),
        };
        let language = form.field("language").unwrap_or("en");
        let text = format!("I {verb} {} bytes in {language} of {}.", form.audio.len(), form.file_name);
        let format = form.field("response_format").unwrap_or("json");
        let is_stream = form.field("stream") == Some("true");
        match asked {
            Some(_) => vllm(&text, format, language, is_stream),
            None => whisperx(&text, format, language),
        }
    }
}

/// vLLM has no subtitles, and its `text` is JSON.
///
/// <https://github.com/vllm-project/vllm/blob/main/vllm/entrypoints/speech_to_text/base/serving.py>
fn vllm(text: &str, format: &str, language: &str, is_stream: bool) -> ContainerReply {
    match (format, is_stream) {
        ("json" | "text", true) => streamed(text),
        ("json" | "text", false) => {
            ContainerReply::json(200, &json!({"text": text, "usage": {"type": "duration", "seconds": 1}}))
        }
        ("verbose_json", false) => {
            let segment = json!({
                "id": 0, "avg_logprob": -0.1, "compression_ratio": 1.0, "end": 1.0, "no_speech_prob": null, "seek": 0, "start": 0.0,
                "temperature": 0.0, "text": text, "tokens": [1, 2],
            });
            ContainerReply::json(
                200,
                &json!({"duration": 1.0, "language": language, "text": text, "segments": [segment], "words": null}),
            )
        }
        ("verbose_json", true) => refusal(400, "verbose_json format doesn't support streaming case"),
        _ => refusal(400, "Currently only support response_format: `text`, `json`, `verbose_json` or `diarized_json`"),
    }
}

/// <https://github.com/aws/deep-learning-containers/blob/main/scripts/docker/whisperx/server.py>
fn whisperx(text: &str, format: &str, language: &str) -> ContainerReply {
    match format {
        "json" => ContainerReply::json(200, &json!({"text": text})),
        "text" => ContainerReply::new(200, "text/plain; charset=utf-8", text.to_owned()),
        "srt" => {
            let body = format!("1\n00:00:00,000 --> 00:00:01,000\n{text}\n");
            ContainerReply::new(200, "application/x-subrip", body)
        }
        "vtt" => {
            let body = format!("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n{text}\n");
            ContainerReply::new(200, "text/vtt; charset=utf-8", body)
        }
        "verbose_json" => {
            let segment = json!({"start": 0.0, "end": 1.0, "text": text});
            ContainerReply::json(
                200,
                &json!({"task": "transcribe", "language": language, "duration": 1.0, "text": text, "segments": [segment]}),
            )
        }
        _ => {
            let detail = "response_format must be one of ['json', 'srt', 'text', 'verbose_json', 'vtt']";
            ContainerReply::json(400, &json!({"detail": detail}))
        }
    }
}

/// vLLM's chunks, a word each.
fn streamed(text: &str) -> ContainerReply {
    let chunk = |content: &str, reason: Option<&str>| {
        let choice = json!({"delta": {"content": content}, "finish_reason": reason});
        format!(
            "data: {}\n\n",
            json!({"id": "trsc-1", "object": "transcription.chunk", "created": 1, "model": "m", "choices": [choice]})
        )
    };
    let words = text.split_inclusive(' ').map(|word| chunk(word, None));
    let parts: Vec<String> = words.chain([chunk("", Some("stop")), "data: [DONE]\n\n".to_owned()]).collect();
    ContainerReply::parts("text/event-stream", parts)
}

#[async_trait]
impl Container for SpeechRecognition {
    fn image(&self) -> &str {
        "763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-inference:2.6.0"
    }

    async fn invoke(&self, invocation: Invocation) -> ContainerReply {
        let content_type = invocation.content_type.as_deref().unwrap_or_default();
        if !content_type.starts_with("audio/") {
            let message = format!("Content type {content_type} is not supported by this framework.");
            return ContainerReply::json(
                400,
                &json!({"code": 400, "type": "InternalServerException", "message": message}),
            );
        }
        let text = format!("I heard {} bytes.", invocation.body.len());
        let chunk = json!({"timestamp": [0.0, 1.5], "text": text});
        ContainerReply::json(200, &json!({"text": text, "chunks": [chunk]}))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(fields: &[(&str, &str)]) -> Invocation {
        let mut body =
            "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"audio.wav\"\r\n\r\nRIFF\r\n".to_owned();
        for (name, value) in fields {
            body.push_str(&format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"));
        }
        let mut invocation = Invocation::new(body + "--B--\r\n");
        invocation.content_type = Some("multipart/form-data; boundary=B".to_owned());
        invocation
    }

    async fn text(invocation: Invocation) -> (u16, String) {
        let reply = Transcription.invoke(invocation).await;
        (reply.status, String::from_utf8(reply.body.collect().await.unwrap().to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_form_is_answered_in_its_format() {
        let (status, json) = text(form(&[("language", "de")])).await;
        assert!(status == 200 && json.contains("I heard 4 bytes in de of audio.wav."), "{json}");
        assert!(text(form(&[("response_format", "vtt")])).await.1.starts_with("WEBVTT"));
        assert_eq!(text(form(&[("response_format", "pdf")])).await.0, 400);
        let mut routed = form(&[("stream", "true")]);
        routed.custom_attributes = Some("route=/v1/audio/translations".to_owned());
        let (_, stream) = text(routed).await;
        assert!(stream.contains(r#""content":"translated ""#) && stream.ends_with("data: [DONE]\n\n"), "{stream}");
        for (format, status) in [("text", 200), ("verbose_json", 200), ("srt", 400), ("vtt", 400)] {
            let mut routed = form(&[("response_format", format)]);
            routed.custom_attributes = Some("route=/v1/audio/transcriptions".to_owned());
            let (got, json) = text(routed).await;
            assert!(got == status && json.starts_with('{'), "{format} {json}");
        }
        assert_eq!(text(Invocation::new("{}")).await.0, 400);
        let mut sound = Invocation::new("RIFF");
        assert_eq!(SpeechRecognition.invoke(sound.clone()).await.status, 400);
        sound.content_type = Some("audio/x-audio".to_owned());
        assert_eq!(SpeechRecognition.invoke(sound).await.status, 200);
    }
}
