//! `POST /chat/completions`: <https://platform.openai.com/docs/api-reference/chat/create>

use bytes::Bytes;
use http::Response;
use sagewire_types::{ChatRequest, StreamOptions};

use super::{
    Exchange,
    ask::{self, Prepared},
    nulls, streaming,
};
use crate::{http::error::ApiError, http::response::Body};

pub(super) async fn chat<B>(exchange: &mut Exchange, model: Option<&str>, body: B) -> Result<Response<Body>, ApiError>
where
    B: http_body::Body<Data = Bytes> + Send,
    B::Error: std::error::Error,
{
    let prepared: Prepared<ChatRequest> = ask::prepare(exchange, model, body).await?;
    if prepared.request.messages.is_empty() {
        return Err(ApiError::invalid(
            Some("messages"),
            "Missing required parameter: 'messages': give at least one message.",
        ));
    }
    if prepared.request.stream == Some(true) {
        stream(exchange, prepared).await
    } else {
        whole(exchange, prepared).await
    }
}

async fn whole(exchange: &mut Exchange, prepared: Prepared<ChatRequest>) -> Result<Response<Body>, ApiError> {
    let Prepared { request, context, model, asked, deadline } = prepared;
    let provider = exchange.app.state().provider.clone();
    let mut reply = ask::ask(exchange, &model, deadline, provider.chat(request, &context)).await?;
    exchange.note(|record| {
        record.learned(&reply.meta);
        if let Some(usage) = &reply.value.usage {
            record.used(usage);
        }
    });
    reply.value.model = asked.as_ref().to_owned();
    nulls::clean_chat(&mut reply.value);
    ask::answer(exchange, &reply.value, &reply.meta)
}

async fn stream(exchange: &mut Exchange, prepared: Prepared<ChatRequest>) -> Result<Response<Body>, ApiError> {
    let Prepared { mut request, context, model, asked, deadline } = prepared;
    let show_usage = usage_wanted(&mut request.stream_options, exchange.app.state().settings.always_include_usage);
    let provider = exchange.app.state().provider.clone();
    let stream = ask::ask(exchange, &model, deadline, provider.chat_stream(request, &context)).await?;
    Ok(streaming::respond(exchange, stream, &model, asked, show_usage))
}

/// Whether the stream shall end with the tokens used: asked for by the caller, or by the operator for everyone.
pub(super) fn usage_wanted(options: &mut Option<StreamOptions>, always: bool) -> bool {
    let asked = options.as_ref().and_then(|options| options.include_usage) == Some(true);
    if always && !asked {
        options.get_or_insert_default().include_usage = Some(true);
    }
    asked || always
}
