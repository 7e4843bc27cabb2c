//! Texts without what tells where things are: ARNs, URLs, hosts, paths and account ids.
//!
//! Owns how these are recognized. Names that look like any other word are `disclosure`'s.

use super::disclosure::is_word;

/// The last labels that make a dotted name a host's.
const TOP_LEVELS: &[&str] = &[
    "com",
    "net",
    "org",
    "io",
    "ai",
    "dev",
    "aws",
    "cn",
    "internal",
    "intranet",
    "corp",
    "lan",
    "local",
    "localdomain",
];

/// The text without what tells where things are.
pub(super) fn scrub(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = None;
    while let Some(next) = rest.chars().next() {
        let (length, shown) = match sensitive(rest, before) {
            Some((length, shown)) => {
                clean.push_str(shown);
                (length, true)
            }
            None => (next.len_utf8(), false),
        };
        let (taken, remaining) = rest.split_at_checked(length).unwrap_or((rest, ""));
        if !shown {
            clean.push_str(taken);
        }
        before = taken.chars().next_back();
        rest = remaining;
    }
    clean
}

/// How long the sensitive part is that the text begins with, and what is shown in its place.
fn sensitive(text: &str, before: Option<char>) -> Option<(usize, &'static str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 12 && !before.is_some_and(|c| c.is_ascii_digit()) {
        let after = text.get(digits..).and_then(|rest| rest.chars().next());
        if !before.is_some_and(char::is_alphabetic) && !after.is_some_and(char::is_alphabetic) {
            return Some((digits, "[account]"));
        }
    }
    // All others begin a word.
    if before.is_some_and(is_word) {
        return None;
    }
    let token = text.find(|c: char| c.is_whitespace() || "\"'`<>(),;".contains(c)).unwrap_or(text.len());
    let token = text.get(..token)?;
    if begins_with(token, "arn:") {
        return Some((token.len(), "[arn]"));
    }
    if token.split_once("://").is_some_and(|(scheme, _)| !scheme.is_empty() && scheme.bytes().all(is_scheme)) {
        return Some((token.len(), "[url]"));
    }
    if is_path(token) && !before.is_some_and(|c| c == '/' || c == '.') {
        let length = token.trim_end_matches([':', '.']).len();
        return Some((length, "[path]"));
    }
    let host = token
        .find(|c: char| !(c.is_ascii_alphanumeric() || ".-".contains(c)))
        .map_or(token, |end| token.get(..end).unwrap_or_default());
    let host = host.trim_end_matches(['.', '-']);
    if before != Some('.') && is_host(host) {
        let port = token.get(host.len()..).and_then(|rest| rest.strip_prefix(':')).unwrap_or_default();
        let port = port.bytes().take_while(u8::is_ascii_digit).count();
        return Some((host.len() + if port > 0 { port + 1 } else { 0 }, "[host]"));
    }
    None
}

fn begins_with(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|found| found.eq_ignore_ascii_case(start))
}

fn is_scheme(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+.-".contains(&byte)
}

/// Whether this is a path of a file: from the root with at least two parts, from a home, or from a
/// drive.
fn is_path(token: &str) -> bool {
    let parts = |path: &str| path.split('/').filter(|part| !part.is_empty()).count();
    let mut chars = token.chars();
    match (chars.next(), chars.next(), chars.next()) {
        (Some('/'), Some(next), _) if next != '/' => parts(token) >= 2,
        (Some('~'), Some('/'), _) => true,
        (Some(drive), Some(':'), Some('\\')) => drive.is_ascii_alphabetic(),
        _ => false,
    }
}

/// Whether this is an address, or a name that ends as hosts' do.
fn is_host(name: &str) -> bool {
    let labels: Vec<&str> = name.split('.').collect();
    if name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::Ipv4Addr>().is_ok() {
        return true;
    }
    let last = labels.last().copied().unwrap_or_default();
    labels.len() >= 2
        && labels.iter().all(|label| !label.is_empty())
        && TOP_LEVELS.iter().any(|level| level.eq_ignore_ascii_case(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_where_things_are_is_taken_out() {
        for (text, clean) in [
            ("123456789012", "[account]"),
            ("(arn:aws:iam::1:x)", "([arn])"),
            ("ARN:aws:iam::1:x and HTTPS://a.b/c?d=e, too", "[arn] and [url], too"),
            ("s3://sagemaker-us-east-1-123456789012/model.tar.gz", "[url]"),
            ("bucket sagemaker-us-east-1-123456789012 is gone", "bucket sagemaker-us-east-1-[account] is gone"),
            ("file /opt/ml/model/a.py: not found", "file [path]: not found"),
            ("in ~/models and C:\\models\\x", "in [path] and [path]"),
            ("`/srv/templates/a.jinja` cannot be read", "`[path]` cannot be read"),
            ("at ip-10-0-0-1.ec2.internal:8080 or 10.0.3.7 or localhost:80", "at [host] or [host] or [host]"),
            ("runtime.sagemaker.us-east-1.amazonaws.com refused", "[host] refused"),
        ] {
            assert_eq!(scrub(text), clean);
        }
    }

    #[test]
    fn words_that_say_something_stay() {
        for text in [
            "",
            "é",
            "日本",
            "messages.0.content must be a text",
            "1234567890123",
            "a1234567890123",
            "`sagemaker/my-endpoint` is gone: use and/or name it",
            "0.5 is no number. Use 1.0",
            "3/4",
            "e.g. this",
        ] {
            assert_eq!(scrub(text), text);
        }
    }
}
