//! SageMaker's custom attributes: one header whose text the container sees as a list of names and
//! values, separated by commas.
//!
//! Owns putting it together from several sources within AWS's limit. A value from outside cannot
//! end its entry or begin another one.
//!
//! <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html#API_runtime_InvokeEndpoint_RequestSyntax>

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use sagewire_types::{Error, ErrorKind, TraceContext};

/// The longest value that SageMaker takes, in characters.
pub(crate) const LONGEST: usize = 1024;

/// What would end an entry, begin a value, or make the header invalid; and the mark of the encoding
/// itself.
const ENCODED: &AsciiSet = &CONTROLS.add(b',').add(b'=').add(b'%');

/// How long the four fields of a `traceparent` are. Later versions may say more after them, which
/// is not passed on.
///
/// <https://www.w3.org/TR/trace-context/#versioning-of-traceparent>
const TRACEPARENT: usize = 55;

/// The name under which a container is told which of its routes is asked. Only we write it.
///
/// <https://github.com/aws/deep-learning-containers/blob/master/scripts/docker/vllm/sagemaker_serve.py>
const ROUTE: &str = "route=";

/// The routes of inference that may be asked for: no route that manages a container is among them.
const ROUTES: [&str; 21] = [
    "/classify",
    "/detokenize",
    "/pooling",
    "/rerank",
    "/score",
    "/tokenize",
    "/v1/audio/generate",
    "/v1/audio/speech",
    "/v1/audio/transcriptions",
    "/v1/audio/translations",
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/embeddings",
    "/v1/images/generations",
    "/v1/messages",
    "/v1/messages/count_tokens",
    "/v1/rerank",
    "/v1/responses",
    "/v1/score",
    "/v1/videos/sync",
    "/v2/rerank",
];

/// Whether this can be the path of a container's route, which ends at a blank or a comma.
pub(crate) fn is_route(path: &str) -> bool {
    let is_part = |character: char| character.is_ascii_graphic() && !matches!(character, ',' | '=' | '?' | '#');
    path.len() > 1
        && path.len() <= LONGEST / 4
        && path.starts_with('/')
        && !path.contains("..")
        && path.chars().all(is_part)
}

/// The route of the container's own, and behind it the operator's attributes. `further` are routes
/// that the operator allows beside those of inference.
///
/// # Errors
/// `Unsupported` for a path that is neither, `Configuration` if the operator's attributes leave no
/// room for it.
pub(crate) fn with_route(own: Option<&str>, path: &str, further: &[String]) -> Result<String, Error> {
    let is_allowed = ROUTES.contains(&path) || further.iter().any(|allowed| allowed == path && is_route(path));
    if !is_allowed {
        let shown: String = path.chars().take(64).collect();
        let message = format!(
            "unsupported route `{shown}`; expected one of {}, or one that `further_routes` lists",
            ROUTES.join(", ")
        );
        return Err(Error::new(ErrorKind::Unsupported, message).with_param("path"));
    }
    let own = own.filter(|own| !own.is_empty());
    let attributes = format!("{ROUTE}{path}{}{}", if own.is_some() { "," } else { "" }, own.unwrap_or_default());
    if attributes.len() > LONGEST {
        let message = format!(
            "`custom_attributes` leaves no room for the route `{path}`; shorten it to {} characters",
            LONGEST - ROUTE.len() - path.len() - 1
        );
        return Err(Error::new(ErrorKind::Configuration, message).with_param("custom_attributes"));
    }
    Ok(attributes)
}

/// Whether these attributes would choose a route.
pub(crate) fn choose_route(attributes: &str) -> bool {
    attributes.contains(ROUTE)
}

