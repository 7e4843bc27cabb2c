//! Replies, whichever shape they come in.
//!
//! Owns the choice of the reader: a container may answer a text request in OpenAI's shape and the other way round, and a reply whose
//! shape says what it is is understood on every route. A shape that nobody knows is an error that shows it, never an empty answer.

use sagewire_types::{ChatResponse, Error};
use serde::{Deserialize, de::IgnoredAny};

use stream::RecordReader;
pub(crate) use stream::ReplyStream;

use crate::{DecodeContext, failure_report as failure};

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

/// Why a reply was not read.
#[derive(Debug)]
pub(crate) enum Unread {
    /// It has another shape.
    Shape,
    /// It is the report of a failure, or an answer that ended with one.
    Failed(Error),
}

/// Reads a whole reply. `likely` is the shape that the dialect's containers usually have: it is tried first.
///
/// # Errors
/// `Decode` for an unknown shape; what the container says, where the reply is a report of a failure.
pub(crate) fn decode(
    reply: &[u8],
    context: &DecodeContext,
    dialect: &str,
    likely: Shape,
) -> Result<ChatResponse, Error> {
    let read = |shape| match shape {
        Shape::Generated => generated::read(reply, context),
        Shape::OpenAi => openai::read(reply, context, openai::Thoughts::Split),
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

/// The error for a reply or a record that no reader knows: what the container reports, or the shape.
pub(crate) fn unknown(reply: &[u8], dialect: &str) -> Error {
    match failure::read_report(reply) {
        Some(report) => failure::reported_error(&report),
        None => failure::unknown_reply(reply, &advice(dialect)),
    }
}

fn advice(dialect: &str) -> String {
    let other = match dialect {
        "messages" | "nova" => "`sagemaker/` for a text container",
        _ => "`sagemaker_chat/` for one that speaks the Messages API",
    };
    format!("Set `dialect` to the one that fits the container (now `{dialect}`), or use the route {other}")
}

/// The shape that the first record of a stream has; the likely one where it does not say.
fn shape_of_record(record: &[u8], likely: Shape) -> Shape {
    #[derive(Deserialize)]
    struct Probe {
        choices: Option<IgnoredAny>,
        token: Option<IgnoredAny>,
        generated_text: Option<IgnoredAny>,
        generation: Option<IgnoredAny>,
        outputs: Option<IgnoredAny>,
    }
    if record.first() == Some(&b'[') {
        return Shape::Generated;
    }
    match serde_json::from_slice(record) {
        Ok(Probe { choices: Some(_), .. }) => Shape::OpenAi,
        Ok(Probe { token, generated_text, generation, outputs, .. })
            if token.is_some() || generated_text.is_some() || generation.is_some() || outputs.is_some() =>
        {
            Shape::Generated
        }
        _ => likely,
    }
}
