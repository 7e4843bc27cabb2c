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

/// What the paths of OpenAI-compatible routes end in.
pub(crate) const OPENAI: &str = "openai/v1/chat/completions";

const RUNTIME: [(&str, Operation); 4] = [
    ("invocations", Operation::InvokeEndpoint),
    ("invocations-response-stream", Operation::InvokeEndpointWithResponseStream),
    ("async-invocations", Operation::InvokeEndpointAsync),
    (OPENAI, Operation::OpenAiChatCompletions),
];

const ROUTER: [(&str, Operation); 2] =
    [("invocations", Operation::InvokeInferenceRouter), ("async-invocations", Operation::InvokeInferenceRouterAsync)];

const GATEWAY: [(&str, Operation); 2] = [
    ("invocations", Operation::InvokeGlobalInferenceGateway),
    ("invocations-response-stream", Operation::InvokeGlobalInferenceGatewayWithResponseStream),
];

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) operation: Operation,
    /// The name of the endpoint, inference router or gateway, decoded, for the operations that have
    /// one.
    pub(crate) endpoint: Option<String>,
    /// How its errors are written.
    pub(crate) protocol: Protocol,
}

impl Route {
    /// By method, path (still percent-encoded) and, for the control plane, the operation in
    /// `X-Amz-Target`. `None` if SageMaker has no such path.
    pub(crate) fn of_sagemaker(method: &Method, path: &str, target: Option<&str>) -> Option<Self> {
        let router = path.strip_prefix("/inference-routers/");
        let gateway = path.strip_prefix("/global-inference-gateway/");
        match (path.strip_prefix("/endpoints/"), target) {
            (Some(rest), _) => Some(Self::runtime(method, rest)),
            _ if router.is_some() => router.map(|rest| Self::named(method, rest, &ROUTER)),
            _ if gateway.is_some() => gateway.map(|rest| Self::named(method, rest, &GATEWAY)),
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
        // The component stands in the path, where `openai` reads it again.
        let plain = match rest.split_once('/') {
            Some((endpoint, action)) if action.ends_with(OPENAI) => format!("{endpoint}/{OPENAI}"),
            _ => rest.to_owned(),
        };
        Self::named(method, &plain, &RUNTIME)
    }

    /// The operation of `<name>/<action>`.
    fn named(method: &Method, rest: &str, actions: &[(&str, Operation)]) -> Self {
        let found = rest.split_once('/').and_then(|(name, action)| {
            let (_, operation) = actions.iter().find(|(known, _)| *known == action)?;
            (method == Method::POST && !name.is_empty()).then_some((name, *operation))
        });
        let Some((name, operation)) = found else { return Self::to(Operation::Unknown) };
        Self { endpoint: Some(percent_decode_str(name).decode_utf8_lossy().into_owned()), ..Self::to(operation) }
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
            ("/endpoints/llama/openai/v1/chat/completions", Operation::OpenAiChatCompletions, "llama"),
            (
                "/endpoints/llama/inference-components/c/openai/v1/chat/completions",
                Operation::OpenAiChatCompletions,
                "llama",
            ),
            ("/inference-routers/r/invocations", Operation::InvokeInferenceRouter, "r"),
            ("/inference-routers/r/async-invocations", Operation::InvokeInferenceRouterAsync, "r"),
            ("/global-inference-gateway/g1/invocations", Operation::InvokeGlobalInferenceGateway, "g1"),
            (
                "/global-inference-gateway/g1/invocations-response-stream",
                Operation::InvokeGlobalInferenceGatewayWithResponseStream,
                "g1",
            ),
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
