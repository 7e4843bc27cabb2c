//! Which operation a request names.
//!
//! Owns the paths of every emulated service. Nothing is judged here: a name may still be no endpoint's.

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
    /// By method, path (still percent-encoded) and, for STS, the action in a form, for the control plane the operation in `X-Amz-Target`.
    /// `container` is the path of the container's credentials.
    pub(crate) fn new(method: &Method, path: &str, form: &Form, target: Option<&str>, container: &str) -> Self {
        let get = method == Method::GET;
        let post = method == Method::POST;
        if let Some(rest) = path.strip_prefix("/endpoints/") {
            return Self::runtime(method, rest);
        }
        if get && path == container {
            return Self::to(Operation::ContainerCredentials);
        }
        match path {
            "/" if post && target.is_some() => Self::control_plane(target.unwrap_or_default()),
            "/" if post || get => Self::sts(form.get("Action")),
            "/latest/api/token" if method == Method::PUT => Self::to(Operation::InstanceMetadataToken),
            "/federation/credentials" if get => Self::to(Operation::GetRoleCredentials),
            "/token" if post => Self::to(Operation::CreateToken),
            _ if get && path.starts_with("/latest/") => Self::to(Operation::InstanceMetadata),
            _ => Self::to(Operation::Unknown),
        }
    }

    fn to(operation: Operation) -> Self {
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

    fn sts(action: Option<&str>) -> Self {
        match action {
            Some("AssumeRole") => Self::to(Operation::AssumeRole),
            Some("AssumeRoleWithWebIdentity") => Self::to(Operation::AssumeRoleWithWebIdentity),
            Some("GetCallerIdentity") => Self::to(Operation::GetCallerIdentity),
            Some(_) => Self { protocol: Protocol::Query, ..Self::to(Operation::Unknown) },
            None => Self::to(Operation::Unknown),
        }
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

    fn routed(method: &Method, path: &str, form: &str) -> Route {
        Route::new(method, path, &Form::parse(form), None, "/credentials")
    }

    #[test]
    fn the_runtimes_three_paths_and_no_other() {
        let cases = [
            ("/endpoints/llama/invocations", Operation::InvokeEndpoint, "llama"),
            ("/endpoints/llama/invocations-response-stream", Operation::InvokeEndpointWithResponseStream, "llama"),
            ("/endpoints/llama/async-invocations", Operation::InvokeEndpointAsync, "llama"),
            ("/endpoints/bad%20name%2F../invocations", Operation::InvokeEndpoint, "bad name/.."),
        ];
        for (path, operation, endpoint) in cases {
            let route = routed(&Method::POST, path, "");
            assert_eq!((route.operation, route.endpoint.as_deref()), (operation, Some(endpoint)));
            assert_eq!(routed(&Method::GET, path, "").operation, Operation::Unknown);
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
            assert_eq!(routed(&Method::POST, path, "").operation, Operation::Unknown, "{path}");
        }
    }

    #[test]
    fn every_identity_service_has_its_place() {
        let cases = [
            (Method::POST, "/", "Action=AssumeRole", Operation::AssumeRole),
            (Method::POST, "/", "Action=AssumeRoleWithWebIdentity", Operation::AssumeRoleWithWebIdentity),
            (Method::GET, "/", "Action=GetCallerIdentity", Operation::GetCallerIdentity),
            (Method::PUT, "/latest/api/token", "", Operation::InstanceMetadataToken),
            (Method::GET, "/latest/meta-data/placement/region", "", Operation::InstanceMetadata),
            (Method::GET, "/credentials", "", Operation::ContainerCredentials),
            (Method::POST, "/credentials", "", Operation::Unknown),
            (Method::GET, "/federation/credentials", "", Operation::GetRoleCredentials),
            (Method::POST, "/token", "", Operation::CreateToken),
            (Method::PUT, "/", "Action=AssumeRole", Operation::Unknown),
        ];
        for (method, path, form, operation) in cases {
            assert_eq!(routed(&method, path, form).operation, operation, "{method} {path}");
        }
    }

    #[test]
    fn an_unknown_action_is_told_in_stss_words() {
        let form = Form::parse("Action=Dance&Version=2011-06-15");
        let error = Route::new(&Method::POST, "/", &form, None, "/credentials").unknown(&form);
        assert_eq!((error.code(), error.status()), ("InvalidAction", 400));
        assert_eq!(error.message(), Some("Could not find operation Dance for version 2011-06-15"));
    }

    #[test]
    fn the_control_plane_s_operations_are_in_a_header() {
        let to = |target| Route::new(&Method::POST, "/", &Form::default(), Some(target), "/credentials").operation;
        assert_eq!(to("SageMaker.ListEndpoints"), Operation::ListEndpoints);
        for unknown in ["SageMaker.DeleteEndpoint", "SageMaker.InvokeEndpoint", "Sts.ListEndpoints", ""] {
            assert_eq!(to(unknown), Operation::Unknown, "{unknown}");
        }
    }
}
