//! The languages that containers speak: one file each, behind one small trait.
//!
//! Owns the trait and the table of all dialects. A dialect is pure: it knows no transport, no
//! signature, no credentials and no other dialect. Adding one is a file, a row of [`ChatDialect`]
//! and a folder of fixtures.
//!
//! Bodies are each dialect's own. Replies are not: many containers answer in several shapes, so
//! that `reply` understands every shape for every dialect.

use std::fmt;

use sagewire_types::{ChatChunk, ChatRequest, ChatResponse, CompletionRequest, Error, ErrorKind};

use crate::{
    completion,
    context::{DecodeContext, EncodeContext},
    messages::{Messages, nova::Nova, vllm::Vllm},
    named::named,
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

    /// Whether its containers can be held to a JSON schema, which they are given as
    /// `response_format`.
    fn constrains_answers(&self) -> bool {
        false
    }

    /// Whether the container has the routes of [`native`](crate::native), unless the operator says
    /// otherwise.
    fn has_native_routes(&self) -> bool {
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
    /// `Decode` where the shape is not known, `ModelFailed` where the reply is the container's own
    /// report of a failure.
    fn decode(&self, reply: &[u8], context: &DecodeContext) -> Result<ChatResponse, Error> {
        reply::decode(reply, context, self.name(), Shape::of(self.completion_form()))
    }

    /// A reader for one streamed reply.
    fn stream_decoder(&self, context: DecodeContext) -> Box<dyn StreamDecoder> {
        Box::new(reply::ReplyDecoder::new(context, self.name()))
    }

    /// Whether a raw prompt is sent in this dialect's own form
    /// ([`wants_prompt`](Self::wants_prompt)) or as OpenAI's completion body.
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
    /// Every choice has its finish reason. A usage or an end mark may follow; what fails from here
    /// on cannot spoil the answer.
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

    /// How much of the answer has come: what a reader of the connection goes by to stop reading, or
    /// to judge an error behind the answer.
    fn ending(&self) -> Ending {
        Ending::Open
    }

    /// The bytes broke off: hands over text that was held back because it could have become a stop
    /// text.
    fn flush(&mut self, out: &mut Vec<T>) {
        let _ = out;
    }

    /// The bytes have ended: judges whether the answer was whole.
    ///
    /// # Errors
    /// `StreamBroken` where it was not.
    fn finish(&mut self, out: &mut Vec<T>) -> Result<(), Error>;
}

named! {
    /// A dialect of chat and completions.
    ChatDialect: Dialect, set by "dialect" {
        /// Hugging Face's Text Generation Inference, and what has its form: one prompt as text.
        Tgi => Tgi,
        /// DJL Serving with LMI: one prompt as text.
        Lmi => Lmi,
        /// OpenAI's messages: vLLM, SGLang, TGI, DJL.
        Messages => Messages,
        /// AWS's vLLM image: OpenAI's messages, and every route of vLLM's.
        Vllm => Vllm,
        /// Amazon Nova's messages.
        Nova => Nova,
        /// JumpStart's older images of Llama 2: one prompt as text.
        JumpStart => JumpStart,
    }
}

impl ChatDialect {
    /// The dialect that a model's prefix stands for.
    #[must_use]
    pub fn of_prefix(prefix: &str) -> Option<Self> {
        PREFIXES.iter().find(|(known, _)| *known == prefix).map(|(_, dialect)| *dialect)
    }
}

/// The dialects that LiteLLM's model prefixes stand for, where no setting says otherwise.
///
/// <https://docs.litellm.ai/docs/providers/aws_sagemaker>
static PREFIXES: &[(&str, ChatDialect)] = &[
    ("sagemaker", ChatDialect::Tgi),
    ("sagemaker_chat", ChatDialect::Messages),
    ("sagemaker_nova", ChatDialect::Nova),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_prefix_stands_for_a_dialect_and_each_name_for_itself() {
        assert_eq!(ChatDialect::of_prefix("sagemaker_chat"), Some(ChatDialect::Messages));
        assert_eq!(ChatDialect::of_prefix("bedrock"), None);
        for dialect in ChatDialect::ALL {
            assert_eq!(dialect.as_str().parse::<ChatDialect>().unwrap(), *dialect);
        }
    }

    #[test]
    fn an_unknown_name_is_named_with_those_that_are_known() {
        let error = "klingon".parse::<ChatDialect>().unwrap_err();
        assert_eq!((error.kind(), error.param()), (ErrorKind::Configuration, Some("dialect")));
        assert!(error.message().starts_with("unknown `dialect` `klingon`: expected one of `tgi`, `lmi`"), "{error}");
    }
}
