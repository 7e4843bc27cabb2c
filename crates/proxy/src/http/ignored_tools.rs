//! Tools that a request names and no container runs, such as a provider's own web search.
//!
//! Agents send them by default: they are left out, and the answer says so, unless `strict_tools` is
//! set.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Exchange, error::ApiError};

/// Names the tools that were left out.
const HEADER: HeaderName = HeaderName::from_static("x-sagewire-ignored-tools");

/// The most names in the header.
const MOST: usize = 32;

/// Refuses them if the operator wants that.
pub(super) fn check(exchange: &Exchange, ignored: &[String]) -> Result<(), ApiError> {
    if ignored.is_empty() || !exchange.state.settings.strict_tools {
        return Ok(());
    }
    let message = format!(
        "unsupported tools in `tools`: {}; a model on SageMaker can only call tools that the caller runs, so remove them",
        shown(ignored)
    );
    Err(ApiError::invalid(Some("tools"), message))
}

/// Tells the caller and the log which tools were left out.
pub(super) fn tell(exchange: &Exchange, ignored: &[String], headers: &mut HeaderMap) {
    if ignored.is_empty() {
        return;
    }
    let names = shown(ignored);
    tracing::info!(target: "sagewire::proxy", request_id = exchange.request_id(), tools = names, "tools were left out");
    if let Ok(names) = HeaderValue::from_str(&names) {
        headers.insert(HEADER, names);
    }
}

/// The names as far as a header can carry them.
fn shown(ignored: &[String]) -> String {
    let plain = |name: &&String| {
        (1..=64).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':'))
    };
    let names: Vec<_> = ignored.iter().filter(plain).map(String::as_str).take(MOST).collect();
    if names.is_empty() { "unknown".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_no_header_can_carry_are_left_out() {
        let names = ["web_search", "a\r\nb", "", "x, y", &"z".repeat(65), "file_search"].map(str::to_owned);
        assert_eq!(shown(&names), "web_search, file_search");
        assert_eq!(shown(&["\n".to_owned()]), "unknown");
    }
}
