//! The usage at the end of a stream, which containers with OpenAI's API report only if
//! `stream_options.include_usage` asks for it.
//!
//! Owns what is sent instead if a container refuses to be asked, and what is remembered of
//! refusals. Its counts are then estimated.
//!
//! <https://platform.openai.com/docs/api-reference/chat/create#chat_create-stream_options>

use bytes::Bytes;
use indexmap::IndexMap;
use sagewire_dialects::{Payload, StreamDecoder};
use sagewire_types::{CallContext, Error, ReplyStream, StreamOptions};
use serde_json::value::{RawValue, to_raw_value};

use crate::{
    call::{attempt::Instead, place::Place, plan::Prepared, refused_parameter},
    client::Shared,
    request::Operation,
};

const STREAM_OPTIONS: &str = "stream_options";

/// The options to send to this container: without the wish for usage if it refused that before.
pub(crate) fn options(asked: Option<StreamOptions>, shared: &Shared, prepared: &Prepared<'_>) -> Option<StreamOptions> {
    let asked = asked?;
    if shared.refused_usage.about(prepared).is_some() { without(asked) } else { Some(asked) }
}

/// Opens a stream and reads until its first decoded piece.
///
/// # Errors
/// That of the last attempt.
pub(crate) async fn stream<T: Send + 'static>(
    shared: &Shared,
    prepared: &Prepared<'_>,
    context: &CallContext,
    payload: Payload,
    decoder: impl Fn() -> Box<dyn StreamDecoder<T>>,
) -> Result<ReplyStream<T>, Error> {
    let asked = payload.clone();
    let request = prepared.request(Operation::Stream, payload)?;
    let mut was_refused = false;
    let mut without_usage = || {
        let mut payload = asked.clone();
        payload.body = body_without_usage(&asked.body)?;
        was_refused = true;
        tracing::debug!(target: "sagewire::usage", endpoint = prepared.model.name(), "the container refuses `stream_options.include_usage`; sending the request without it");
        Some(prepared.request(Operation::Stream, payload))
    };
    let instead = Instead { is_refusal, request: &mut without_usage };
    let stream = prepared.stream_request(shared, context, request, Some(instead), decoder).await?;
    if was_refused {
        shared.refused_usage.remember(Place::of(prepared), ());
    }
    Ok(stream)
}

fn is_refusal(error: &Error) -> bool {
    refused_parameter::is_named(error, &[STREAM_OPTIONS, "include_usage"])
}

/// The same options without the wish for usage; `None` if nothing is left.
fn without(mut options: StreamOptions) -> Option<StreamOptions> {
    options.include_usage = None;
    (!options.extra.is_empty()).then_some(options)
}

/// The same body without the wish for usage; `None` if it has none.
fn body_without_usage(body: &[u8]) -> Option<Bytes> {
    // In their order: what calls have in common stays at the body's beginning.
    let mut fields: IndexMap<String, Box<RawValue>> = serde_json::from_slice(body).ok()?;
    let options: StreamOptions = serde_json::from_str(fields.shift_remove(STREAM_OPTIONS)?.get()).ok()?;
    options.include_usage?;
    if let Some(options) = without(options) {
        fields.insert(STREAM_OPTIONS.to_owned(), to_raw_value(&options).ok()?);
    }
    Some(serde_json::to_vec(&fields).ok()?.into())
}

#[cfg(test)]
mod tests {
    use sagewire_types::{ErrorKind, Upstream};

    use super::*;

    fn refused(status: u16, message: &str) -> Error {
        let mut upstream = Upstream::default();
        upstream.original_status = Some(status);
        upstream.original_message = Some(message.to_owned());
        Error::new(ErrorKind::InvalidRequest, "failed").with_upstream(upstream)
    }

    #[test]
    fn refusals_name_the_option() {
        for message in [
            r#"[{"type":"extra_forbidden","loc":["body","stream_options"],"msg":"Extra inputs are not permitted"}]"#,
            "unknown field `stream_options`, expected one of `messages`",
            "stream_options.include_usage is not supported by this model",
        ] {
            assert!(is_refusal(&refused(422, message)), "{message}");
        }
        for message in ["unknown field `seed`", "`stream_optionsx` is an unknown field"] {
            assert!(!is_refusal(&refused(400, message)), "{message}");
        }
    }

    #[test]
    fn only_the_wish_for_usage_is_taken_from_a_body() {
        let without =
            |body: &str| body_without_usage(body.as_bytes()).map(|body| String::from_utf8(body.to_vec()).unwrap());
        assert_eq!(
            without(r#"{"z":1.00,"stream_options":{"include_usage":true},"a":123456789012345678901234567890}"#)
                .unwrap(),
            r#"{"z":1.00,"a":123456789012345678901234567890}"#
        );
        assert_eq!(
            without(r#"{"stream_options":{"include_usage":true,"continuous_usage_stats":true}}"#).unwrap(),
            r#"{"stream_options":{"continuous_usage_stats":true}}"#
        );
        assert_eq!(without(r#"{"stream_options":{"continuous_usage_stats":true}}"#), None);
        assert_eq!(without(r#"{"stream":true}"#), None);
    }
}
