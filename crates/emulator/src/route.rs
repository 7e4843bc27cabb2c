//! Which operation a request names.
//!
//! Owns the paths of SageMaker; those of the services that issue credentials are in `identity`.
//! Nothing is judged here: a name may still be no endpoint's.

use http::Method;
use percent_encoding::percent_decode_str;

use crate::{
    aws_error::{AwsError, Protocol},
    form::Form,
    operation::Operation,
};

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) operation: Operation,
    /// The endpoint's name, decoded, for the operations that have one.
    pub(crate) endpoint: Option<String>,
    /// How its errors are written.
    pub(crate) protocol: Protocol,
}

impl Route {
    /// By method, path (still percent-encoded) and, for the control plane, the operation in
    /// `X-Amz-Target`. `None` if SageMaker has no such path.
    pub(crate) fn of_sagemaker(method: &Method, path: &str, target: Option<&str>) -> Option<Self> {
        match (path.strip_prefix("/endpoints/"), target) {
            (Some(rest), _) => Some(Self::runtime(method, rest)),
            (None, Some(target)) if path == "/" && method == Method::POST => Some(Self::control_plane(target)),
            _ => None,
        }
    }

    /// The path of no service.
    pub(crate) fn to_nothing() -> Self {
        Self::to(Operation::Unknown)
    }

    pub(crate) fn to(operation: Operation) -> Self {
        Self { operation, endpoint: None, protocol: operation.protocol() }
    }

    fn runtime(method: &Method, rest: &str) -> Self {
        let Some((endpoint, action)) = rest.split_once('/') else { return Self::to(Operation::Unknown) };
        let operation = match action {
            "invocations" => Operation::InvokeEndpoint,
            "invocations-response-stream" => Operation::InvokeEndpointWithResponseStream,
            "async-invocations" => Operation::InvokeEndpointAsync,
            _ => return Self::to(Operation::Unknown),
        };
        if method != Method::POST || endpoint.is_empty() {
            return Self::to(Operation::Unknown);
        }
        Self { endpoint: Some(percent_decode_str(endpoint).decode_utf8_lossy().into_owned()), ..Self::to(operation) }
    }

    fn control_plane(target: &str) -> Self {
        let name = target.strip_prefix("SageMaker.");
        let found = Operation::CONTROL_PLANE.into_iter().find(|operation| Some(operation.as_str()) == name);
        found.map_or(Self { protocol: Protocol::Json11, ..Self::to(Operation::Unknown) }, Self::to)
    }

    /// What is said of a request that names no operation.
    pub(crate) fn unknown(&self, form: &Form) -> AwsError {
        if self.protocol != Protocol::Query {
            return AwsError::unknown_operation();
        }
        let (action, version) = (form.get("Action").unwrap_or_default(), form.get("Version").unwrap_or_default());
        AwsError::front_door("InvalidAction", 400, format!("Could not find operation {action} for version {version}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runtimes_three_paths_and_no_other() {
        let cases = [
            ("/endpoints/llama/invocations", Operation::InvokeEndpoint, "llama"),
            ("/endpoints/llama/invocations-response-stream", Operation::InvokeEndpointWithResponseStream, "llama"),
            ("/endpoints/llama/async-invocations", Operation::InvokeEndpointAsync, "llama"),
            ("/endpoints/bad%20name%2F../invocations", Operation::InvokeEndpoint, "bad name/.."),
        ];
        for (path, operation, endpoint) in cases {
            let route = Route::of_sagemaker(&Method::POST, path, None).unwrap();
            assert_eq!((route.operation, route.endpoint.as_deref()), (operation, Some(endpoint)));
            let got = Route::of_sagemaker(&Method::GET, path, None).unwrap();
            assert_eq!(got.operation, Operation::Unknown);
        }
        for path in [
            "/",
            "/endpoints",
            "/endpoints/",
            "/endpoints//invocations",
            "/endpoints/a",
            "/endpoints/a/b/invocations",
            "/endpoints/a/invocations/",
            "/Endpoints/a/invocations",
        ] {
            let route = Route::of_sagemaker(&Method::POST, path, None);
            assert!(route.is_none_or(|route| route.operation == Operation::Unknown), "{path}");
        }
    }

    #[test]
    fn the_control_plane_s_operations_are_in_a_header() {
        let to = |target| Route::of_sagemaker(&Method::POST, "/", Some(target)).unwrap().operation;
        assert_eq!(to("SageMaker.ListEndpoints"), Operation::ListEndpoints);
        for unknown in ["SageMaker.DeleteEndpoint", "SageMaker.InvokeEndpoint", "Sts.ListEndpoints", ""] {
            assert_eq!(to(unknown), Operation::Unknown, "{unknown}");
        }
    }
}
