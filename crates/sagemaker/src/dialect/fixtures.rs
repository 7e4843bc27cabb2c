//! Every folder of `fixtures/dialects/<dialect>/<case>`, found by itself: a body, a reply or a stream, and what becomes of it.
//!
//! Owns the promises that hold for every stream: the same chunks at every cut, and no cut answer that looks whole. The form of a case
//! is in `fixtures/README.md`.

use std::{fs, path::Path};

use sagewire_types::{ChatChunk, ChunkCollector, CompletionResponse, Error};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    CompletionForm, DIALECTS, DecodeContext, Dialect, EncodeContext, StreamDecoder,
    completion::{self, CompletionDecoder},
};
use crate::{
    fixture::{ExpectedError, Folder, json_lines},
    parameters::{DetailsPolicy, ParameterPolicy},
};

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Context {
    operation: Operation,
    prompt: Option<String>,
    stream: bool,
    prompt_is_marked: bool,
    keep_prompt: bool,
    stop: Vec<String>,
    end_tokens: Vec<String>,
    logprobs: bool,
    include_usage: bool,
    choices: u32,
    zero_temperature: Option<f64>,
    details: Option<String>,
    drop_params: bool,
    allowed_openai_params: Vec<String>,
    additional_drop_params: Vec<String>,
    /// The stream has no end mark: a cut between two records cannot be told from its end.
    endless: bool,
}

