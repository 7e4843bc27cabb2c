//! Global inference gateways: OpenAI's bodies, routed by the model that they name, over `HyperPod`
//! clusters.
//!
//! From the service model of SageMaker Gateway Runtime (2026-10-01); not tried on AWS.

use std::time::Duration;

use sagewire_credentials::endpoint::Service;
use sagewire_dialects::{ChatDialect, EmbeddingDialect};

use super::{Address, Authentication, Door, ErrorForm, encoded, invalid_name, no_operation};
use crate::request::{Operation, headers};

const PREFIX: &str = "sagemaker_gateway";

/// The longest id that the service model allows.
const LONGEST_ID: usize = 64;

pub(super) const DOOR: Door = Door {
    prefix: PREFIX,
    service: Service::GatewayRuntime,
    authentication: Authentication::Signature,
    chat: Some(ChatDialect::Messages),
    embeddings: Some(EmbeddingDialect::OpenAi),
    only_chat: false,
    streams: true,
    first_byte: Duration::from_secs(70),
    errors: ErrorForm::Aws,
    // The model may have the request already: AWS says not to repeat it blindly.
    not_repeated: &[502, 504],
    takes: |parameter, _| parameter == headers::CUSTOMER_IDENTITY_TOKEN,
    part_header: None,
    component_in_path: false,
    speaks_openai: true,
    renames_accept: false,
    address: |name, _| match name.split_once('/') {
        Some((id, model)) if is_id(id) && !model.is_empty() => Ok(Address { resource: id, part: Some(model) }),
        _ => Err(invalid_name(PREFIX, "<gateway id>/<model>", name)),
    },
    path: |address, operation| {
        let mut path = "/global-inference-gateway/".to_owned();
        encoded(&mut path, address.resource);
        path.push_str(match operation {
            Operation::Invoke => "/invocations",
            Operation::Stream => "/invocations-response-stream",
            Operation::Async => return Err(no_operation(PREFIX, "asynchronous calls")),
        });
        Ok(path)
    },
    body_model: |address| address.part.unwrap_or_default(),
    keeps_body_model: true,
};

fn is_id(text: &str) -> bool {
    (1..=LONGEST_ID).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}
