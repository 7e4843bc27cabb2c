//! `POST /files`, `GET /files`, `GET` and `DELETE /files/{id}`, `GET /files/{id}/content`.
//!
//! Owns the form of an upload and of a list. <https://platform.openai.com/docs/api-reference/files>

use std::collections::HashSet;

use http::{HeaderValue, Response, StatusCode, header};
use percent_encoding::percent_decode_str;
use sagewire_batch::{BatchError, File, Owner, Page, Paged, Store, Upload};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    Exchange,
    error::ApiError,
    multipart::{self, Form},
    openapi::schema,
    response::{Body, json_response},
    route::{Access, Answer, Paths, Route, Verb},
};
use crate::{
    batches::{Batches, owner},
    config::BatchSettings,
};

pub(super) const UPLOAD: Route = Route {
    name: "files",
    method: Verb::Post,
    paths: Paths::Versioned("/files"),
    access: Access::Key,
    operation: None,
    summary: "Uploads a file, such as the input of a batch.",
    request: Some(upload_schema),
    answer: Answer::Json(schema::object),
    handler: |exchange| Box::pin(upload(exchange)),
};

pub(super) const LIST: Route = Route {
    name: "files",
    method: Verb::Get,
    paths: Paths::Versioned("/files"),
    access: Access::Key,
    operation: None,
    summary: "The files of the key, the newest first.",
    request: None,
    answer: Answer::Json(schema::object),
    handler: |exchange| Box::pin(list(exchange)),
};

pub(super) const ONE: Route = Route {
    name: "files",
    method: Verb::Get,
    paths: Paths::Versioned("/files/{id}"),
    access: Access::Key,
    operation: None,
    summary: "A file of the key.",
    request: None,
    answer: Answer::Json(schema::object),
    handler: |exchange| Box::pin(one(exchange)),
};

pub(super) const DELETE: Route = Route {
    name: "files",
    method: Verb::Delete,
    paths: Paths::Versioned("/files/{id}"),
    access: Access::Key,
    operation: None,
    summary: "Deletes a file of the key.",
    request: None,
    answer: Answer::Json(schema::object),
    handler: |exchange| Box::pin(delete(exchange)),
};

pub(super) const CONTENT: Route = Route {
    name: "files",
    method: Verb::Get,
    paths: Paths::Versioned("/files/{id}/content"),
    access: Access::Key,
    operation: None,
    summary: "What a file of the key holds.",
    request: None,
    answer: Answer::Bytes,
    handler: |exchange| Box::pin(content(exchange)),
};

/// How many files a page has if the caller does not say, and the most.
const PAGE: (usize, usize) = (100, 1000);

/// What a form may have beside its file, in bytes.
const OTHER_PARTS: u64 = 64 * 1024;

/// How long an upload may take. A file of 200 MB needs it over slow lines.
const LONGEST_UPLOAD: std::time::Duration = std::time::Duration::from_secs(600);

/// The lifetimes that a caller may choose, in seconds: OpenAI's.
const LIFETIMES: std::ops::RangeInclusive<u64> = 3_600..=2_592_000;

/// What a lifetime is counted from.
const ANCHOR: &str = "created_at";

/// The caller's files and batches.
pub(super) struct Mine {
    pub(super) batches: std::sync::Arc<Batches>,
    pub(super) owner: Owner,
}

impl Mine {
    pub(super) fn of(exchange: &Exchange) -> Result<Self, ApiError> {
        let batches = exchange.state.batches.clone().ok_or_else(|| {
            ApiError::refused(
                StatusCode::NOT_FOUND,
                "batches_not_enabled",
                "this proxy keeps no files; its operator can set `sagewire_settings.batches.store`",
            )
        })?;
        Ok(Self { owner: owner(&exchange.caller).map_err(|error| failed(&error))?, batches })
    }

    pub(super) async fn store(&self) -> Result<&Store, ApiError> {
        self.batches.store().await.map_err(|error| failed(&error))
    }

    pub(super) fn settings(&self) -> &BatchSettings {
        self.batches.settings()
    }
}

