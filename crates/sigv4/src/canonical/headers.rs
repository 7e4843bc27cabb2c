//! The canonical headers: which are signed, in which order, and how their values are written.
//!
//! Names come in lower case (as `http` keeps them) and sorted. Of a value, white space at the ends
//! goes (HTTP itself does not carry it) and runs of spaces become one; values of one name are
//! joined by commas in the order they are sent.

use http::{HeaderMap, HeaderName, header};

use super::{Form, REDACTED};
use crate::{SigningError, SigningSettings};

pub(crate) const X_AMZ_CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
pub(crate) const X_AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
pub(crate) const X_AMZ_SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// Headers whose value never goes into a text meant for people, besides those marked sensitive.
const SENSITIVE_HEADERS: [&str; 4] =
    ["cookie", "x-amz-security-token", "x-amz-server-side-encryption-customer-key", "authorization"];

/// Headers that AWS's signers leave out of a presigned URL, whose user will not send them.
const UNSIGNED_WHEN_PRESIGNING: [&str; 2] = ["x-amz-user-agent", "x-amz-checksum-mode"];

/// Where the signature goes, and with it which headers the signer itself writes.
#[derive(Clone, Copy)]
pub(crate) enum Placement<'a> {
    /// Into headers, with these values. A token of `None` is absent, or appended unsigned.
    Headers { date: &'a str, token: Option<&'a str>, content_sha256: Option<&'a str> },
    /// Into the query: the signer writes no header.
    Query,
}

impl Placement<'_> {
    /// Whether a header of the request gives way to the signer's own (or to none).
    fn replaces(&self, name: &str) -> bool {
        match self {
            Self::Headers { content_sha256, .. } => match name {
                "x-amz-date" | "x-amz-security-token" => true,
                "x-amz-content-sha256" => content_sha256.is_some(),
                _ => false,
            },
            Self::Query => false,
        }
    }
}

/// The signed headers, sorted. A name that is repeated has its values side by side.
pub(crate) struct CanonicalHeaders<'a> {
    fields: Vec<Field<'a>>,
}

struct Field<'a> {
    name: &'a str,
    value: &'a str,
    sensitive: bool,
    /// Written by the signer: there are no spaces to look for.
    own: bool,
}

impl<'a> CanonicalHeaders<'a> {
    /// Chooses and sorts what is signed of `headers`. `host` is the one to sign where no `Host`
    /// header is set.
    ///
    /// # Errors
    /// [`SigningError::HeaderEncoding`] for a signed value that is not UTF-8.
    pub(crate) fn new(
        headers: &'a HeaderMap,
        host: Option<&'a str>,
        placement: Placement<'a>,
        settings: &SigningSettings,
    ) -> Result<Self, SigningError> {
        const WRITTEN_HERE: usize = 4;
        let mut fields = Vec::with_capacity(headers.len() + WRITTEN_HERE);
        let mut add = |name, value| fields.push(Field { name, value, sensitive: false, own: true });
        if let Some(host) = host {
            add("host", host);
        }
        if let Placement::Headers { date, token, content_sha256 } = placement {
            add("x-amz-date", date);
            if let Some(hash) = content_sha256 {
                add("x-amz-content-sha256", hash);
            }
            if let Some(token) = token {
                add("x-amz-security-token", token);
            }
        }
        for (name, value) in headers {
            if placement.replaces(name.as_str()) || !is_signed(name, placement, settings) {
                continue;
            }
            let text = std::str::from_utf8(value.as_bytes())
                .map_err(|_| SigningError::HeaderEncoding { name: name.as_str().to_owned() })?;
            fields.push(Field {
                name: name.as_str(),
                value: text.trim_matches([' ', '\t']),
                sensitive: value.is_sensitive(),
                own: false,
            });
        }
        // Stable, so that values of one name keep their order.
        fields.sort_by(|a, b| a.name.cmp(b.name));
        Ok(Self { fields })
    }

    /// Appends one line per name.
    pub(super) fn write(&self, out: &mut String, form: Form) {
        for group in self.fields.chunk_by(|a, b| a.name == b.name) {
            for (index, field) in group.iter().enumerate() {
                if index == 0 {
                    out.push_str(field.name);
                }
                out.push(if index == 0 { ':' } else { ',' });
                if form == Form::Redacted && (field.sensitive || SENSITIVE_HEADERS.contains(&field.name)) {
                    out.push_str(REDACTED);
                } else if field.own {
                    out.push_str(field.value);
                } else {
                    push_collapsed(out, field.value);
                }
            }
            out.push('\n');
        }
    }

    /// Appends the signed names, with `separator` between them.
    pub(crate) fn write_names(&self, out: &mut String, separator: &str) {
        let groups = self.fields.chunk_by(|a, b| a.name == b.name);
        for (index, field) in groups.filter_map(|group| group.first()).enumerate() {
            if index > 0 {
                out.push_str(separator);
            }
            out.push_str(field.name);
        }
    }

    /// Bytes that the lines and the names take at most.
    pub(super) fn size_hint(&self) -> usize {
        self.fields.iter().map(|field| 2 * field.name.len() + field.value.len() + 3).sum()
    }
}

