//! Which operation a request names.
//!
//! Owns the paths. Nothing is judged here: a name may still be no endpoint's.

use http::Method;
use percent_encoding::percent_decode_str;

use crate::operation::Operation;

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) operation: Operation,
    /// The endpoint's name, decoded, for the operations that have one.
    pub(crate) endpoint: Option<String>,
}

impl Route {
    /// By method and path, the path still percent-encoded.
    pub(crate) fn new(method: &Method, path: &str) -> Self {
        let unknown = Self { operation: Operation::Unknown, endpoint: None };
        let Some((endpoint, action)) = path.strip_prefix("/endpoints/").and_then(|rest| rest.split_once('/')) else {
            return unknown;
        };
        let operation = match action {
            "invocations" => Operation::InvokeEndpoint,
            "invocations-response-stream" => Operation::InvokeEndpointWithResponseStream,
            "async-invocations" => Operation::InvokeEndpointAsync,
            _ => return unknown,
        };
        if method != Method::POST || endpoint.is_empty() {
            return unknown;
        }
        Self { operation, endpoint: Some(percent_decode_str(endpoint).decode_utf8_lossy().into_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_paths_and_no_other() {
        let cases = [
            ("/endpoints/llama/invocations", Operation::InvokeEndpoint, "llama"),
            ("/endpoints/llama/invocations-response-stream", Operation::InvokeEndpointWithResponseStream, "llama"),
            ("/endpoints/llama/async-invocations", Operation::InvokeEndpointAsync, "llama"),
            ("/endpoints/bad%20name%2F../invocations", Operation::InvokeEndpoint, "bad name/.."),
        ];
        for (path, operation, endpoint) in cases {
            let expected = Route { operation, endpoint: Some(endpoint.to_owned()) };
            assert_eq!(Route::new(&Method::POST, path), expected);
            assert_eq!(Route::new(&Method::GET, path).operation, Operation::Unknown);
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
            assert_eq!(Route::new(&Method::POST, path).operation, Operation::Unknown, "{path}");
        }
    }
}
