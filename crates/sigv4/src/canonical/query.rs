//! The canonical query: every name and value decoded, encoded by SigV4's rule, and sorted.
//!
//! As AWS's own signers do, `+` counts as a space, a name without `=` gets an empty value, and
//! empty pieces between `&` vanish.

use std::borrow::Cow;

use super::{
    Form, REDACTED,
    encode::{is_unreserved, push_encoded},
};

/// The query parameters that presigning writes. Older ones of these names are replaced.
pub(crate) const SIGNING_PARAMETERS: [&str; 7] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-SignedHeaders",
    "X-Amz-Expires",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
];

/// Those of them that let a reader act in the signer's name.
const SENSITIVE_PARAMETERS: [&str; 2] = ["X-Amz-Security-Token", "X-Amz-Signature"];

/// Appends the canonical form of these query strings, taken as one.
pub(crate) fn write(out: &mut String, queries: &[&str], form: Form) {
    let mut pairs: Vec<_> = queries.iter().flat_map(|query| pairs(query)).collect();
    // By name, then by value, each in its encoded form.
    pairs.sort_unstable();
    for (index, (name, value)) in pairs.iter().enumerate() {
        if index > 0 {
            out.push('&');
        }
        out.push_str(name);
        out.push('=');
        let hide = form == Form::Redacted && SENSITIVE_PARAMETERS.contains(&name.as_ref());
        out.push_str(if hide { REDACTED } else { value });
    }
}

/// The query without the parameters of an earlier presigning.
pub(crate) fn without_signing_parameters(query: &str) -> Cow<'_, str> {
    let is_kept = |piece: &&str| {
        let name = piece.split_once('=').map_or(*piece, |(name, _)| name);
        !SIGNING_PARAMETERS.contains(&canonical_component(name).as_ref())
    };
    if query.split('&').all(|piece| is_kept(&piece)) {
        return Cow::Borrowed(query);
    }
    let kept: Vec<_> = query.split('&').filter(is_kept).collect();
    Cow::Owned(kept.join("&"))
}

/// Names and values in their canonical encoding, in the order of the query.
fn pairs(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    query.split('&').filter(|piece| !piece.is_empty()).map(|piece| {
        let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
        (canonical_component(name), canonical_component(value))
    })
}

/// Decodes a name or value and encodes it by SigV4's rule; borrowed where nothing changes.
fn canonical_component(text: &str) -> Cow<'_, str> {
    if text.bytes().all(is_unreserved) {
        return Cow::Borrowed(text);
    }
    let mut encoded = String::with_capacity(text.len() + text.len() / 2);
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        let decoded = match (byte, after) {
            (b'+', _) => b' ',
            (b'%', [high, low, after_digits @ ..]) => match (hex_value(*high), hex_value(*low)) {
                (Some(high), Some(low)) => {
                    rest = after_digits;
                    high << 4 | low
                }
                // A percent sign without two digits stands for itself.
                _ => b'%',
            },
            (byte, _) => *byte,
        };
        push_encoded(&mut encoded, &[decoded], false);
    }
    Cow::Owned(encoded)
}

fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(queries: &[&str]) -> String {
        let mut out = String::new();
        write(&mut out, queries, Form::Exact);
        out
    }

    #[test]
    fn encodes_and_sorts() {
        for (query, expected) in [
            ("", ""),
            ("&&", ""),
            ("b&a", "a=&b="),
            ("=x", "=x"),
            ("a=2&a=1&A=3", "A=3&a=1&a=2"),
            ("a=b=c", "a=b%3Dc"),
            ("a=x+y%20z", "a=x%20y%20z"),
            ("a=%2f%7e%41", "a=%2F~A"),
            ("a=%&b=%4&c=%zz", "a=%25&b=%254&c=%25zz"),
            ("ሴ=é", "%E1%88%B4=%C3%A9"),
            // Bytes that are no UTF-8 stay what they are.
            ("a=%FF%fe", "a=%FF%FE"),
            // Sorted by what is compared, the encoded text: `%` comes before the letters.
            ("a=1&é=2", "%C3%A9=2&a=1"),
            ("a-b=1&a=2", "a=2&a-b=1"),
        ] {
            assert_eq!(canonical(&[query]), expected, "{query}");
        }
        assert_eq!(canonical(&["b=1", "a=2"]), "a=2&b=1");
    }

    #[test]
    fn hides_the_token_and_an_older_signature() {
        let mut out = String::new();
        write(&mut out, &["X-Amz-Security-Token=tok&X-Amz-Signature=sig&a=1"], Form::Redacted);
        assert_eq!(out, "X-Amz-Security-Token=[redacted]&X-Amz-Signature=[redacted]&a=1");
    }

    #[test]
    fn removes_an_earlier_presigning_however_it_is_encoded() {
        assert!(matches!(without_signing_parameters("a=1&&b"), Cow::Borrowed("a=1&&b")));
        assert_eq!(without_signing_parameters("a=+&X-Amz-Date=1&X%2DAmz%2dSignature=2&b=%zz"), "a=+&b=%zz");
        assert_eq!(without_signing_parameters("X-Amz-Expires"), "");
        assert_eq!(without_signing_parameters("x-amz-date=1"), "x-amz-date=1");
    }
}