/// What a caller is told. What the store said is for the log.
pub(super) fn failed(error: &BatchError) -> ApiError {
    match error {
        BatchError::NotAllowed(error) => ApiError::invalid(Some(error.param), error.to_string()),
        BatchError::NotFound { .. } => ApiError::refused(StatusCode::NOT_FOUND, "not_found", error.to_string()),
        error => {
            let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            tracing::warn!(target: "sagewire::proxy", cause, "{error}");
            ApiError::busy("the store of files is unavailable; retry in a moment", std::time::Duration::from_secs(5))
        }
    }
}

/// A value of the query.
pub(super) fn query(exchange: &Exchange, name: &str) -> Option<String> {
    let query = exchange.head.uri.query().unwrap_or_default();
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let value = pairs.find_map(|(found, value)| (found == name).then_some(value))?;
    Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
}

/// The page that the query asks for, with so many entries by default, and at most.
pub(super) fn page(exchange: &Exchange, (usual, most): (usize, usize)) -> Result<Page, ApiError> {
    let limit = match query(exchange, "limit") {
        None => usual,
        Some(limit) => limit.parse().ok().filter(|limit| *limit > 0).ok_or_else(|| {
            ApiError::invalid(Some("limit"), format!("invalid value for `limit`: expected a number from 1 to {most}"))
        })?,
    };
    let mut page = Page::first(limit.min(most));
    page.after = query(exchange, "after").filter(|after| !after.is_empty());
    page.is_ascending = match query(exchange, "order").as_deref() {
        None | Some("desc") => false,
        Some("asc") => true,
        Some(_) => {
            return Err(ApiError::invalid(Some("order"), "invalid value for `order`: expected `asc` or `desc`"));
        }
    };
    Ok(page)
}

/// A list in OpenAI's form.
pub(super) fn listed<T: Serialize>(found: &Paged<T>, id: impl Fn(&T) -> &str) -> Response<Body> {
    let page = json!({
        "object": "list", "data": found.entries, "has_more": found.has_more,
        "first_id": found.entries.first().map(&id), "last_id": found.entries.last().map(&id),
    });
    json_response(StatusCode::OK, page.to_string().into())
}

pub(super) fn object(value: &impl Serialize) -> Result<Response<Body>, ApiError> {
    let json = serde_json::to_vec(value).map_err(|_| ApiError::internal("the answer cannot be written"))?;
    Ok(json_response(StatusCode::OK, json.into()))
}

fn id(exchange: &Exchange) -> String {
    exchange.parameter.clone().unwrap_or_default()
}

/// What a form says beside its file.
#[derive(Default)]
struct FormFields {
    purpose: Option<String>,
    lifetime: Option<u64>,
}

async fn upload(exchange: &mut Exchange) -> Result<Response<Body>, ApiError> {
    let mine = Mine::of(exchange)?;
    let settings = mine.settings();
    let most = settings.max_file_bytes.saturating_add(OTHER_PARTS);
    let body = exchange.take_body();
    let advice = "split the file";
    let mut form = Form::open(&exchange.head.headers, body, most, advice, LONGEST_UPLOAD)?;
    let mut said = FormFields::default();
    let mut stored: Option<(Upload, String)> = None;
    let read = read_form(&mut form, &mine, &mut said, &mut stored).await;
    let (upload, name) = match (read, stored) {
        (Ok(()), Some(stored)) => stored,
        (Ok(()), None) => return Err(ApiError::invalid(Some("file"), "missing `file`; upload one")),
        (Err(error), stored) => {
            if let Some((upload, _)) = stored {
                upload.abort().await;
            }
            return Err(error);
        }
    };
    let Some(purpose) = said.purpose else {
        upload.abort().await;
        return Err(ApiError::invalid(Some("purpose"), "missing `purpose`; expected `batch`"));
    };
    let longest = settings.lifetime.as_secs();
    let lifetime = said.lifetime.unwrap_or(longest).min(longest);
    let file = upload.finish(name, purpose, Some(lifetime)).await.map_err(|error| failed(&error))?;
    object(&file)
}

