//! The caller's place in a distributed trace.
//!
//! Owns reading [W3C's headers](https://www.w3.org/TR/trace-context/), and which of them count. What is made of them is `span`'s and the
//! wiring's.

use http::HeaderMap;
use sagewire_types::TraceContext;

/// The longest state that is passed on. The recommendation asks for [512 characters](https://www.w3.org/TR/trace-context/#tracestate-limits) at least.
const LONGEST_STATE: usize = 512;

/// The trace of these headers; `None` where there is none, or one that is no trace: then its state
/// means nothing either.
pub(crate) fn of(headers: &HeaderMap) -> Option<TraceContext> {
    let mut parents = headers.get_all("traceparent").iter();
    let traceparent = parents.next()?.to_str().ok()?;
    // A request has one parent: of two, none can be believed.
    if parents.next().is_some() || !is_valid(traceparent) {
        return None;
    }
    Some(TraceContext { traceparent: traceparent.to_owned(), tracestate: state(headers) })
}

/// The state, as it came; several headers are one list.
fn state(headers: &HeaderMap) -> Option<String> {
    let parts: Vec<&str> =
        headers.get_all("tracestate").iter().map(|part| part.to_str().ok()).collect::<Option<_>>()?;
    let state = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(",");
    (!state.is_empty() && state.len() <= LONGEST_STATE).then_some(state)
}

/// <https://www.w3.org/TR/trace-context/#traceparent-header-field-values>
fn is_valid(traceparent: &str) -> bool {
    let mut parts = traceparent.split('-');
    let mut hexadecimal = |length: usize| {
        parts.next().filter(|part| {
            part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        })
    };
    let is_something = |id: &str| id.bytes().any(|digit| digit != b'0');
    let Some(version) = hexadecimal(2).filter(|version| *version != "ff") else { return false };
    hexadecimal(32).is_some_and(is_something)
        && hexadecimal(16).is_some_and(is_something)
        && hexadecimal(2).is_some()
        // Later versions may say more after these.
        && (version != "00" || parts.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn with(pairs: &[(&'static str, &str)]) -> Option<TraceContext> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        of(&headers)
    }

    #[test]
    fn a_trace_counts_only_where_it_is_one() {
        for good in [GOOD, &format!("cc{}-what-the-future-holds", GOOD.trim_start_matches("00"))] {
            assert_eq!(with(&[("traceparent", good)]).unwrap().traceparent, good);
        }
        for bad in [
            "",
            "00-x",
            &GOOD.to_uppercase(),
            &GOOD.replace("-01", ""),
            &format!("{GOOD}-x"),
            GOOD.trim_start_matches('0'),
            &GOOD.replace("00-4bf", "ff-4bf"),
            &GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &GOOD.replace("00f067aa0ba902b7", &"0".repeat(16)),
        ] {
            assert_eq!(with(&[("traceparent", bad), ("tracestate", "a=b")]), None, "{bad}");
        }
        assert_eq!(with(&[("traceparent", GOOD), ("traceparent", GOOD)]), None);
        assert_eq!(with(&[("tracestate", "a=b")]), None);
    }

    #[test]
    fn the_state_is_kept_as_it_came_and_several_headers_are_one() {
        let state = |states: &[&str]| {
            let parts: Vec<_> =
                states.iter().map(|state| ("tracestate", *state)).chain([("traceparent", GOOD)]).collect();
            with(&parts).unwrap().tracestate
        };
        assert_eq!(state(&["rojo=00f067, congo=t61"]).as_deref(), Some("rojo=00f067, congo=t61"));
        assert_eq!(state(&["rojo=1", "", "congo=2"]).as_deref(), Some("rojo=1,congo=2"));
        assert_eq!((state(&[]), state(&[""]), state(&["a=é"])), (None, None, None));
        assert_eq!(state(&[&format!("a={}", "x".repeat(511))]), None);
    }
}
