//! The HTTP server: requests in, answers out.
//!
//! Owns what happens to every request whatever it asks: reading the body, finding the operation,
//! checking the signature, the log, and the headers every answer has. It speaks HTTP/1.1, and
//! HTTP/2 to a client that begins with it. Connections come from `listener`.

use std::{sync::Arc, time::SystemTime};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header};
use http_body_util::BodyExt as _;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};

#[cfg(feature = "faults")]
use crate::control;
#[cfg(feature = "identity")]
use crate::identity;
use crate::{
    aws_error::{AwsError, Place},
    body::{Body, BrokenOff},
    clock::http_date,
    control_plane,
    form::Form,
    health,
    operation::Operation,
    patience::PATIENCE,
    received::Received,
    route::Route,
    runtime::{self, Call},
    signature::{Caller, Signed, verify, verify_bearer},
    socket::{Ending, Socket},
    state::State,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
/// Said where a request names no region, because it was not accepted.
const DEFAULT_REGION: &str = "us-east-1";

pub(crate) async fn converse(socket: Socket, ending: Ending, state: Arc<State>) {
    let service = service_fn(move |request| respond(Arc::clone(&state), request, ending.clone()));
    let mut connection = auto::Builder::new(TokioExecutor::new());
    connection.http1().timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    if let Err(error) = connection.serve_connection(TokioIo::new(socket), service).await {
        tracing::debug!(error, "a connection ended early");
    }
}

async fn respond(state: Arc<State>, request: Request<Incoming>, ending: Ending) -> Result<Response<Body>, BrokenOff> {
    ending.request_came();
    let now = state.now();
    let request_id = state.next_request_id();
    let (mut parts, body) = request.into_parts();
    if let (false, Some(authority)) = (parts.headers.contains_key(header::HOST), parts.uri.authority())
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        // HTTP/2 has `:authority` instead, and signers sign it as `host`.
        parts.headers.insert(header::HOST, host);
    }
    // A client that does not send its body is not answered.
    let reading = tokio::time::timeout(PATIENCE, read(body, state.max_body_bytes));
    let (body, too_large) = reading.await.map_err(|_| BrokenOff)??;
    if parts.uri.path() == health::PATH {
        return Ok(health::answer(&parts.method));
    }
    #[cfg(feature = "faults")]
    if let (Some(path), Some(control)) = (parts.uri.path().strip_prefix(control::PREFIX), state.control.get())
        && let Some(answer) = control.answer(&state, path, &parts, &body, too_large)
    {
        return Ok(answer);
    }
    let form = form(&parts, &body);
    let target = parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    let (method, path) = (&parts.method, parts.uri.path());
    let route = Route::of_sagemaker(method, path, target);
    #[cfg(feature = "identity")]
    let route = route.or_else(|| Some(state.identity.route(method, path, &form)));
    let route = route.unwrap_or_else(Route::to_nothing);
    let mut judged = judge(&state, &parts, &body, &route, &form, too_large, now);
    let fault =
        judged.as_ref().ok().and_then(|_| state.prepared.next_fault(route.endpoint.as_deref(), route.operation));
    if let (Ok(caller), Some(fault)) = (&judged, &fault)
        && fault.strikes_caller(&state, caller.as_ref())
    {
        judged = judge(&state, &parts, &body, &route, &form, too_large, state.now());
    }
    let entry = received(&parts, &body, &route, &judged, &request_id, now);
    #[cfg(feature = "faults")]
    let entry = Received { fault: fault.clone(), ..entry };
    if let Some(observer) = &state.observer {
        observer(&entry);
    }
    state.log.push(entry);
    let latency = state.latency();
    if route.operation.is_runtime() && !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let endpoint = route.endpoint.as_deref().unwrap_or_default();
    let region = judged.as_ref().ok().and_then(Option::as_ref).map_or(DEFAULT_REGION, |caller| &caller.region);
    let place = Place { protocol: route.protocol, request_id: &request_id, region, endpoint, container: "primary" };
    if let Some(fault) = &fault {
        fault.strikes_port(&state).await;
    }
    let instead = fault.as_ref().and_then(|fault| fault.instead(&place, &ending));
    let mut response = match (&judged, instead) {
        (Err(error), _) => runtime::refusal(error, &place),
        (Ok(_), Some(instead)) => instead?,
        (Ok(caller), None) => {
            let asked = AcceptedRequest {
                parts: &parts,
                #[cfg(feature = "identity")]
                form: &form,
                body,
                caller: caller.as_ref(),
                now,
            };
            let response = answer(&state, asked, &route, &place, ending.clone()).await?;
            match fault {
                Some(fault) => fault.spoil(response, ending),
                None => response,
            }
        }
    };
    stamp(response.headers_mut(), &request_id, &http_date(state.now()));
    Ok(response)
}