impl Default for Context {
    fn default() -> Self {
        Self {
            operation: Operation::Chat,
            prompt: None,
            stream: false,
            prompt_is_marked: false,
            keep_prompt: false,
            stop: Vec::new(),
            end_tokens: Vec::new(),
            logprobs: false,
            include_usage: false,
            choices: 1,
            zero_temperature: None,
            details: None,
            drop_params: false,
            allowed_openai_params: Vec::new(),
            additional_drop_params: Vec::new(),
            endless: false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Operation {
    Chat,
    Completion,
}

impl Context {
    fn policy(&self) -> ParameterPolicy {
        ParameterPolicy {
            drop_params: self.drop_params,
            allowed_openai_params: self.allowed_openai_params.clone(),
            additional_drop_params: self.additional_drop_params.clone(),
        }
    }

    fn decode(&self) -> DecodeContext {
        let mut context = DecodeContext::new("chatcmpl-1", "my-endpoint", 1_700_000_000);
        context.prompt = self.prompt.as_deref().map(Into::into);
        context.prompt_is_marked = self.prompt_is_marked;
        context.keep_prompt = self.keep_prompt;
        context.stop = self.stop.clone().into();
        context.end_tokens = self.end_tokens.clone().into();
        context.logprobs = self.logprobs;
        context.include_usage = self.include_usage;
        context.choices = self.choices;
        context
    }
}

#[test]
fn every_dialect_has_fixtures_of_each_kind_and_every_folder_a_dialect() {
    let folders = Folder::under("dialects");
    let named = |folder: &Folder| DIALECTS.iter().any(|dialect| dialect.name() == folder.group);
    assert!(folders.iter().all(named), "a folder of fixtures without a dialect");
    for dialect in DIALECTS {
        for file in ["request.json", "reply.json", "stream.txt"] {
            let has = folders.iter().any(|folder| folder.group == dialect.name() && folder.has(file));
            assert!(has, "`{}` has no fixture with {file}", dialect.name());
        }
    }
}

#[test]
fn bodies_are_made_as_expected() {
    for_each_case("request.json", |folder, dialect, context| {
        let policy = context.policy();
        let encode = EncodeContext {
            endpoint: "my-endpoint",
            model: "my-endpoint",
            prompt: context.prompt.as_deref(),
            stream: context.stream,
            policy: &policy,
            details: context.details.as_deref().map_or_else(DetailsPolicy::default, |text| text.parse().unwrap()),
            zero_temperature: context.zero_temperature,
        };
        let payload = match context.operation {
            Operation::Chat => dialect.encode(folder.json("request.json"), &encode),
            Operation::Completion if dialect.completion_form() == CompletionForm::OpenAi => {
                dialect.encode_completion(folder.json("request.json"), &encode)
            }
            Operation::Completion => {
                completion::as_prompt(folder.json("request.json")).and_then(|(request, prompt)| {
                    dialect.encode(request, &EncodeContext { prompt: Some(&prompt), ..encode })
                })
            }
        };
        match payload {
            Ok(payload) => {
                let body: serde_json::Value = serde_json::from_slice(&payload.body).unwrap();
                folder.expect_json("body.json", &body);
                assert_eq!(payload.content_type, "application/json");
            }
            Err(error) => folder.expect_error(&error),
        }
    });
}

#[test]
fn whole_replies_are_read_as_expected() {
    for_each_case("reply.json", |folder, dialect, context| {
        let (reply, decode) = (folder.bytes("reply.json"), context.decode());
        match context.operation {
            Operation::Chat => folder.expect_result("response.json", dialect.decode(&reply, &decode)),
            Operation::Completion if dialect.completion_form() == CompletionForm::OpenAi => {
                folder.expect_result(
                    "response.json",
                    completion::decode(&reply, &decode, dialect.name()).map(completion::from_chat),
                );
            }
            Operation::Completion => {
                folder.expect_result("response.json", dialect.decode(&reply, &decode).map(completion::from_chat));
            }
        }
    });
}

#[test]
fn streams_are_read_the_same_at_every_cut_and_never_whole_when_cut_off() {
    for_each_case("stream.txt", |folder, dialect, context| {
        let stream = folder.bytes("stream.txt");
        match context.operation {
            Operation::Chat => {
                let decoder = || dialect.stream_decoder(context.decode());
                replay(folder, context, &stream, decoder, |chunks: Vec<ChatChunk>| {
                    let mut collector = ChunkCollector::new();
                    chunks.into_iter().for_each(|chunk| collector.push(chunk));
                    let said = |choice: sagewire_types::Choice| {
                        (choice.message.content, choice.message.tool_calls, choice.finish_reason)
                    };
                    collector.finish().choices.into_iter().map(said).collect::<Vec<_>>()
                });
            }
            Operation::Completion => {
                let decoder = || Box::new(CompletionDecoder::new(context.decode(), dialect.name())) as Box<_>;
                replay(folder, context, &stream, decoder, |chunks: Vec<CompletionResponse>| {
                    chunks.into_iter().flat_map(|chunk| chunk.choices).map(|choice| choice.text).collect::<String>()
                });
            }
        }
    });
}

fn replay<T, S>(
    folder: &Folder,
    context: &Context,
    stream: &[u8],
    decoder: impl Fn() -> Box<dyn StreamDecoder<T>>,
    said: impl Fn(Vec<T>) -> S,
) where
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
    S: PartialEq + std::fmt::Debug,
{
    let (chunks, error) = read(&decoder, &[stream]);
    folder.expect_text("chunks.json", &json_lines(&chunks));
    match &error {
        Some(error) => folder.expect_error(error),
        None => assert!(!folder.has("error.json"), "{folder}: no error came"),
    }
    let same = |pieces: &[&[u8]], what: &dyn std::fmt::Display| {
        let (again, again_error) = read(&decoder, pieces);
        assert_eq!(again, chunks, "{folder}: other chunks {what}");
        assert_eq!(again_error.map(ExpectedError::from), error.as_ref().map(ExpectedError::from), "{folder}: {what}");
    };
    for size in 1..stream.len() {
        same(&stream.chunks(size).collect::<Vec<_>>(), &format_args!("in pieces of {size}"));
    }
    let whole = said(chunks_of(&decoder, stream));
    for cut in 0..stream.len() {
        let (head, tail) = stream.split_at(cut);
        same(&[head, tail], &format_args!("with a cut at {cut}"));
        let (cut_off, cut_error) = read(&decoder, &[head]);
        if cut_error.is_none() {
            let between_records = context.endless && head.trim_ascii_end().ends_with(b"}");
            assert!(between_records || said(cut_off) == whole, "{folder}: cut off at {cut}, and reported as whole");
        }
    }
}

fn chunks_of<T>(decoder: &impl Fn() -> Box<dyn StreamDecoder<T>>, stream: &[u8]) -> Vec<T> {
    read(decoder, &[stream]).0
}

/// The chunks, and the error after them: as the provider's stream does, nothing more is read after one.
fn read<T>(decoder: &impl Fn() -> Box<dyn StreamDecoder<T>>, pieces: &[&[u8]]) -> (Vec<T>, Option<Error>) {
    let (mut decoder, mut chunks) = (decoder(), Vec::new());
    for piece in pieces {
        if let Err(error) = decoder.push(piece, &mut chunks) {
            assert!(decoder.finish(&mut Vec::new()).is_err(), "a stream that failed is not whole");
            return (chunks, Some(error));
        }
    }
    let error = decoder.finish(&mut chunks).err();
    (chunks, error)
}

fn for_each_case(file: &str, check: impl Fn(&Folder, &dyn Dialect, &Context)) {
    for folder in Folder::under("dialects").iter().filter(|folder| folder.has(file)) {
        let dialect = super::by_name(&folder.group).unwrap();
        let context = if folder.has("context.json") { folder.json("context.json") } else { Context::default() };
        check(folder, dialect, &context);
    }
}

/// A folder that holds nothing this test reads would never fail.
#[test]
fn every_folder_is_read() {
    for folder in Folder::under("dialects") {
        for entry in fs::read_dir(Path::new(&folder.path)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let known = [
                "context.json",
                "request.json",
                "body.json",
                "reply.json",
                "response.json",
                "stream.txt",
                "chunks.json",
                "error.json",
            ];
            assert!(known.contains(&name.as_str()), "{folder}: nobody reads {name}");
        }
        assert!(["request.json", "reply.json", "stream.txt"].iter().any(|file| folder.has(file)), "{folder} is empty");
    }
}
