//! The OpenAI-compatible route of an endpoint, `/openai/v1`: a bearer token in place of a
//! signature, and streams without AWS's frames.
//!
//! <https://docs.aws.amazon.com/sagemaker/latest/dg/realtime-endpoints-openai-compatible.html>

use std::time::Duration;

use sagewire_credentials::endpoint::Service;
use sagewire_dialects::ChatDialect;
use sagewire_types::Error;

use super::{Address, Authentication, Door, ErrorForm, encoded, invalid_name, is_name, no_operation};
use crate::request::Operation;

const PREFIX: &str = "sagemaker_openai";

pub(super) const DOOR: Door = Door {
    prefix: PREFIX,
    service: Service::SageMakerRuntime,
    authentication: Authentication::Bearer,
    chat: Some(ChatDialect::Messages),
    embeddings: None,
    only_chat: true,
    streams: true,
    first_byte: Duration::from_secs(70),
    errors: ErrorForm::OpenAi,
    not_repeated: &[],
    // AWS refuses the component's header; others are not documented there.
    takes: |parameter, _| ["custom_attributes", "inference_id", "prefix_aware_id"].contains(&parameter),
    part_header: None,
    component_in_path: true,
    speaks_openai: true,
    renames_accept: false,
    address: |name, component| {
        let (endpoint, own) = name.split_once('/').map_or((name, None), |(endpoint, own)| (endpoint, Some(own)));
        if !is_name(endpoint) || !own.is_none_or(is_name) {
            return Err(invalid_name(PREFIX, "<endpoint>` or `<endpoint>/<component>", name));
        }
        let part = match (own, component) {
            (Some(own), Some(set)) if own != set => {
                let message = "`model_id` contradicts the inference component in the model's name; remove one";
                return Err(Error::invalid("model_id", message));
            }
            (None, Some(set)) if !is_name(set) => {
                let message = "`model_id` must be 1 to 63 letters, digits and hyphens between them";
                return Err(Error::invalid("model_id", message));
            }
            (own, set) => own.or(set),
        };
        Ok(Address { resource: endpoint, part })
    },
    path: |address, operation| {
        if operation == Operation::Async {
            return Err(no_operation(PREFIX, "asynchronous calls"));
        }
        let mut path = "/endpoints/".to_owned();
        encoded(&mut path, address.resource);
        if let Some(component) = address.part {
            path.push_str("/inference-components/");
            encoded(&mut path, component);
        }
        path.push_str("/openai/v1/chat/completions");
        Ok(path)
    },
    // vLLM refuses the endpoint's name; the empty one is its only model.
    body_model: |_| "",
    keeps_body_model: false,
};
