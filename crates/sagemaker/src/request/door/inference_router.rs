//! Inference routers: AWS chooses the endpoint or component, in any region and account, that
//! answers a target. There are no streams.
//!
//! From the service model of SageMaker Inference Router Runtime (2026-01-01); not tried on AWS.

use std::time::Duration;

use sagewire_credentials::endpoint::Service;
use sagewire_dialects::ChatDialect;

use super::{Address, Authentication, Door, ErrorForm, encoded, invalid_name, is_name, no_operation};
use crate::request::{Operation, headers};

const PREFIX: &str = "sagemaker_router";

pub(super) const DOOR: Door = Door {
    prefix: PREFIX,
    service: Service::InferenceRouterRuntime,
    authentication: Authentication::Signature,
    chat: Some(ChatDialect::Messages),
    embeddings: None,
    only_chat: false,
    streams: false,
    // The router gives each of two attempts 60 seconds. AWS asks clients to wait 170.
    first_byte: Duration::from_secs(170),
    errors: ErrorForm::Aws,
    not_repeated: &[],
    takes: |parameter, operation| {
        headers::ON_ASYNC.contains(&parameter) || (parameter == "prefix_aware_id" && operation == Operation::Invoke)
    },
    part_header: Some("x-amzn-sagemaker-routing-target-name"),
    component_in_path: false,
    speaks_openai: false,
    renames_accept: true,
    address: |name, _| match name.split_once('/') {
        Some((router, target)) if is_name(router) && is_name(target) => {
            Ok(Address { resource: router, part: Some(target) })
        }
        _ => Err(invalid_name(PREFIX, "<router>/<target>", name)),
    },
    path: |address, operation| {
        let mut path = "/inference-routers/".to_owned();
        encoded(&mut path, address.resource);
        path.push_str(match operation {
            Operation::Invoke => "/invocations",
            Operation::Async => "/async-invocations",
            Operation::Stream => return Err(no_operation(PREFIX, "streams")),
        });
        Ok(path)
    },
    body_model: |address| address.part.unwrap_or_default(),
    keeps_body_model: false,
};
