//! The details of whole answers: why a text ended and how many tokens it has.
//!
//! Owns whether a container is asked for them, what is sent instead where it refuses, and what is
//! remembered of refusals. How details look in a body and in a reply is the dialects'.
//!
//! TGI and LMI tell both only where `details` are asked for. The Hugging Face toolkit refuses what
//! its pipeline does not know: <https://github.com/aws/sagemaker-huggingface-inference-toolkit>. Streams always tell.

use bytes::Bytes;
use sagewire_dialects::{DetailsPolicy, Dialect, EncodeContext};
use sagewire_types::{CallContext, ChatRequest, Error, ReplyMeta};
use serde_json::Value;

use crate::{
    call::{attempt::Instead, place::Place, plan::Prepared, refused_parameter},
    client::Shared,
    prompt::Prompt,
    request::Operation,
};

/// Sends a call for a whole answer in the dialect's own form.
///
/// # Errors
/// That of the encoding or of the last try.
pub(crate) async fn invoke(
    shared: &Shared,
    prepared: &Prepared<'_>,
    context: &CallContext,
    dialect: &dyn Dialect,
    mut request: ChatRequest,
    prompt: Option<&Prompt>,
) -> Result<(Bytes, ReplyMeta), Error> {
    let encoding = prepared.encode_context(prompt, false);
    if encoding.details != DetailsPolicy::Auto || !dialect.details_may_be_refused() || prompt.is_none() {
        return prepared.invoke(shared, context, dialect.encode(request, &encoding)?).await;
    }
    let without = |encoding: &EncodeContext<'_>, request| {
        let mut encoding = encoding.clone();
        encoding.details = DetailsPolicy::Never;
        dialect.encode(request, &encoding)
    };
    if shared.refused_details.about(prepared).is_some() {
        return prepared.invoke(shared, context, without(&encoding, request)?).await;
    }
    // The prompt stands for the messages: what is kept for a second attempt is small.
    request.messages.clear();
    let payload = dialect.encode(request.clone(), &encoding)?;
    let asked = payload.body.clone();
    let mut kept = Some(request);
    let mut without_details = || {
        let payload = without(&encoding, kept.take()?);
        // Where nothing changes, the caller asked for them, or for what comes with them.
        let payload = payload.map(|payload| (!is_same(&payload.body, &asked)).then_some(payload)).transpose()?;
        tracing::debug!(target: "sagewire::details", endpoint = prepared.model.name(), "the container refuses `details`: asking without");
        Some(payload.and_then(|payload| prepared.request(Operation::Invoke, payload)))
    };
    let request = prepared.request(Operation::Invoke, payload)?;
    let instead = Instead { is_refusal, request: &mut without_details };
    let answer = prepared.invoke_request(shared, context, request, Some(instead)).await;
    let was_refused = kept.is_none();
    answer.map(|(body, _, meta)| {
        if was_refused {
            shared.refused_details.remember(Place::of(prepared), ());
        }
        (body, meta)
    })
}

/// Whether two bodies say the same, in whatever order.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let value = |body| serde_json::from_slice::<Value>(body).ok();
    value(one) == value(other)
}

/// Whether a container's failure says that it does not know `details`.
fn is_refusal(error: &Error) -> bool {
    refused_parameter::is_named(error, &["details"])
        // The toolkit names every parameter that its pipeline does not know, one or all.
        || refused_parameter::message(error).is_some_and(|text| text.contains("model_kwargs"))
}

#[cfg(test)]
mod tests {
    use sagewire_types::{ErrorKind, Upstream};

    use super::*;

    fn failed(kind: ErrorKind, status: Option<u16>, message: &str) -> Error {
        let mut upstream = Upstream::default();
        upstream.original_status = status;
        upstream.original_message = Some(message.to_owned());
        Error::new(kind, "failed").with_upstream(upstream)
    }

    #[test]
    fn refusals_of_details_are_told_from_other_failures() {
        let toolkit = "{\"code\": 400, \"type\": \"InternalServerException\", \"message\": \"The following `model_kwargs` are not used by the model: ['details'] (note: typos in the generate arguments will also show up in this list)\"}";
        for (kind, status, message) in [
            (ErrorKind::InvalidRequest, 400, toolkit),
            (ErrorKind::ModelFailed, 500, "generate() got an unexpected keyword argument 'details'"),
            (ErrorKind::InvalidRequest, 422, "parameters.details: Extra inputs are not permitted"),
            (ErrorKind::InvalidRequest, 422, "unknown field `details`, expected one of `temperature`"),
        ] {
            assert!(is_refusal(&failed(kind, Some(status), message)), "{message}");
        }
        for (kind, status, message) in [
            (ErrorKind::ModelFailed, Some(500), "CUDA out of memory. For details, see the log"),
            (ErrorKind::InvalidRequest, Some(422), "unknown parameter `order_details`"),
            (ErrorKind::InvalidRequest, None, toolkit),
            (ErrorKind::ModelFailed, Some(0), toolkit),
            (ErrorKind::Overloaded, Some(429), toolkit),
            (ErrorKind::Permission, Some(403), "unknown parameter `details`"),
        ] {
            assert!(!is_refusal(&failed(kind, status, message)), "{message}");
        }
        assert!(!is_refusal(&Error::new(ErrorKind::InvalidRequest, "unknown parameter `details`")));
    }
}
