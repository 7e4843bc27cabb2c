//! The ways into AWS: which host and path a call has, how it is signed, which headers it takes.
//!
//! Owns the table of doors, a file each. Dialects do not know them: what is sent through a door is
//! the same body.

use std::{fmt, time::Duration};

use percent_encoding::utf8_percent_encode;
use sagewire_credentials::endpoint::Service;
use sagewire_dialects::{ChatDialect, EmbeddingDialect};
use sagewire_types::{Error, ModelId};

use super::{Operation, UNRESERVED, headers::is_resource_name};

mod gateway;
mod inference_router;
mod openai;
mod runtime;

/// A way into AWS. Each is a row: everything that differs between them is here.
pub(crate) struct Door {
    /// How the ids of its models begin. The runtime has several: they stand for dialects.
    pub(crate) prefix: &'static str,
    /// The service whose host is called.
    pub(crate) service: Service,
    /// How a request proves who sends it.
    pub(crate) authentication: Authentication,
    /// The dialect where none is set; nothing if the prefix says it.
    pub(crate) chat: Option<ChatDialect>,
    /// The family of embeddings where none is set; nothing if the name says it.
    pub(crate) embeddings: Option<EmbeddingDialect>,
    /// Whether it takes chat completions alone.
    pub(crate) only_chat: bool,
    /// Whether it streams. Streams are made of whole replies where it does not.
    pub(crate) streams: bool,
    /// How long is waited for the head of a reply where nothing is set.
    pub(crate) first_byte: Duration,
    /// How errors are written.
    pub(crate) errors: ErrorForm,
    /// Statuses after which a call is not repeated, although they tell of a passing failure.
    pub(crate) not_repeated: &'static [u16],
    /// Which of SageMaker's headers it takes, by their parameters' names.
    pub(crate) takes: fn(parameter: &str, operation: Operation) -> bool,
    /// The header that names the part within the resource.
    pub(crate) part_header: Option<&'static str>,
    /// Whether the inference component stands in the path, and in no header.
    pub(crate) component_in_path: bool,
    /// Whether bodies are OpenAI's, so that no other dialect can be set.
    pub(crate) speaks_openai: bool,
    /// Whether `Accept` has its own name on streams.
    pub(crate) renames_accept: bool,
    /// What a model's name, and the inference component that is set, mean.
    address: for<'a> fn(name: &'a str, component: Option<&'a str>) -> Result<Address<'a>, Error>,
    /// The path of an operation.
    path: fn(&Address<'_>, Operation) -> Result<String, Error>,
    /// The model that a body names where none is set.
    body_model: for<'a> fn(&Address<'a>) -> &'a str,
    /// Whether the body names that model whatever is set.
    pub(crate) keeps_body_model: bool,
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Door").field(&self.prefix).finish()
    }
}

/// How a request proves who sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Authentication {
    /// By a signature of the whole request.
    Signature,
    /// By a bearer token, made of the same credentials.
    Bearer,
}

/// How errors are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorForm {
    /// As AWS's other services do.
    Aws,
    /// As OpenAI does, with AWS's words in it.
    OpenAi,
}

/// Where a call goes within a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Address<'a> {
    /// The endpoint, the inference router or the gateway.
    pub(crate) resource: &'a str,
    /// What is meant within it.
    pub(crate) part: Option<&'a str>,
}

impl Door {
    /// All but the runtime, by their prefixes.
    pub(crate) const OTHERS: [&Self; 3] = [&openai::DOOR, &inference_router::DOOR, &gateway::DOOR];

    /// The door of a model.
    pub(crate) fn of(model: &ModelId) -> &'static Self {
        Self::OTHERS.into_iter().find(|door| door.prefix == model.prefix()).unwrap_or(&runtime::DOOR)
    }

    /// Whether it is the runtime's.
    pub(crate) fn is_runtime(&self) -> bool {
        self.prefix == runtime::DOOR.prefix
    }

    /// What a model's name means here, with the inference component that is set.
    ///
    /// # Errors
    /// `InvalidRequest` for a name that AWS would refuse.
    pub(crate) fn address<'a>(&self, name: &'a str, component: Option<&'a str>) -> Result<Address<'a>, Error> {
        (self.address)(name, component)
    }

    /// The path of an operation.
    ///
    /// # Errors
    /// `InvalidRequest` for an operation that the door does not have.
    pub(crate) fn path(&self, address: &Address<'_>, operation: Operation) -> Result<String, Error> {
        (self.path)(address, operation)
    }

    /// The model that a body names where none is set.
    pub(crate) fn body_model<'a>(&self, name: &'a str) -> &'a str {
        // A name that means nothing is refused where the request is made.
        self.address(name, None).map_or(name, |address| (self.body_model)(&address))
    }

    /// Whether the door takes what is not a chat completion.
    ///
    /// # Errors
    /// `InvalidRequest` if it does not.
    pub(crate) fn check_takes_more_than_chat(&self, what: &str) -> Result<(), Error> {
        if !self.only_chat {
            return Ok(());
        }
        let message = format!(
            "`{0}/` takes chat completions only: for {what} call the endpoint as `sagemaker_chat/<endpoint>` or `sagemaker/<endpoint>`",
            self.prefix
        );
        Err(Error::invalid("model", message))
    }
}

