//! `GET /activity`: the figures of the last hour and the last failures.
//!
//! Owns their shape. A key sees its own, the master key those of all; what they are is
//! `telemetry::activity`'s.

use std::time::Duration;

use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::{
    Exchange,
    openapi::schema,
    response::{Body, json_response},
    route::{Access, Answer, Paths, Route, Verb},
};
use crate::telemetry::activity::{ActivityOwner, FailedRequest, MINUTE, Sums};

pub(super) const ROUTE: Route = Route {
    name: "activity",
    method: Verb::Get,
    paths: Paths::Versioned("/activity"),
    access: Access::Key,
    operation: None,
    summary: "The figures of the last hour and the last failures of the key that is sent; the master key sees those of all keys.",
    request: None,
    answer: Answer::Json(answer_schema),
    handler: |exchange| Box::pin(std::future::ready(Ok(activity(exchange)))),
};

fn activity(exchange: &Exchange) -> Response<Body> {
    let now = exchange.state.clock.unix();
    let own = ActivityOwner::of(&exchange.caller);
    let is_operator = exchange.caller.is_operator();
    let shows = |owner: &ActivityOwner| is_operator || *owner == own;
    let kept = &exchange.state.lasting.metrics.activity;
    let series: Vec<Value> = kept
        .series(shows)
        .into_iter()
        .map(|((model, owner), minutes)| {
            let minutes: Vec<Value> = minutes.iter().map(|(age, sums)| minute(before(now, *age), sums)).collect();
            json!({ "model": model, "key": owner.name(), "minutes": minutes })
        })
        .collect();
    let failures: Vec<Value> =
        kept.failures(shows).iter().map(|(age, failed)| failure(before(now, *age), failed, is_operator)).collect();
    let body = json!({
        "now": now,
        "minute_seconds": MINUTE.as_secs(),
        "series": series,
        "failures": failures,
    });
    json_response(StatusCode::OK, body.to_string().into())
}

/// The time of something that began so long ago, in seconds since 1970.
fn before(now: u64, age: Duration) -> u64 {
    now.saturating_sub(age.as_secs())
}

fn minute(at: u64, sums: &Sums) -> Value {
    json!({
        "at": at,
        "requests": sums.requests,
        "errors": sums.errors,
        "cancelled": sums.cancelled,
        "retries": sums.retries,
        "prompt_tokens": sums.prompt_tokens,
        "completion_tokens": sums.completion_tokens,
        "answers": sums.answers,
        "answer_seconds": sums.answering.as_secs_f64(),
        "streams": sums.streams,
        "first_token_seconds": sums.first_pieces.as_secs_f64(),
    })
}

/// Deployments are the operator's: their ids may say where they are.
fn failure(at: u64, failed: &FailedRequest, is_operator: bool) -> Value {
    json!({
        "at": at,
        "request_id": failed.request_id,
        "aws_request_id": failed.aws_request_id,
        "route": failed.route,
        "model": failed.model,
        "deployment": failed.deployment.as_deref().filter(|_| is_operator),
        "key": failed.owner.name(),
        "status": failed.status,
        "kind": failed.kind,
        "message": failed.message,
        "seconds": failed.took.as_secs_f64(),
    })
}

fn answer_schema() -> Value {
    let maybe = json!({ "type": ["string", "null"] });
    let seconds = json!({ "type": "number", "minimum": 0 });
    json!({
        "type": "object",
        "required": ["now", "minute_seconds", "series", "failures"],
        "properties": {
            "now": schema::count(),
            "minute_seconds": schema::count(),
            "series": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["model", "key", "minutes"],
                    "properties": {
                        "model": maybe, "key": schema::text(),
                        "minutes": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "properties": {
                                    "at": schema::count(), "requests": schema::count(), "errors": schema::count(),
                                    "cancelled": schema::count(), "retries": schema::count(),
                                    "prompt_tokens": schema::count(), "completion_tokens": schema::count(),
                                    "answers": schema::count(), "answer_seconds": seconds,
                                    "streams": schema::count(), "first_token_seconds": seconds,
                                },
                            },
                        },
                    },
                },
            },
            "failures": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "at": schema::count(), "request_id": schema::text(), "aws_request_id": maybe, "route": schema::text(),
                        "model": maybe, "deployment": maybe, "key": schema::text(), "status": schema::count(),
                        "kind": schema::text(), "message": schema::text(), "seconds": seconds,
                    },
                },
            },
        },
    })
}
