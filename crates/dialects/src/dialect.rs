//! The languages that containers speak: one file each, behind one small trait.
//!
//! Owns the trait and the table of all dialects. A dialect is pure: it knows no transport, no signature, no credentials and no other
//! dialect. Adding one is a file, a row in [`DIALECTS`] and a folder of fixtures.
//!
//! Bodies are each dialect's own. Replies are not: many containers answer in several shapes, so that `reply` understands every shape
//! for every dialect.

use std::fmt;

use sagewire_types::{ChatChunk, ChatRequest, ChatResponse, CompletionRequest, Error};

use crate::{
    completion,
    context::{DecodeContext, EncodeContext},
    messages::{Messages, nova::Nova},
    payload::Payload,
    reply::{self, Shape},
    text::{jumpstart::JumpStart, lmi::Lmi, tgi::Tgi},
};

/// How one family of containers is asked and understood.
pub trait Dialect: fmt::Debug + Send + Sync {
    /// The name that the setting `dialect` selects it by.
    fn name(&self) -> &'static str;

    /// Whether the container wants one prompt text, made from the messages by a chat template.
    fn wants_prompt(&self) -> bool {
        false
    }

    /// Whether some of its containers refuse to be asked for details.
    fn details_may_be_refused(&self) -> bool {
        false
    }

    /// Whether its containers can be held to a JSON schema, which they are given as `response_format`.
    fn constrains_answers(&self) -> bool {
        false
    }

    /// The body of a request, serialized once: these bytes are signed and sent.
    ///
    /// # Errors
    /// A parameter that this dialect cannot carry, or a value that it cannot express.
    fn encode(&self, request: ChatRequest, context: &EncodeContext<'_>) -> Result<Payload, Error>;

    /// A whole reply.
    ///
    /// # Errors
    /// `Decode` where the shape is not known, `ModelFailed` where the reply is the container's own report of a failure.
    fn decode(&self, reply: &[u8], context: &DecodeContext) -> Result<ChatResponse, Error> {
        reply::decode(reply, context, self.name(), Shape::of(self.completion_form()))
    }

    /// A reader for one streamed reply.
    fn stream_decoder(&self, context: DecodeContext) -> Box<dyn StreamDecoder> {
        Box::new(reply::ReplyDecoder::new(context, self.name()))
    }

    /// Whether a raw prompt is sent in this dialect's own form ([`wants_prompt`](Self::wants_prompt)) or as OpenAI's completion body.
    fn completion_form(&self) -> CompletionForm {
        if self.wants_prompt() { CompletionForm::Prompt } else { CompletionForm::OpenAi }
    }

    /// OpenAI's completion body, where [`completion_form`](Self::completion_form) says so.
    ///
    /// # Errors
    /// A value that cannot be written.
    fn encode_completion(&self, request: CompletionRequest, context: &EncodeContext<'_>) -> Result<Payload, Error> {
        completion::encode(request, context)
    }
}

/// How a raw prompt reaches a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompletionForm {
    /// In the dialect's own body, in the place of the rendered messages.
    Prompt,
    /// As OpenAI's completion body.
    OpenAi,
}

/// How much of a streamed answer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// There may be more of it.
    Open,
    /// Every choice has its finish reason. A usage or an end mark may follow; what fails from here on cannot spoil the answer.
    Answered,
    /// The end mark came: nothing follows.
    Marked,
}

/// Reads the payload bytes of one streamed reply, cut anywhere.
pub trait StreamDecoder<T = ChatChunk>: Send {
    /// Takes the next bytes. What was decoded before an error is in `out`.
    ///
    /// # Errors
    /// The container's own report of a failure, or a record of an unknown shape.
    fn push(&mut self, bytes: &[u8], out: &mut Vec<T>) -> Result<(), Error>;

    /// How much of the answer has come: what a reader of the connection goes by to stop reading, or to judge an error behind the answer.
    fn ending(&self) -> Ending {
        Ending::Open
    }

    /// The bytes broke off: hands over text that was held back because it could have become a stop text.
    fn flush(&mut self, out: &mut Vec<T>) {
        let _ = out;
    }

    /// The bytes have ended: judges whether the answer was whole.
    ///
    /// # Errors
    /// `StreamBroken` where it was not.
    fn finish(&mut self, out: &mut Vec<T>) -> Result<(), Error>;
}

/// All dialects, by the names of the setting `dialect`.
pub static DIALECTS: &[&dyn Dialect] = &[&Tgi, &Lmi, &Messages, &Nova, &JumpStart];

/// The dialects that LiteLLM's model prefixes stand for, where no setting says otherwise.
///
/// <https://docs.litellm.ai/docs/providers/aws_sagemaker>
static PREFIXES: &[(&str, &str)] = &[("sagemaker", "tgi"), ("sagemaker_chat", "messages"), ("sagemaker_nova", "nova")];

/// The names of all dialects.
#[must_use]
pub fn names() -> Vec<&'static str> {
    DIALECTS.iter().map(|dialect| dialect.name()).collect()
}

/// The dialect of this name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static dyn Dialect> {
    DIALECTS.iter().find(|dialect| dialect.name() == name).copied()
}

/// The dialect that a model's prefix stands for.
#[must_use]
pub fn by_prefix(prefix: &str) -> Option<&'static dyn Dialect> {
    let (_, name) = PREFIXES.iter().find(|(known, _)| *known == prefix)?;
    by_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_prefix_stands_for_a_dialect() {
        for (prefix, name) in PREFIXES {
            assert_eq!(by_prefix(prefix).unwrap().name(), *name);
        }
        assert!(by_prefix("bedrock").is_none() && by_name("sagemaker").is_none());
    }

    #[test]
    fn no_two_dialects_have_the_same_name() {
        for dialect in DIALECTS {
            assert_eq!(DIALECTS.iter().filter(|other| other.name() == dialect.name()).count(), 1);
        }
    }
}
