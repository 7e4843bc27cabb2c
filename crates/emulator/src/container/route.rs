//! The route of a container that a request asks for.
//!
//! Owns how AWS's vLLM image reads it: <https://github.com/aws/deep-learning-containers/blob/master/scripts/docker/vllm/sagemaker_serve.py>

/// The path in custom attributes such as `accept_eula=true,route=/v1/responses`.
pub(super) fn asked_for(custom_attributes: Option<&str>) -> Option<&str> {
    let (_, route) = custom_attributes?.split_once("route=")?;
    let end = route.find(|character: char| character == ',' || character.is_whitespace()).unwrap_or(route.len());
    route.get(..end).filter(|route| route.len() > 1 && route.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_stands_among_other_attributes() {
        for (attributes, route) in [
            (Some("route=/v1/responses"), Some("/v1/responses")),
            (Some("accept_eula=true,route=/v1/rerank,a=b"), Some("/v1/rerank")),
            (Some("route=/tokenize x"), Some("/tokenize")),
            (Some("route=tokenize"), None),
            (Some("route=/"), None),
            (Some("accept_eula=true"), None),
            (None, None),
        ] {
            assert_eq!(asked_for(attributes), route, "{attributes:?}");
        }
    }
}
