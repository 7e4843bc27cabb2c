//! A route of the container's own: body in, body out.
//!
//! Owns how such a request is put together, how its stream is passed on, and what calls have
//! learned about the routes that containers have. Which routes may be asked for, and how the
//! container is told, is [`attributes`](crate::request::attributes)'s.
//!
//! A container without AWS's routing of `route=` takes the body for one of its own. It refuses it,
//! or answers in another form. What proves that the route is not there is remembered.

use bytes::Bytes;
use http::{HeaderValue, header::CONTENT_TYPE};
use sagewire_dialects::{
    Payload, StreamDecoder,
    native::{self, PROTOCOLS, Protocol},
};
use sagewire_types::{Error, ErrorKind, ForwardRequest, Forwarded, json};
use serde::de::IgnoredAny;

use crate::{
    call::{
        place::{Learned, Place},
        plan::Prepared,
    },
    request::{Operation, UnsignedRequest},
};

/// Which routes a container has, as far as it is known: one bit for each of [`PROTOCOLS`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Routes {
    there: u16,
    missing: u16,
}

/// Whether a container's own route can be asked for: endpoints alone are told the route.
///
/// # Errors
/// `unknown_route` through any other door.
pub(crate) fn check_door(prepared: &Prepared<'_>, request: &ForwardRequest) -> Result<(), Error> {
    if prepared.door.is_runtime() { Ok(()) } else { Err(Error::unknown_route(&request.path)) }
}

/// A checked call of a route.
pub(crate) struct Checked<'a> {
    prepared: &'a Prepared<'a>,
    known: &'a Learned<Routes>,
    pub(crate) protocol: &'static Protocol,
    bit: u16,
}

impl<'a> Checked<'a> {
    /// Names the model in the body as the container knows it. `None` if the caller does not ask for
    /// a check.
    ///
    /// # Errors
    /// `unknown_route` if the container is known not to have the route.
    pub(crate) fn of(
        request: &mut ForwardRequest,
        prepared: &'a Prepared<'a>,
        known: &'a Learned<Routes>,
    ) -> Result<Option<Self>, Error> {
        let place = PROTOCOLS.iter().position(|protocol| protocol.path() == request.path);
        let (Some(protocol), Some(place), true) = (Protocol::of(&request.path), place, request.checked) else {
            return Ok(None);
        };
        let is_set = prepared.settings.native_routes.as_ref().is_none_or(|paths| paths.contains(&request.path));
        let this = Self { prepared, known, protocol, bit: 1 << place };
        if !is_set || this.routes().missing & this.bit != 0 {
            return Err(Error::unknown_route(protocol.path()));
        }
        request.body = native::with_model(&request.body, prepared.settings.hf_model_name.as_deref().unwrap_or(""))?;
        Ok(Some(this))
    }

    fn routes(&self) -> Routes {
        self.known.about(self.prepared).unwrap_or_default()
    }

    /// Reads a whole answer.
    pub(crate) fn read(&self, reply: Bytes) -> Result<Forwarded, Error> {
        let outcome = self.protocol.read(reply.clone());
        match &outcome {
            Ok(_) => self.answered(),
            // What is not JSON proves nothing: a caller may have asked for bytes or events.
            Err(error) if error.is_unknown_route() && json::from_reply::<IgnoredAny>(&reply).is_ok() => {
                self.is_missing();
            }
            Err(_) => {}
        }
        outcome
    }

    /// The container has answered in the route's form.
    pub(crate) fn answered(&self) {
        let routes = self.routes();
        if routes.there & self.bit == 0 {
            self.known.remember(Place::of(self.prepared), Routes { there: routes.there | self.bit, ..routes });
        }
    }

    /// The error of a call that was not answered: an unknown route if the container may not have it.
    /// This is remembered only if it is proved, as most refusals are about the request of one caller.
    pub(crate) fn judge(&self, error: Error) -> Error {
        // A container that has answered there before refuses the request, not the route.
        if self.routes().there & self.bit != 0 {
            return error;
        }
        let upstream = error.upstream();
        let refused = matches!(error.kind(), ErrorKind::InvalidRequest | ErrorKind::NotFound | ErrorKind::Unsupported);
        let is_proved = match upstream.and_then(|upstream| upstream.original_status) {
            // The first event of a stream was of another API.
            _ if error.is_unknown_route() => true,
            Some(status @ (400 | 404 | 405 | 415 | 422)) if refused => {
                let said = upstream.and_then(|upstream| upstream.original_message.as_deref()).unwrap_or_default();
                self.protocol.is_missing_by(status, said)
            }
            _ => return error,
        };
        if is_proved {
            self.is_missing();
        }
        Error::unknown_route(self.protocol.path()).with_source(error)
    }

    /// The container does not have the route.
    fn is_missing(&self) {
        let routes = self.routes();
        if routes.there & self.bit != 0 {
            return;
        }
        self.known.remember(Place::of(self.prepared), Routes { missing: routes.missing | self.bit, ..routes });
        tracing::info!(
            target: "sagewire::sagemaker",
            endpoint = self.prepared.model.name(),
            route = self.protocol.path(),
            "the container does not have the route; requests are translated"
        );
    }
}

/// The request, with the types that it names.
///
/// # Errors
/// `InvalidRequest` for a type that no header can carry.
pub(crate) fn request(
    prepared: &Prepared<'_>,
    operation: Operation,
    request: ForwardRequest,
) -> Result<UnsignedRequest, Error> {
    let mut payload = Payload::from_json(request.body);
    payload.accept = None;
    let mut unsigned = prepared.request(operation, payload)?;
    let value = |parameter: &str, text: &str| {
        HeaderValue::from_str(text).map_err(|error| {
            Error::invalid(parameter, format!("`{parameter}`: invalid header value")).with_source(error)
        })
    };
    unsigned.headers.insert(CONTENT_TYPE, value("content_type", &request.content_type)?);
    if let Some(accept) = &request.accept {
        unsigned.headers.insert(operation.accept(prepared.door), value("accept", accept)?);
    }
    Ok(unsigned)
}

/// Passes the bytes of a stream on.
#[derive(Debug)]
pub(crate) struct AsItIs;

impl StreamDecoder<Forwarded> for AsItIs {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<Forwarded>) -> Result<(), Error> {
        out.push(Bytes::copy_from_slice(bytes).into());
        Ok(())
    }

    fn finish(&mut self, _: &mut Vec<Forwarded>) -> Result<(), Error> {
        Ok(())
    }
}
