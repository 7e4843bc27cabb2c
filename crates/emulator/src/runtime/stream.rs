//! `InvokeEndpointWithResponseStream`: a container's answer as an event stream.
//!
//! Owns the response headers and the way from parts to frames. The frames' bytes are `frame`'s
//! business.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use http::{HeaderName, Response, header::CONTENT_TYPE};

use super::{CUSTOM_ATTRIBUTES, NEW_SESSION_ID, insert, insert_optional};
use crate::{
    body::{Body, Step, played},
    container::{ContainerReply, Parts},
    frame::{EVENT_STREAM, Frame},
    socket::Ending,
};

const CONTAINER_CONTENT_TYPE: HeaderName = HeaderName::from_static("x-amzn-sagemaker-content-type");

/// A successful reply without frames. A part that fails breaks it off.
pub(super) fn plain(reply: ContainerReply, parts: Parts, ending: Ending) -> Response<Body> {
    let pace = reply.pace;
    let steps = reply.body.into_parts(parts).flat_map(move |part| {
        let wait = (pace > Duration::ZERO).then_some(Step::Wait(pace));
        let step = part.map_or(Step::BreakOff, Step::Send);
        stream::iter(wait.into_iter().chain([step]))
    });
    let mut response = Response::new(played(steps, ending));
    insert(response.headers_mut(), CONTENT_TYPE, &reply.content_type);
    response
}

/// A successful reply, one frame for each of its parts. A part that fails ends the stream with
/// `ModelStreamError`.
pub(super) fn answer(reply: ContainerReply, parts: Parts, ending: Ending) -> Response<Body> {
    let pace = reply.pace;
    let mut broken = false;
    let frames = reply
        .body
        .into_parts(parts)
        .map(|part| match part {
            Ok(part) => Ok(Frame::payload_part(part)),
            Err(error) => Err(Frame::exception("ModelStreamError", Some("StreamBroken"), &error.to_string())),
        })
        .take_while(move |part| {
            let goes_on = !broken;
            broken = part.is_err();
            std::future::ready(goes_on)
        });
    let steps = frames.flat_map(move |part| {
        let frame = part.unwrap_or_else(|last| last);
        let wait = (pace > Duration::ZERO).then_some(Step::Wait(pace));
        stream::iter(wait.into_iter().chain([Step::Send(frame.encode())]))
    });
    let mut response = Response::new(played(steps, ending));
    insert(response.headers_mut(), CONTENT_TYPE, EVENT_STREAM);
    insert(response.headers_mut(), CONTAINER_CONTENT_TYPE, &reply.content_type);
    insert_optional(response.headers_mut(), CUSTOM_ATTRIBUTES, reply.custom_attributes.as_deref());
    insert_optional(response.headers_mut(), NEW_SESSION_ID, reply.new_session_id.as_deref());
    response
}
