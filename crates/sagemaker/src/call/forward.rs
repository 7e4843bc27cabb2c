//! A route of the container's own: body in, body out, as they are.
//!
//! Owns how such a request is put together and how its stream is passed on. Which routes there are, and how the container is told, is
//! [`attributes`](crate::request::attributes)'s.

use bytes::Bytes;
use http::{HeaderValue, header::CONTENT_TYPE};
use sagewire_dialects::{Payload, StreamDecoder};
use sagewire_types::{Error, ForwardRequest};

use crate::{
    call::plan::Prepared,
    request::{Operation, UnsignedRequest},
};

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
        unsigned.headers.insert(operation.accept(), value("accept", accept)?);
    }
    Ok(unsigned)
}

/// Passes the bytes of a stream on.
#[derive(Debug)]
pub(crate) struct AsItIs;

impl StreamDecoder<Bytes> for AsItIs {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<Bytes>) -> Result<(), Error> {
        out.push(Bytes::copy_from_slice(bytes));
        Ok(())
    }

    fn finish(&mut self, _: &mut Vec<Bytes>) -> Result<(), Error> {
        Ok(())
    }
}
