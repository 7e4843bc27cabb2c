//! The little XML that the query protocol needs.
//!
//! Owns escaping. Which elements there are is decided where answers and errors are written.

/// The namespace of every STS answer.
pub(crate) const STS_NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// `<name>text</name>`, the text escaped.
pub(crate) fn element(name: &str, text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            _ => escaped.push(character),
        }
    }
    format!("<{name}>{escaped}</{name}>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        assert_eq!(element("A", "a<b>&\"c'é"), "<A>a&lt;b&gt;&amp;&quot;c&apos;é</A>");
    }
}
