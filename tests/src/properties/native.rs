//! Answers of the APIs that some containers speak themselves: OpenAI's Responses API and
//! Anthropic's Messages API.
//!
//! The input's first line is the route's path. What follows is the reply.

use bytes::Bytes;
use sagewire_dialects::{
    StreamDecoder,
    native::{self, PROTOCOLS, Protocol},
};
use sagewire_types::{Error, Forwarded};

use super::{Bound, cuttings, headed};

/// A body whose model is replaced becomes values of some dozen bytes, of which the shortest has
/// three. The proxy bounds their number first.
pub const BOUND: Bound = Bound::small(100, 400);

/// Reads the reply as a whole and as a stream, and as a body whose model is replaced.
pub fn read(input: &[u8]) {
    let (protocol, reply) = headed_protocol(input);
    let _ = protocol.read(Bytes::copy_from_slice(reply));
    let _ = drain(protocol, &[reply]);
    let _ = native::with_model(reply, "m");
}

/// No panic; a stream reads the same at every cut; it is complete only with its last event; it has
/// no more bytes than came, but for the null in the place of a `NaN`; and a body keeps everything
/// but its model.
///
/// # Panics
/// If this is not so.
pub fn check(input: &[u8]) {
    let (protocol, reply) = headed_protocol(input);
    let _ = protocol.read(Bytes::copy_from_slice(reply));
    let (events, error) = drain(protocol, &[reply]);
    let length: usize = events.iter().map(|event| event.bytes.len()).sum();
    assert!(length <= reply.len() * 4 / 3, "{length} bytes of {}", reply.len());
    for pieces in cuttings(reply) {
        let (cut, ended) = drain(protocol, &pieces);
        assert_eq!(cut, events, "a cut changes what the stream says");
        assert_eq!(told(ended), told(error.clone()), "a cut changes how the stream ends");
    }
    if error.is_none() {
        let text = String::from_utf8_lossy(reply);
        let has_end =
            ["response.completed", "response.incomplete", "message_stop"].iter().any(|end| text.contains(end));
        assert!(has_end || text.contains('\\'), "complete without a last event");
    }
    if let Ok(body) = native::with_model(reply, "m") {
        let [mut before, after]: [serde_json::Map<_, _>; 2] =
            [reply, &body].map(|json| serde_json::from_slice(json).expect("an object"));
        before.insert("model".to_owned(), "m".into());
        assert_eq!(before, after);
    }
}

fn headed_protocol(input: &[u8]) -> (&'static Protocol, &[u8]) {
    let (path, reply) = headed(input);
    let protocol = std::str::from_utf8(path).ok().and_then(Protocol::of);
    (protocol.unwrap_or(&PROTOCOLS[0]), reply)
}

fn told(error: Option<Error>) -> Option<(&'static str, String)> {
    error.map(|error| (error.kind().as_str(), error.message().to_owned()))
}

fn drain(protocol: &'static Protocol, pieces: &[&[u8]]) -> (Vec<Forwarded>, Option<Error>) {
    let mut decoder = protocol.decoder();
    let mut events = Vec::new();
    for piece in pieces {
        if let Err(error) = decoder.push(piece, &mut events) {
            return (events, Some(error));
        }
    }
    let error = decoder.finish(&mut events).err();
    (events, error)
}
