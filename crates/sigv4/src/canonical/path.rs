//! The canonical path: dot segments removed, then encoded once more, where the settings say so.

use super::push_encoded;
use crate::SigningSettings;

/// Appends the canonical form of a URI's path.
pub(crate) fn write(out: &mut String, path: &str, settings: &SigningSettings) {
    let path = if path.is_empty() { "/" } else { path };
    if !settings.normalize_path {
        push(out, path, settings);
    } else if needs_normalizing(path) {
        write_normalized(out, path, settings);
    } else {
        if !path.starts_with('/') {
            out.push('/');
        }
        push(out, path, settings);
    }
}

fn push(out: &mut String, text: &str, settings: &SigningSettings) {
    if settings.double_encode_path {
        push_encoded(out, text.as_bytes(), true);
    } else {
        out.push_str(text);
    }
}

/// Whether a segment is empty or starts with a dot. A path that only holds names is never taken
/// apart.
fn needs_normalizing(path: &str) -> bool {
    let mut before = b'/';
    for (index, byte) in path.bytes().enumerate() {
        if before == b'/' && (byte == b'.' || (byte == b'/' && index > 0)) {
            return true;
        }
        before = byte;
    }
    false
}

/// [RFC 3986, 5.2.4](https://www.rfc-editor.org/rfc/rfc3986#section-5.2.4), and empty segments go
/// too.
fn write_normalized(out: &mut String, path: &str, settings: &SigningSettings) {
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            name => segments.push(name),
        }
    }
    for segment in &segments {
        out.push('/');
        push(out, segment, settings);
    }
    let ends_a_folder = matches!(path.rsplit('/').next(), Some("" | "." | ".."));
    if segments.is_empty() || ends_a_folder {
        out.push('/');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(path: &str, settings: SigningSettings) -> String {
        let mut out = String::new();
        write(&mut out, path, &settings);
        out
    }

    #[test]
    fn removes_dots_and_empty_segments() {
        for (path, expected) in [
            ("", "/"),
            ("/", "/"),
            ("*", "/%2A"),
            ("/a/b", "/a/b"),
            ("/a/b/", "/a/b/"),
            ("//a//b//", "/a/b/"),
            ("/./a/./b", "/a/b"),
            ("/a/b/.", "/a/b/"),
            ("/a/b/..", "/a/"),
            ("/a/../..", "/"),
            ("/../../a", "/a"),
            ("/a/...", "/a/..."),
            ("/.hidden/a.b", "/.hidden/a.b"),
            ("/a/%2E%2E/b", "/a/%252E%252E/b"),
        ] {
            assert_eq!(canonical(path, SigningSettings::default()), expected, "{path}");
        }
    }

    #[test]
    fn encodes_once_more_or_not_at_all() {
        let path = "/a%20b/@c:d//é";
        assert_eq!(canonical(path, SigningSettings::default()), "/a%2520b/%40c%3Ad/%C3%A9");
        assert_eq!(canonical(path, SigningSettings::s3()), path);
        assert_eq!(canonical(path, SigningSettings::default().with_normalize_path(false)), "/a%2520b/%40c%3Ad//%C3%A9");
    }
}