/// What is known of an accepted request.
struct AcceptedRequest<'a> {
    parts: &'a http::request::Parts,
    #[cfg(feature = "identity")]
    form: &'a Form,
    body: Bytes,
    caller: Option<&'a Caller>,
    now: SystemTime,
}

/// The answer of the service that the request is for.
async fn answer(
    state: &State,
    asked: AcceptedRequest<'_>,
    route: &Route,
    place: &Place<'_>,
    ending: Ending,
) -> Result<Response<Body>, BrokenOff> {
    let AcceptedRequest { parts, body, caller, now, .. } = asked;
    let (operation, headers) = (route.operation, &parts.headers);
    if operation.is_runtime() {
        let (endpoint, region, request_id) = (place.endpoint, place.region, place.request_id);
        let (protocol, path) = (place.protocol, parts.uri.path());
        let call = Call { operation, protocol, path, endpoint, region, request_id, headers, body, received_at: now };
        return runtime::answer(state, call, ending).await;
    }
    if let Some(script) = state.prepared.next_script(None, operation) {
        return script.play(place, ending).await;
    }
    if operation.is_control_plane() {
        let account = state.account();
        let key = caller.map(|caller| caller.access_key_id.as_str()).unwrap_or_default();
        let answer = control_plane::answer(&account, operation, &body, place.region, key);
        return Ok(answer.unwrap_or_else(|error| runtime::refusal(&error, place)));
    }
    #[cfg(feature = "identity")]
    {
        let (path, form, request_id) = (parts.uri.path(), asked.form, place.request_id);
        let request = identity::Request { operation, path, form, headers, body: &body, caller, request_id, now };
        Ok(identity::answer(state, &request).unwrap_or_else(|error| runtime::refusal(&error, place)))
    }
    #[cfg(not(feature = "identity"))]
    Ok(runtime::refusal(&AwsError::unknown_operation(), place))
}

/// The query's parameters; of STS, the form's in the body.
fn form(parts: &http::request::Parts, body: &Bytes) -> Form {
    match (parts.uri.path(), parts.uri.query()) {
        (_, Some(query)) => Form::parse(query),
        ("/", None) => Form::parse(&String::from_utf8_lossy(body)),
        (_, None) => Form::default(),
    }
}

/// Who signed, where a signature is needed; or why the request goes no further.
fn judge(
    state: &State,
    parts: &http::request::Parts,
    body: &Bytes,
    route: &Route,
    form: &Form,
    too_large: bool,
    now: SystemTime,
) -> Result<Option<Caller>, AwsError> {
    if route.operation == Operation::Unknown {
        return Err(route.unknown(form));
    }
    if too_large {
        return Err(AwsError::body_too_large(state.max_body_bytes));
    }
    if route.operation == Operation::OpenAiChatCompletions {
        return verify_bearer(&parts.headers, &state.keys, now).map(Some);
    }
    let Some(service) = route.operation.signing_name() else { return Ok(None) };
    let signed = Signed {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query(),
        headers: &parts.headers,
        body,
    };
    verify(signed, service, &state.keys, now).map(Some)
}

/// The headers every answer has. A script's own stay.
fn stamp(headers: &mut HeaderMap, request_id: &str, date: &str) {
    for (name, value) in [(REQUEST_ID, request_id), (header::DATE, date)] {
        if let (false, Ok(value)) = (headers.contains_key(&name), HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
}

fn received(
    parts: &http::request::Parts,
    body: &Bytes,
    route: &Route,
    judged: &Result<Option<Caller>, AwsError>,
    request_id: &str,
    at: SystemTime,
) -> Received {
    let caller = judged.as_ref().ok().and_then(Option::as_ref);
    Received {
        at,
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().map(str::to_owned),
        headers: parts.headers.clone(),
        body: body.clone(),
        operation: route.operation,
        endpoint: route.endpoint.clone(),
        accepted: judged.is_ok(),
        refused: judged.as_ref().err().cloned(),
        access_key_id: caller.map(|caller| caller.access_key_id.clone()),
        region: caller.map(|caller| caller.region.clone()),
        #[cfg(feature = "faults")]
        fault: None,
        request_id: request_id.to_owned(),
    }
}

/// The body up to the limit, and whether there was more. The rest is read and dropped, so that the
/// client gets to the answer.
async fn read(mut body: Incoming, limit: usize) -> Result<(Bytes, bool), BrokenOff> {
    let mut kept = BytesMut::new();
    let mut too_large = false;
    while let Some(frame) = body.frame().await {
        // A client that goes away in the middle gets no answer.
        let Ok(frame) = frame else { return Err(BrokenOff) };
        let Ok(mut data) = frame.into_data() else { continue };
        let room = limit - kept.len();
        too_large |= data.len() > room;
        data.truncate(room);
        kept.extend_from_slice(&data);
    }
    Ok((kept.freeze(), too_large))
}
