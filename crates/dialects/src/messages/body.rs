//! OpenAI's request bodies, as containers take them.
//!
//! Owns what is changed on the way: the model's name, `stream`, and `extra_body`, which is merged
//! in at top level.

use std::{collections::HashSet, fmt};

use sagewire_types::{ChatRequest, CompletionRequest, Error, StreamOptions};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
    ser::SerializeMap as _,
};
use serde_json::{Map, Value, value::RawValue};

use crate::{
    EncodeContext, Payload,
    parameters::{drop_named, drop_named_of_completion},
    text::inputs,
};

/// Whether a body names the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ModelName {
    /// As the container knows it.
    Sent,
    /// The container refuses it.
    LeftOut,
}

/// The body of a chat request.
///
/// # Errors
/// `InvalidRequest` where a parameter cannot be written.
pub(crate) fn chat(mut request: ChatRequest, context: &EncodeContext<'_>, model: ModelName) -> Result<Payload, Error> {
    drop_named(&mut request, context.policy);
    request.model = context.model.to_owned();
    set_stream(&mut request.stream, &mut request.stream_options, context);
    let extra_body = inputs::extra_body(&mut request.extra)?;
    payload(&request, extra_body, model)
}

/// The body of a completion request.
///
/// # Errors
/// `InvalidRequest` where a parameter cannot be written.
pub(crate) fn completion(
    mut request: CompletionRequest,
    context: &EncodeContext<'_>,
    model: ModelName,
) -> Result<Payload, Error> {
    drop_named_of_completion(&mut request, context.policy);
    request.model = context.model.to_owned();
    set_stream(&mut request.stream, &mut request.stream_options, context);
    let extra_body = inputs::extra_body(&mut request.extra)?;
    payload(&request, extra_body, model)
}

fn set_stream(stream: &mut Option<bool>, options: &mut Option<StreamOptions>, context: &EncodeContext<'_>) {
    *stream = context.stream.then_some(true);
    options.take_if(|_| !context.stream);
}

fn payload(request: &impl Serialize, extra_body: Map<String, Value>, model: ModelName) -> Result<Payload, Error> {
    if extra_body.is_empty() && model == ModelName::Sent {
        return Payload::json(request);
    }
    // Each member stays the text that it is: as values they would take many times their length.
    let own = Payload::json(request)?.body;
    let members = serde_json::from_slice(&own).map_err(|error| {
        Error::invalid("body", "the request cannot be written as JSON; check its parameters").with_source(error)
    })?;
    Payload::json(&Merged { members, left_out: (model == ModelName::LeftOut).then_some("model"), over: &extra_body })
}

/// A body of which some members are replaced and others added.
struct Merged<'t> {
    members: Members<'t>,
    left_out: Option<&'static str>,
    over: &'t Map<String, Value>,
}

impl Serialize for Merged<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Members(members) = &self.members;
        let names: HashSet<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
        let mut body = serializer.serialize_map(None)?;
        for (name, own) in members.iter().filter(|(name, _)| self.left_out != Some(name)) {
            match self.over.get(name) {
                Some(value) => body.serialize_entry(name, value)?,
                None => body.serialize_entry(name, own)?,
            }
        }
        let is_new = |name: &str| !names.contains(name) || self.left_out == Some(name);
        for (name, value) in self.over.iter().filter(|(name, _)| is_new(name)) {
            body.serialize_entry(name, value)?;
        }
        body.end()
    }
}

/// The members of a JSON object, each as its text.
struct Members<'t>(Vec<(String, &'t RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfObject;

        impl<'de> Visitor<'de> for OfObject {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = object.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(OfObject)
    }
}
