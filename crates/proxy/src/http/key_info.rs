//! `GET /key/info`: what the caller's own key may do, has used and has left, in LiteLLM's shape as
//! far as that goes.

use std::time::UNIX_EPOCH;

use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::{
    Exchange,
    error::ApiError,
    openapi::schema,
    response::{Body, json_response},
    route::{Access, Answer, Paths, Route, Verb},
};
use crate::callers::Caller;

pub(super) const ROUTE: Route = Route {
    name: "key_info",
    method: Verb::Get,
    paths: Paths::Versioned("/key/info"),
    access: Access::Key,
    operation: None,
    summary: "What the key that is sent may use, has used and has left.",
    request: None,
    answer: Answer::Json(answer_schema),
    handler: |exchange| Box::pin(key_info(exchange)),
};

async fn key_info(exchange: &mut Exchange) -> Result<Response<Body>, ApiError> {
    let name = exchange.caller.name().to_owned();
    let info = match &exchange.caller {
        Caller::Anyone | Caller::Master => json!({ "key_alias": name, "models": [], "is_operator": true }),
        Caller::Key(key) => {
            let standing = exchange.state.lasting.ledger.standing(&key.limits()).await;
            let seconds = |time: std::time::Duration| time.as_secs();
            json!({
                "key_alias": name,
                "is_operator": false,
                "models": key.models.clone().unwrap_or_default(),
                "expires_at": key.expires.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map(seconds),
                "rpm_limit": key.rpm,
                "tpm_limit": key.tpm,
                "requests": standing.requests,
                "tokens": standing.tokens,
                "minute_resets_in": seconds(standing.minute_ends_in),
                "token_budget": key.token_budget,
                "tokens_spent": standing.spent,
                "tokens_reserved": standing.reserved,
                "budget_resets_in": standing.budget_resets_in.map(seconds),
            })
        }
    };
    Ok(json_response(StatusCode::OK, json!({ "info": info }).to_string().into()))
}

fn answer_schema() -> Value {
    let maybe = json!({ "type": ["integer", "null"], "minimum": 0 });
    json!({
        "type": "object",
        "required": ["info"],
        "properties": {
            "info": {
                "type": "object",
                "required": ["key_alias", "models", "is_operator"],
                "properties": {
                    "key_alias": schema::text(),
                    "is_operator": { "type": "boolean", "description": "Whether it sees and does what is the operator's." },
                    "models": { "type": "array", "items": { "type": "string" }, "description": "Empty if every model may be used." },
                    "expires_at": { "type": ["integer", "null"], "description": "Seconds since 1970." },
                    "rpm_limit": maybe, "tpm_limit": maybe, "requests": schema::count(), "tokens": schema::count(),
                    "minute_resets_in": schema::count(), "token_budget": maybe, "tokens_spent": schema::count(),
                    "tokens_reserved": schema::count(), "budget_resets_in": maybe,
                },
            },
        },
    })
}
