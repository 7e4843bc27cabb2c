//! `POST /completions`: <https://platform.openai.com/docs/api-reference/completions/create>

use bytes::Bytes;
use http::Response;
use sagewire_types::CompletionRequest;

use super::{
    Exchange,
    ask::{self, Prepared},
    chat::usage_wanted,
    nulls, streaming,
};
use crate::{http::error::ApiError, http::response::Body};

pub(super) async fn complete<B>(
    exchange: &mut Exchange,
    model: Option<&str>,
    body: B,
) -> Result<Response<Body>, ApiError>
where
    B: http_body::Body<Data = Bytes> + Send,
    B::Error: std::error::Error,
{
    let prepared: Prepared<CompletionRequest> = ask::prepare(exchange, model, body).await?;
    let Prepared { mut request, context, model, asked, deadline } = prepared;
    let provider = exchange.app.state().provider.clone();
    if request.stream == Some(true) {
        let show_usage = usage_wanted(&mut request.stream_options, exchange.app.state().settings.always_include_usage);
        let stream = ask::ask(exchange, &model, deadline, provider.complete_stream(request, &context)).await?;
        return Ok(streaming::respond(exchange, stream, &model, asked, show_usage));
    }
    let mut reply = ask::ask(exchange, &model, deadline, provider.complete(request, &context)).await?;
    exchange.note(|record| {
        record.learned(&reply.meta);
        if let Some(usage) = &reply.value.usage {
            record.used(usage);
        }
    });
    reply.value.model = asked;
    nulls::clean_completion(&mut reply.value);
    ask::answer(exchange, &reply.value, &reply.meta)
}
