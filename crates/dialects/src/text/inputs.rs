//! The body `{"inputs", "parameters"}` that text containers share.
//!
//! Owns its assembly and the parameters that all of these containers name alike. What else a
//! container can carry is its dialect's.

use sagewire_types::{ChatRequest, Error, ErrorKind};
use serde_json::{Map, Value, json};

use crate::Payload;

/// The parameters of one request, in the order they are set; a later one replaces an earlier one of
/// the same name.
#[derive(Debug, Default)]
pub(crate) struct Parameters(Map<String, Value>);

impl Parameters {
    pub(crate) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// `max_new_tokens`: at least one token must be asked for.
    pub(crate) fn set_token_limit(&mut self, request: &ChatRequest) {
        if let Some(limit) = request.token_limit() {
            self.set("max_new_tokens", limit.max(1));
        }
    }

    /// `seed`, which these containers read as an unsigned number.
    pub(crate) fn set_seed(&mut self, request: &ChatRequest) -> Result<(), Error> {
        if let Some(seed) = request.seed {
            let seed = u64::try_from(seed)
                .map_err(|_| Error::invalid("seed", "`seed` must not be negative: this container refuses it"))?;
            self.set("seed", seed);
        }
        Ok(())
    }

    /// The parameters that only the container knows, and those that are passed on as they are: they
    /// win over what was set before.
    pub(crate) fn extend(&mut self, more: impl IntoIterator<Item = (String, Value)>) {
        self.0.extend(more);
    }
}

/// Takes `extra_body` out of a caller's parameters.
///
/// # Errors
/// `InvalidRequest` where it is no object.
pub(crate) fn extra_body(extra: &mut Map<String, Value>) -> Result<Map<String, Value>, Error> {
    match extra.shift_remove("extra_body") {
        Some(Value::Object(more)) => Ok(more),
        None | Some(Value::Null) => Ok(Map::new()),
        Some(_) => Err(Error::invalid("extra_body", "`extra_body` must be an object of parameters")),
    }
}

/// The body of these inputs and parameters, with `extra_body` merged in: its `parameters` among the
/// parameters, the rest beside them.
pub(crate) fn payload(
    inputs: Value,
    parameters: Parameters,
    stream: bool,
    mut extra_body: Map<String, Value>,
) -> Result<Payload, Error> {
    let Parameters(mut parameters) = parameters;
    if extra_body.get("parameters").is_some_and(Value::is_object) {
        if let Some(Value::Object(inner)) = extra_body.shift_remove("parameters") {
            parameters.extend(inner);
        }
    }
    let mut body = Map::new();
    body.insert("inputs".to_owned(), inputs);
    body.insert("parameters".to_owned(), Value::Object(parameters));
    if stream {
        body.insert("stream".to_owned(), json!(true));
    }
    body.extend(extra_body);
    Payload::json(&body)
}

/// The error for several answers in one stream, which no text container gives.
pub(crate) fn one_streamed_answer(dialect: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!(
            "`n` above 1 cannot be streamed by a `{dialect}` container: ask without `stream`, or use the route `sagemaker_chat/` if the \
             container speaks the Messages API"
        ),
    )
    .with_param("n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extra_body_is_merged_at_both_levels() {
        let mut parameters = Parameters::default();
        parameters.set("top_k", 1);
        parameters.set("seed", 2);
        let mut extra = Map::new();
        extra.insert("extra_body".to_owned(), json!({"parameters": {"top_k": 9, "watermark": true}, "adapters": "a"}));
        let more = extra_body(&mut extra).unwrap();
        assert!(extra.is_empty());
        let payload = payload(json!("hi"), parameters, true, more).unwrap();
        let body: Value = serde_json::from_slice(&payload.body).unwrap();
        assert_eq!(
            body,
            json!({"inputs": "hi", "parameters": {"top_k": 9, "seed": 2, "watermark": true}, "stream": true, "adapters": "a"})
        );
    }

    #[test]
    fn an_extra_body_that_is_no_object_is_refused_by_name() {
        let mut extra = Map::new();
        extra.insert("extra_body".to_owned(), json!([1]));
        let error = extra_body(&mut extra).unwrap_err();
        assert_eq!(error.param(), Some("extra_body"));
    }
}
