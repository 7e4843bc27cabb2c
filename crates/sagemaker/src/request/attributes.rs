//! SageMaker's custom attributes: one header whose text the container sees as a list of names and values, separated by commas.
//!
//! Owns putting it together from several sources within AWS's limit. A value from outside cannot end its entry or begin another one.
//!
//! <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html#API_runtime_InvokeEndpoint_RequestSyntax>

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use sagewire_types::TraceContext;

/// The longest value that SageMaker takes, in characters.
pub(crate) const LONGEST: usize = 1024;

/// What would end an entry, begin a value, or make the header invalid; and the mark of the encoding itself.
const ENCODED: &AsciiSet = &CONTROLS.add(b',').add(b'=').add(b'%');

/// How long the four fields of a `traceparent` are. Later versions may say more after them, which is not passed on.
///
/// <https://www.w3.org/TR/trace-context/#versioning-of-traceparent>
const TRACEPARENT: usize = 55;

/// The operator's attributes, and behind them the caller's trace as far as there is room. SageMaker passes no trace headers on.
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
