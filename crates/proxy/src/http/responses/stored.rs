//! `GET`, `DELETE /responses/{id}`, `/responses/{id}/input_items` and `/responses/{id}/cancel`.
//!
//! Owns what callers see of the answers that are kept. <https://platform.openai.com/docs/api-reference/responses/get>

use std::sync::Arc;

use http::{Response, StatusCode};
use sagewire_types::json;
use serde_json::{Value, json};

use super::store::{Owner, StoredResponse};
use crate::http::{
    Exchange,
    error::ApiError,
    openapi::schema,
    response::{Body, json_response},
    route::{Access, Answer, Paths, Route, Verb},
};

pub(in crate::http) const READ: Route = Route {
    name: "responses",
    method: Verb::Get,
    paths: Paths::Versioned("/responses/{id}"),
    access: Access::Key,
    operation: None,
    summary: "A stored response.",
    request: None,
    answer: Answer::Json(super::answer_schema),
    handler: |exchange| Box::pin(read(exchange)),
};

pub(in crate::http) const DELETE: Route = Route {
    name: "responses",
    method: Verb::Delete,
    paths: Paths::Versioned("/responses/{id}"),
    access: Access::Key,
    operation: None,
    summary: "Deletes a stored response.",
    request: None,
    answer: Answer::Json(schema::object),
    handler: |exchange| Box::pin(delete(exchange)),
};

pub(in crate::http) const ITEMS: Route = Route {
    name: "responses",
    method: Verb::Get,
    paths: Paths::Versioned("/responses/{id}/input_items"),
    access: Access::Key,
    operation: None,
    summary: "The items that a stored response answers.",
    request: None,
    answer: Answer::Json(schema::object),
    handler: |exchange| Box::pin(items(exchange)),
};

pub(in crate::http) const CANCEL: Route = Route {
    name: "responses",
    method: Verb::Post,
    paths: Paths::Versioned("/responses/{id}/cancel"),
    access: Access::Key,
    operation: None,
    summary: "Refuses to cancel: only responses that are made in the background can be cancelled, and there are none.",
    request: None,
    answer: Answer::Json(schema::object),
    handler: |exchange| Box::pin(cancel(exchange)),
};

/// How many items a page has if the caller does not say.
const PAGE: usize = 20;

/// The most items of a page.
const LARGEST_PAGE: usize = 100;

fn id(exchange: &Exchange) -> &str {
    exchange.parameter.as_deref().unwrap_or_default()
}

async fn find(exchange: &mut Exchange) -> Result<Arc<StoredResponse>, ApiError> {
    let state = Arc::clone(&exchange.state);
    let (owner, id) = (Owner::of(&exchange.caller), id(exchange).to_owned());
    let unknown = || ApiError::unknown_response(&id);
    if state.settings.response_store.is_none() {
        return Err(unknown());
    }
    state.lasting.responses.get(&owner, &id).await.ok_or_else(unknown)
}

async fn read(exchange: &mut Exchange) -> Result<Response<Body>, ApiError> {
    let query = exchange.head.uri.query().unwrap_or_default();
    if query.split('&').any(|pair| pair == "stream=true") {
        let message = "`stream` is not supported for stored responses; leave it out";
        return Err(ApiError::invalid(Some("stream"), message));
    }
    Ok(json_response(StatusCode::OK, find(exchange).await?.response.clone()))
}

async fn delete(exchange: &mut Exchange) -> Result<Response<Body>, ApiError> {
    find(exchange).await?;
    let state = Arc::clone(&exchange.state);
    let (owner, named) = (Owner::of(&exchange.caller), id(exchange).to_owned());
    state.lasting.responses.remove(&owner, &named).await?;
    let deleted = json!({ "id": id(exchange), "object": "response", "deleted": true });
    Ok(json_response(StatusCode::OK, deleted.to_string().into()))
}

/// The newest first, unless `order=asc`.
async fn items(exchange: &mut Exchange) -> Result<Response<Body>, ApiError> {
    let stored = find(exchange).await?;
    let query = exchange.head.uri.query().unwrap_or_default();
    let value = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find_map(|(found, value)| (found == name).then_some(value))
    };
    let mut items = stored.input();
    if value("order") != Some("asc") {
        items.reverse();
    }
    if let Some(after) = value("after") {
        let place = items.iter().position(|item| item_id(item) == Some(after));
        let place = place.ok_or_else(|| ApiError::invalid(Some("after"), "invalid value for `after`: no such item"))?;
        items.drain(..=place);
    }
    let limit = value("limit").and_then(|limit| limit.parse().ok()).unwrap_or(PAGE).clamp(1, LARGEST_PAGE);
    let has_more = items.len() > limit;
    items.truncate(limit);
    let id = |item: Option<&Value>| item.and_then(item_id).unwrap_or_default().to_owned();
    let page = json!({
        "object": "list", "first_id": id(items.first()), "last_id": id(items.last()), "has_more": has_more, "data": items,
    });
    Ok(json_response(StatusCode::OK, json::restore_integers(page.to_string().into()).into()))
}

fn item_id(item: &Value) -> Option<&str> {
    item.get("id")?.as_str()
}

async fn cancel(exchange: &mut Exchange) -> Result<Response<Body>, ApiError> {
    find(exchange).await?;
    let message = "the response cannot be cancelled: it was not made in the background";
    Err(ApiError::invalid(Some("response_id"), message))
}
