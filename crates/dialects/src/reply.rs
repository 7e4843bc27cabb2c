//! Replies, whichever shape they come in.
//!
//! Owns the choice of the reader: a container may answer a text request in OpenAI's shape and the
//! other way round, and a reply whose shape says what it is is understood on every route. A shape
//! that is not known is an error that shows it, never an empty answer.

use sagewire_types::{ChatResponse, Error, json};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Map, Value};

use crate::{
    CompletionForm, DecodeContext,
    failure_report::{self, FailureReport},
};
use stream::RecordReader;
pub(crate) use stream::ReplyDecoder;

pub(crate) mod generated;
pub(crate) mod openai;
mod stream;

/// The two families of shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Generated text, as TGI, DJL and old JumpStart images reply it.
    Generated,
    /// OpenAI's `choices`.
    OpenAi,
}

impl Shape {
    /// The one that a container most likely replies in: what takes a prompt says what it generated.
    pub(crate) fn of(form: CompletionForm) -> Self {
        match form {
            CompletionForm::Prompt => Self::Generated,
            CompletionForm::OpenAi => Self::OpenAi,
        }
    }
}

/// Why a reply was not read.
#[derive(Debug)]
pub(crate) enum Unread {
    /// It has another shape.
    Shape,
    /// It is the report of a failure, or an answer that ended with one.
    Failed(Error),
}

/// Reads a whole reply. `likely` is the shape that the dialect's containers usually have: it is
/// tried first.
///
/// # Errors
/// `Decode` for an unknown shape; what the container says, if the reply is a report of a failure.
pub(crate) fn decode(
    reply: &[u8],
    context: &DecodeContext,
    dialect: &str,
    likely: Shape,
) -> Result<ChatResponse, Error> {
    let reply = json::without_byte_order_mark(reply);
    let read = |shape| match shape {
        Shape::Generated => generated::read(reply, context),
        Shape::OpenAi => openai::read(reply, context),
    };
    let other = match likely {
        Shape::Generated => Shape::OpenAi,
        Shape::OpenAi => Shape::Generated,
    };
    for shape in [likely, other] {
        match read(shape) {
            Ok(response) => return Ok(response),
            Err(Unread::Failed(error)) => return Err(error),
            Err(Unread::Shape) => {}
        }
    }
    Err(unknown(reply, dialect))
}

/// The error for a reply or a record that no reader knows: what the container reports, or the
/// shape.
pub(crate) fn unknown(reply: &[u8], dialect: &str) -> Error {
    match FailureReport::read(reply) {
        Some(report) => report.into_error(),
        None => failure_report::unknown_reply(reply, &advice(dialect)),
    }
}

fn advice(dialect: &str) -> String {
    let other = match dialect {
        "messages" | "nova" | "vllm" => "`sagemaker/` for a text container",
        _ => "`sagemaker_chat/` for one that speaks the Messages API",
    };
    format!("Set `dialect` to the one that fits the container (now `{dialect}`), or use the route {other}")
}

/// The failure that a reply or a record reports beside its text; `error` is what it has under this
/// name.
fn failure_beside_text(error: Option<&Value>, reply: &[u8]) -> Option<Error> {
    if failure_report::is_absent(error) {
        return None;
    }
    FailureReport::read(reply).map(FailureReport::into_error)
}

/// Takes an `error` away that says that there is none.
fn forget_absent_error(extra: &mut Map<String, Value>) {
    if extra.contains_key("error") && failure_report::is_absent(extra.get("error")) {
        extra.shift_remove("error");
    }
}

/// The fields that hold an answer, in every shape.
#[derive(Deserialize)]
struct Fields {
    choices: Option<IgnoredAny>,
    token: Option<IgnoredAny>,
    generated_text: Option<IgnoredAny>,
    generated_texts: Option<IgnoredAny>,
    generation: Option<IgnoredAny>,
    outputs: Option<IgnoredAny>,
    predictions: Option<IgnoredAny>,
}

/// The shape that the first record of a stream has; `None` if it holds no answer.
fn shape_of_record(record: &[u8]) -> Option<Shape> {
    if matches!(record.first(), Some(b'[' | b'"')) {
        return Some(Shape::Generated);
    }
    let fields: Fields = json::from_reply(record).ok()?;
    if fields.choices.is_some() {
        return Some(Shape::OpenAi);
    }
    let Fields { token, generated_text, generated_texts, generation, outputs, predictions, .. } = fields;
    let generated = [token, generated_text, generated_texts, generation, outputs, predictions];
    generated.iter().any(Option::is_some).then_some(Shape::Generated)
}