/// The operator's attributes, and behind them the caller's trace as far as there is room. SageMaker
/// passes no trace headers on.
pub(crate) fn with_trace(own: Option<&str>, trace: &TraceContext) -> Option<String> {
    let mut attributes = own.unwrap_or_default().to_owned();
    let parent = trace.traceparent.get(..TRACEPARENT).unwrap_or(&trace.traceparent);
    for (name, value) in [("traceparent", Some(parent)), ("tracestate", trace.tracestate.as_deref())] {
        let Some(value) = value else { continue };
        let comma = if attributes.is_empty() { "" } else { "," };
        let entry = format!("{comma}{name}={}", utf8_percent_encode(value, ENCODED));
        // Without its parent a state means nothing.
        if attributes.len() + entry.len() > LONGEST {
            break;
        }
        attributes.push_str(&entry);
    }
    (!attributes.is_empty()).then_some(attributes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn trace(traceparent: &str, tracestate: Option<&str>) -> TraceContext {
        TraceContext { traceparent: traceparent.to_owned(), tracestate: tracestate.map(str::to_owned) }
    }

    #[test]
    fn a_trace_stands_behind_the_operators_attributes() {
        assert_eq!(with_trace(None, &trace(PARENT, None)).unwrap(), format!("traceparent={PARENT}"));
        assert_eq!(
            with_trace(Some("accept_eula=true"), &trace(PARENT, Some("v"))).unwrap(),
            format!("accept_eula=true,traceparent={PARENT},tracestate=v")
        );
    }

    #[test]
    fn a_route_stands_before_the_operators_attributes() {
        assert_eq!(with_route(None, "/v1/rerank", &[]).unwrap(), "route=/v1/rerank");
        assert_eq!(
            with_route(Some("accept_eula=true"), "/v1/rerank", &[]).unwrap(),
            "route=/v1/rerank,accept_eula=true"
        );
        for path in ["/metrics", "/v1/load_lora_adapter", "/v1/rerank,a=b", ""] {
            assert_eq!(with_route(None, path, &[]).unwrap_err().kind(), ErrorKind::Unsupported, "{path}");
        }
        let room = LONGEST - "route=/v1/rerank,".len();
        assert_eq!(with_route(Some(&"a".repeat(room)), "/v1/rerank", &[]).unwrap().len(), LONGEST);
        let error = with_route(Some(&"a".repeat(room + 1)), "/v1/rerank", &[]).unwrap_err();
        assert_eq!((error.kind(), error.param()), (ErrorKind::Configuration, Some("custom_attributes")));
        assert!(error.to_string().contains(&format!("{room} characters")), "{error}");
    }

    #[test]
    fn the_operator_may_list_further_routes() {
        let further = ["/v1/guided".to_owned(), "/a,accept_eula=true".to_owned()];
        assert_eq!(with_route(None, "/v1/guided", &further).unwrap(), "route=/v1/guided");
        for path in ["/v1/guide", "/v1/guided/", "/a,accept_eula=true", "/metrics"] {
            assert!(with_route(None, path, &further).is_err(), "{path}");
        }
        for path in ["", "/", "v1", "/a b", "/a,b", "/a=b", "/a?b", "/../admin", "/é", "/a\n"] {
            assert!(!is_route(path), "{path}");
        }
        assert!(is_route("/v1/guided") && !is_route(&format!("/{}", "a".repeat(LONGEST))));
    }

    #[test]
    fn a_trace_cannot_begin_an_attribute_of_its_own() {
        let state = "v=1,tenant=mallory,route=/tokenize,accept_eula=true\t100%é";
        let later_version = PARENT.replacen("00", "01", 1);
        let written = with_trace(
            Some("tenant=alice,accept_eula=false"),
            &trace(&format!("{later_version}-x,tenant=mallory"), Some(state)),
        );
        let written = written.unwrap();
        let entries: Vec<_> = written.split(',').collect();
        assert_eq!(
            entries,
            [
                "tenant=alice",
                "accept_eula=false",
                &format!("traceparent={later_version}"),
                "tracestate=v%3D1%2Ctenant%3Dmallory%2Croute%3D/tokenize%2Caccept_eula%3Dtrue%09100%25%C3%A9",
            ]
        );
    }

    #[test]
    fn what_has_no_room_is_left_out() {
        let own = "a".repeat(LONGEST - PARENT.len() - ",traceparent=".len());
        let written = with_trace(Some(&own), &trace(PARENT, Some("v=1"))).unwrap();
        assert_eq!((written.len(), written.contains("tracestate")), (LONGEST, false));
        let own = format!("{own}a");
        assert_eq!(with_trace(Some(&own), &trace(PARENT, Some("v=1"))).unwrap(), own);
    }
}
