//! SageMaker Runtime: endpoints, called one by one.
//!
//! <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Operations_Amazon_SageMaker_Runtime.html>

use std::time::Duration;

use sagewire_credentials::endpoint::Service;

use super::{Address, Authentication, Door, ErrorForm, encoded};
use crate::request::{Operation, headers};

pub(super) const DOOR: Door = Door {
    prefix: "sagemaker",
    service: Service::SageMakerRuntime,
    authentication: Authentication::Signature,
    chat: None,
    embeddings: None,
    only_chat: false,
    streams: true,
    // SageMaker gives a container 60 seconds.
    first_byte: Duration::from_secs(70),
    errors: ErrorForm::Aws,
    not_repeated: &[],
    takes: |parameter, operation| {
        parameter != headers::CUSTOMER_IDENTITY_TOKEN
            && (operation != Operation::Async || headers::ON_ASYNC.contains(&parameter))
    },
    part_header: None,
    component_in_path: false,
    speaks_openai: false,
    renames_accept: true,
    // The name is checked before, unless a URL takes its place.
    address: |name, _| Ok(Address { resource: name, part: None }),
    path: |address, operation| {
        let mut path = String::with_capacity(address.resource.len() + 40);
        path.push_str("/endpoints/");
        encoded(&mut path, address.resource);
        path.push_str(match operation {
            Operation::Invoke => "/invocations",
            Operation::Stream => "/invocations-response-stream",
            Operation::Async => "/async-invocations",
        });
        Ok(path)
    },
    body_model: |address| address.resource,
    keeps_body_model: false,
};
