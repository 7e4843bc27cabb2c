//! `POST /embeddings`: <https://platform.openai.com/docs/api-reference/embeddings/create>
//!
//! Owns giving each vector the form that was asked for: OpenAI's SDKs ask for base64 unless told
//! otherwise.

use http::Response;
use sagewire_types::{EmbedRequest, EncodingFormat, Vector};
use serde_json::{Map, Value, json};

use super::{
    Exchange, answer,
    ask::{self, Ask, Prepared},
    error::ApiError,
    nulls,
    openapi::schema,
    response::Body,
    route::{Access, Answer, Paths, Route, Verb},
};
use crate::{callers::Wanted, limits::Limits};

pub(super) const ROUTE: Route = Route {
    name: "embeddings",
    method: Verb::Post,
    paths: Paths::OfModel("/embeddings"),
    access: Access::Key,
    operation: Some("embeddings"),
    summary: "Embeds texts.",
    request: Some(request_schema),
    answer: Answer::Json(answer_schema),
    handler: |exchange| Box::pin(embed(exchange)),
};

async fn embed(exchange: &mut Exchange) -> Result<Response<Body>, ApiError> {
    let prepared: Prepared<EmbedRequest> = ask::prepare(exchange).await?;
    let Prepared { request, context, model, asked, deadline } = prepared;
    if request.input.is_empty() {
        return Err(ApiError::invalid(Some("input"), "`input` is empty: give at least one text"));
    }
    let format = request.encoding_format.unwrap_or_default();
    let provider = exchange.state.provider.clone();
    let mut reply = ask::ask(exchange, &model, deadline, provider.embed(request, &context)).await?;
    let usage = answer::book(exchange, &reply.meta, reply.value.usage.take(), 0);
    for embedding in &mut reply.value.data {
        if let Some(vector) = in_format(&embedding.vector, format) {
            embedding.vector = vector;
        }
    }
    asked.as_ref().clone_into(&mut reply.value.model);
    nulls::clean_embedding(&mut reply.value);
    reply.value.usage = Some(usage.clone());
    let mut response = answer::written(exchange, reply.value.to_json().map(Into::into), &reply.meta)?;
    answer::mark_estimate(&usage, &mut response);
    Ok(response)
}

impl Ask for EmbedRequest {
    const TOKEN_IDS: Option<&'static str> = Some("input");

    fn model(&mut self) -> &mut String {
        &mut self.model
    }

    fn extra(&mut self) -> &mut Map<String, Value> {
        &mut self.extra
    }

    fn wanted(&self) -> Wanted {
        Wanted { prompt: self.estimated_tokens(), answers: 0, max_output: None }
    }

    fn check(&self, limits: &Limits) -> Result<(), ApiError> {
        ask::at_most("input", "texts", self.input.len(), limits.inputs, "max_inputs")
    }
}

fn request_schema() -> Value {
    schema::request(
        "OpenAI's embedding request. Other keys are sent to the model's container as they are.",
        &["model", "input"],
        json!({
            "input": schema::text_or_list(), "dimensions": schema::count(), "encoding_format": { "enum": ["float", "base64"] },
        }),
    )
}

fn answer_schema() -> Value {
    json!({
        "type": "object",
        "required": ["object", "data", "model"],
        "properties": {
            "object": { "const": "list" },
            "data": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["object", "index", "embedding"],
                    "properties": {
                        "object": { "const": "embedding" }, "index": schema::count(),
                        "embedding": { "oneOf": [{ "type": "array", "items": { "type": "number" } }, { "type": "string" }] },
                    },
                },
            },
            "model": schema::text(), "usage": schema::usage(),
        },
    })
}

/// The vector in the form that was asked for; `None` where it has it already.
fn in_format(vector: &Vector, format: EncodingFormat) -> Option<Vector> {
    match (format, vector) {
        (EncodingFormat::Base64, Vector::Base64(_)) | (EncodingFormat::Float, Vector::Floats(_) | Vector::Raw(_)) => {
            None
        }
        (EncodingFormat::Base64, _) => Some(Vector::Base64((*vector.floats()).into())),
        _ => Some(Vector::Floats(vector.floats().into_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(vector: &Vector) -> String {
        serde_json::to_string(vector).unwrap()
    }

    #[test]
    fn each_form_becomes_the_one_that_was_asked_for() {
        let raw: Vector = serde_json::from_str("[1.0, -2]").unwrap();
        let forms = [raw.clone(), Vector::Floats(vec![1.0, -2.0]), Vector::Base64((&[1.0, -2.0][..]).into())];
        for vector in &forms {
            let base64 = in_format(vector, EncodingFormat::Base64).unwrap_or_else(|| vector.clone());
            assert_eq!(json(&base64), r#""AACAPwAAAMA=""#);
            let floats = in_format(vector, EncodingFormat::Float).unwrap_or_else(|| vector.clone());
            assert_eq!(*floats.floats(), [1.0, -2.0]);
            assert!(json(&floats).starts_with('['));
        }
        assert!(in_format(&raw, EncodingFormat::Float).is_none(), "numbers that stand are not written anew");
    }
}