async fn read_form(
    form: &mut Form,
    mine: &Mine,
    said: &mut FormFields,
    stored: &mut Option<(Upload, String)>,
) -> Result<(), ApiError> {
    let mut seen = HashSet::new();
    while let Some(mut part) = form.next().await? {
        if !seen.insert(part.name().to_owned()) {
            return Err(multipart::duplicate(part.name()));
        }
        match part.name() {
            "file" if part.is_file() => {
                let name = part.file_name().unwrap_or_default().to_owned();
                let settings = mine.settings();
                let begun = mine.store().await?;
                let begun = begun.begin_upload(&mine.owner, settings.max_file_bytes, Some(settings.quota_bytes)).await;
                let (upload, _) = stored.insert((begun.map_err(|error| failed(&error))?, name));
                while let Some(piece) = part.chunk().await? {
                    upload.write(piece).await.map_err(|error| failed(&error))?;
                }
            }
            "file" => return Err(ApiError::invalid(Some("file"), "invalid `file`: expected a file with a name")),
            "purpose" => said.purpose = Some(part.text().await?),
            "expires_after[seconds]" => {
                said.lifetime = Some(lifetime("expires_after", part.text().await?.parse().ok())?);
            }
            "expires_after[anchor]" => check_anchor("expires_after", &part.text().await?)?,
            name => {
                let message = format!("unknown parameter `{name}`; expected `file`, `purpose` and `expires_after`");
                return Err(ApiError::invalid(Some(name), message));
            }
        }
    }
    Ok(())
}

/// The lifetime that a caller chose by this parameter, which has a `seconds` and an `anchor`.
pub(super) fn lifetime(param: &str, seconds: Option<u64>) -> Result<u64, ApiError> {
    seconds.filter(|seconds| LIFETIMES.contains(seconds)).ok_or_else(|| {
        let (least, most) = (LIFETIMES.start(), LIFETIMES.end());
        let message = format!("invalid value for `{param}[seconds]`: expected a number from {least} to {most}");
        ApiError::invalid(Some(param), message)
    })
}

/// Refuses another beginning of a lifetime than the only one.
pub(super) fn check_anchor(param: &str, anchor: &str) -> Result<(), ApiError> {
    if anchor == ANCHOR {
        return Ok(());
    }
    Err(ApiError::invalid(Some(param), format!("invalid value for `{param}[anchor]`: expected `{ANCHOR}`")))
}

fn upload_schema() -> Value {
    json!({
        "type": "object", "required": ["file", "purpose"],
        "properties": {
            "file": schema::bytes(), "purpose": schema::text(), "expires_after[anchor]": anchor_schema(),
            "expires_after[seconds]": lifetime_schema(),
        },
    })
}

pub(super) fn anchor_schema() -> Value {
    json!({ "enum": [ANCHOR] })
}

pub(super) fn lifetime_schema() -> Value {
    json!({ "type": "integer", "minimum": LIFETIMES.start(), "maximum": LIFETIMES.end() })
}

async fn list(exchange: &mut Exchange) -> Result<Response<Body>, ApiError> {
    let mine = Mine::of(exchange)?;
    let page = page(exchange, PAGE)?;
    let purpose = query(exchange, "purpose");
    let found = mine.store().await?.files(&mine.owner, &page, purpose.as_deref()).await;
    Ok(listed(&found.map_err(|error| failed(&error))?, |file: &File| &file.id))
}

async fn one(exchange: &mut Exchange) -> Result<Response<Body>, ApiError> {
    let mine = Mine::of(exchange)?;
    let file = mine.store().await?.file(&mine.owner, &id(exchange)).await;
    object(&file.map_err(|error| failed(&error))?)
}

async fn delete(exchange: &mut Exchange) -> Result<Response<Body>, ApiError> {
    let mine = Mine::of(exchange)?;
    let id = id(exchange);
    mine.store().await?.delete_file(&mine.owner, &id).await.map_err(|error| failed(&error))?;
    let deleted: Value = json!({ "id": id, "object": "file", "deleted": true });
    object(&deleted)
}

async fn content(exchange: &mut Exchange) -> Result<Response<Body>, ApiError> {
    let mine = Mine::of(exchange)?;
    let found = mine.store().await?.content(&mine.owner, &id(exchange)).await;
    let (file, content) = found.map_err(|error| failed(&error))?;
    let mut response = Response::new(Body::from_stream(content));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(file.bytes));
    // What a caller uploaded is never shown as a page.
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}
