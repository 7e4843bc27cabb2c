//! `application/x-www-form-urlencoded`: queries, and the bodies of the query protocol.
//!
//! Owns decoding. A name that comes twice has its first value.

use percent_encoding::percent_decode_str;

/// The pairs of a form, decoded, in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form {
    pairs: Vec<(String, String)>,
}

impl Form {
    pub(crate) fn parse(text: &str) -> Self {
        let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        });
        Self { pairs: pairs.collect() }
    }

    /// The names, in their order.
    #[cfg(feature = "faults")]
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.pairs.iter().map(|(name, _)| name.as_str())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_decoded() {
        let form = Form::parse("a=1&b%20c=x%2By+z&&a=2&flag");
        assert_eq!(form.get("a"), Some("1"));
        assert_eq!(form.get("b c"), Some("x+y z"));
        assert_eq!(form.get("flag"), Some(""));
        assert_eq!(form.get("none"), None);
    }
}
