//! Which entries of a request's body may reach a container.
//!
//! Owns going through them by the table of parameters: what is the operator's is refused, and what
//! LiteLLM's clients send for LiteLLM's own book-keeping is left out. Only the body's own entries
//! and those of `extra_body` are looked at: `headers` and `timeout` are ordinary words inside
//! messages, schemas and tool arguments.

use sagewire_types::Error;
use serde_json::{Map, Value};

use super::parameters::{self, InRequest};

/// Leaves out of the parameters of a request what no container is sent.
///
/// # Errors
/// `InvalidRequest` for a parameter of the operator's, naming it and not its value.
pub(crate) fn take_out(parameters: &mut Map<String, Value>) -> Result<(), Error> {
    judge(parameters)?;
    let Some(Value::Object(body)) = parameters.get_mut("extra_body") else { return Ok(()) };
    judge(body)?;
    // Text containers have most of their parameters one level deeper.
    match body.get_mut("parameters") {
        Some(Value::Object(inner)) => judge(inner),
        _ => Ok(()),
    }
}

fn judge(parameters: &mut Map<String, Value>) -> Result<(), Error> {
    let mut dropped = Vec::new();
    for (name, value) in &*parameters {
        match parameters::in_request(name, value) {
            InRequest::Passed | InRequest::Nested => {}
            InRequest::Dropped(reason) => {
                tracing::debug!(target: "sagewire::parameters", parameter = name, reason, "left out of the request");
                dropped.push(name.clone());
            }
            InRequest::Caller | InRequest::Listed | InRequest::Operator => return Err(refusal(name)),
        }
    }
    for name in dropped {
        parameters.shift_remove(&name);
    }
    Ok(())
}

/// The error for a parameter of the operator's in a request.
fn refusal(name: &str) -> Error {
    let reason = parameters::without_effect(name).map_or_else(String::new, |reason| format!(" ({reason})"));
    Error::invalid(
        name,
        format!("`{name}` is not accepted in a request{reason}: it is set where the deployment is configured"),
    )
}

#[cfg(test)]
mod tests;