fn is_signed(name: &HeaderName, placement: Placement<'_>, settings: &SigningSettings) -> bool {
    if *name == header::HOST || name.as_str().starts_with("x-amz-") {
        return !(matches!(placement, Placement::Query) && UNSIGNED_WHEN_PRESIGNING.contains(&name.as_str()));
    }
    // A second signature over the first could never be verified.
    *name != header::AUTHORIZATION && !settings.unsigned_headers.contains(&name.as_str())
}

/// Appends a value with every run of spaces made one.
fn push_collapsed(out: &mut String, value: &str) {
    for (index, word) in value.split(' ').filter(|word| !word.is_empty()).enumerate() {
        if index > 0 {
            out.push(' ');
        }
        out.push_str(word);
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::UNSIGNED_HEADERS;

    const IN_HEADERS: Placement<'_> = Placement::Headers { date: "D", token: Some("T"), content_sha256: None };

    fn lines(headers: &HeaderMap, placement: Placement<'_>, settings: &SigningSettings, form: Form) -> String {
        let canonical = CanonicalHeaders::new(headers, Some("h"), placement, settings).unwrap();
        let mut out = String::new();
        canonical.write(&mut out, form);
        canonical.write_names(&mut out, ";");
        assert!(form == Form::Redacted || canonical.size_hint() >= out.len());
        out
    }

    fn map(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn sorts_joins_and_collapses() {
        let mut headers = map(&[("x-b", " 2  2 "), ("content-type", "\ttext/plain \t"), ("x-a", "")]);
        headers.append("x-b", HeaderValue::from_static("1"));
        assert_eq!(
            lines(&headers, IN_HEADERS, &SigningSettings::default(), Form::Exact),
            "content-type:text/plain\nhost:h\nx-a:\nx-amz-date:D\nx-amz-security-token:T\nx-b:2 2,1\n\
             content-type;host;x-a;x-amz-date;x-amz-security-token;x-b"
        );
    }

    #[test]
    fn leaves_out_what_others_change_and_replaces_its_own() {
        let mut headers: HeaderMap = UNSIGNED_HEADERS
            .iter()
            .chain(&["x-amz-date", "x-amz-security-token"])
            .map(|name| (HeaderName::from_static(name), HeaderValue::from_static("old")))
            .collect();
        headers.insert("accept", HeaderValue::from_static("a"));
        assert_eq!(
            lines(&headers, IN_HEADERS, &SigningSettings::default(), Form::Exact),
            "accept:a\nhost:h\nx-amz-date:D\nx-amz-security-token:T\naccept;host;x-amz-date;x-amz-security-token"
        );
    }

    #[test]
    fn signs_what_aws_demands_whatever_the_list_says() {
        let settings = SigningSettings::default().with_unsigned_headers(&["host", "x-amz-target", "accept"]);
        let headers = map(&[("x-amz-target", "t"), ("accept", "a"), ("authorization", "z"), ("user-agent", "u")]);
        assert_eq!(
            lines(&headers, Placement::Query, &settings, Form::Exact),
            "host:h\nuser-agent:u\nx-amz-target:t\nhost;user-agent;x-amz-target"
        );
    }

    #[test]
    fn presigning_leaves_out_what_a_browser_will_not_send() {
        let headers = map(&[("x-amz-user-agent", "u"), ("x-amz-checksum-mode", "m"), ("x-amz-date", "caller's")]);
        let settings = SigningSettings::default();
        assert_eq!(
            lines(&headers, Placement::Query, &settings, Form::Exact),
            "host:h\nx-amz-date:caller's\nhost;x-amz-date"
        );
        assert!(lines(&headers, IN_HEADERS, &settings, Form::Exact).contains("x-amz-user-agent:u"));
    }

    #[test]
    fn hides_sensitive_values() {
        let mut headers = map(&[("cookie", "c=1"), ("x-key", "k")]);
        headers.get_mut("x-key").unwrap().set_sensitive(true);
        assert_eq!(
            lines(&headers, IN_HEADERS, &SigningSettings::default(), Form::Redacted),
            "cookie:[redacted]\nhost:h\nx-amz-date:D\nx-amz-security-token:[redacted]\nx-key:[redacted]\n\
             cookie;host;x-amz-date;x-amz-security-token;x-key"
        );
    }

    #[test]
    fn refuses_a_signed_value_that_is_not_utf8() {
        let bytes = HeaderValue::from_bytes(b"\xff").unwrap();
        let headers: HeaderMap = [(HeaderName::from_static("x-a"), bytes.clone())].into_iter().collect();
        let settings = SigningSettings::default();
        assert!(matches!(
            CanonicalHeaders::new(&headers, None, Placement::Query, &settings),
            Err(SigningError::HeaderEncoding { name }) if name == "x-a"
        ));
        let unsigned: HeaderMap = [(header::USER_AGENT, bytes)].into_iter().collect();
        assert!(CanonicalHeaders::new(&unsigned, None, Placement::Query, &settings).is_ok());
    }
}