/// What a door says of an operation that it does not have.
fn no_operation(prefix: &str, what: &str) -> Error {
    Error::invalid("model", format!("`{prefix}/` has no {what}; call the endpoint itself"))
}

fn invalid_name(prefix: &str, form: &str, name: &str) -> Error {
    let shown: String = name.chars().take(140).collect();
    Error::invalid("model", format!("invalid model name `{shown}`: expected `{prefix}/{form}`"))
}

/// A name as AWS gives them to endpoints, components, routers and targets.
fn is_name(text: &str) -> bool {
    text.len() <= 63 && is_resource_name(text)
}

fn encoded(path: &mut String, part: &str) {
    path.extend(utf8_percent_encode(part, UNRESERVED));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(model: &str, operation: Operation) -> String {
        let model: ModelId = model.parse().unwrap();
        let door = Door::of(&model);
        door.path(&door.address(model.name(), None).unwrap(), operation).unwrap()
    }

    #[test]
    fn each_door_has_its_paths() {
        for (model, operation, expected) in [
            ("sagemaker/e", Operation::Invoke, "/endpoints/e/invocations"),
            ("sagemaker_chat/e", Operation::Stream, "/endpoints/e/invocations-response-stream"),
            ("sagemaker/e", Operation::Async, "/endpoints/e/async-invocations"),
            ("sagemaker_openai/e", Operation::Invoke, "/endpoints/e/openai/v1/chat/completions"),
            ("sagemaker_openai/e", Operation::Stream, "/endpoints/e/openai/v1/chat/completions"),
            (
                "sagemaker_openai/e/c",
                Operation::Stream,
                "/endpoints/e/inference-components/c/openai/v1/chat/completions",
            ),
            ("sagemaker_router/r/t", Operation::Invoke, "/inference-routers/r/invocations"),
            ("sagemaker_router/r/t", Operation::Async, "/inference-routers/r/async-invocations"),
            ("sagemaker_gateway/g1/Qwen/Qwen3-8B", Operation::Invoke, "/global-inference-gateway/g1/invocations"),
            ("sagemaker_gateway/g1/m", Operation::Stream, "/global-inference-gateway/g1/invocations-response-stream"),
        ] {
            assert_eq!(path(model, operation), expected, "{model}");
        }
    }

    #[test]
    fn names_and_operations_that_a_door_does_not_have_are_refused() {
        for model in [
            "sagemaker_openai/a_b",
            "sagemaker_openai/e/c/d",
            "sagemaker_openai/e/",
            "sagemaker_router/r",
            "sagemaker_router/r/t/u",
            "sagemaker_router/r/-t",
            "sagemaker_gateway/g",
            "sagemaker_gateway/G/m",
            "sagemaker_gateway/../m",
            "sagemaker_gateway/g/",
        ] {
            let id: ModelId = model.parse().unwrap();
            assert_eq!(Door::of(&id).address(id.name(), None).unwrap_err().param(), Some("model"), "{model}");
        }
        for (model, operation) in [
            ("sagemaker_openai/e", Operation::Async),
            ("sagemaker_router/r/t", Operation::Stream),
            ("sagemaker_gateway/g/m", Operation::Async),
        ] {
            let id: ModelId = model.parse().unwrap();
            let door = Door::of(&id);
            let address = door.address(id.name(), None).unwrap();
            assert_eq!(door.path(&address, operation).unwrap_err().param(), Some("model"), "{model}");
        }
    }

    #[test]
    fn bodies_name_the_model_that_the_door_wants() {
        for (model, expected) in [
            ("sagemaker_chat/e", "e"),
            ("sagemaker_openai/e/c", ""),
            ("sagemaker_router/r/t", "t"),
            ("sagemaker_gateway/g/Qwen/Qwen3-8B", "Qwen/Qwen3-8B"),
        ] {
            let id: ModelId = model.parse().unwrap();
            assert_eq!(Door::of(&id).body_model(id.name()), expected, "{model}");
        }
    }

    #[test]
    fn a_component_that_is_set_is_part_of_the_openai_path_and_must_not_contradict_it() {
        let id: ModelId = "sagemaker_openai/e".parse().unwrap();
        let door = Door::of(&id);
        assert_eq!(door.address("e", Some("c")).unwrap().part, Some("c"));
        assert_eq!(door.address("e/c", Some("c")).unwrap().part, Some("c"));
        assert_eq!(door.address("e/c", Some("d")).unwrap_err().param(), Some("model_id"));
        assert_eq!(door.address("e", Some("../d")).unwrap_err().param(), Some("model_id"));
    }
}
