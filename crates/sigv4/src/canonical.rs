//! The canonical request and the string to sign: the texts that AWS rebuilds from what it receives
//! and compares.
//!
//! Owns their layout; the three parts with rules of their own are in `path`, `query` and `headers`.
//! See
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.

use crate::{SigningSettings, canonical::headers::CanonicalHeaders, hex::Hex, input::Scope};

mod encode;
pub(crate) mod headers;
pub(crate) mod path;
pub(crate) mod query;

pub(crate) use encode::push_encoded;

/// The algorithm's name, as it stands in the string to sign, the header and the query.
pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What stands in for a sensitive value in a text meant for people.
const REDACTED: &str = "[redacted]";

/// Whether sensitive values are written out. Only the exact text can be signed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Exact,
    Redacted,
}

/// All that a canonical request is made of, borrowed from the request and the checked input.
pub(crate) struct CanonicalRequest<'a> {
    pub(crate) method: &'a str,
    /// As in the URI, so encoded once.
    pub(crate) path: &'a str,
    /// Query strings, taken together: the request's own, and when presigning the one to be added.
    pub(crate) queries: [&'a str; 2],
    pub(crate) headers: CanonicalHeaders<'a>,
    pub(crate) payload_hash: &'a str,
    pub(crate) settings: &'a SigningSettings,
}

impl CanonicalRequest<'_> {
    /// Appends the canonical request to `out`.
    pub(crate) fn write(&self, out: &mut String, form: Form) {
        out.push_str(self.method);
        out.push('\n');
        path::write(out, self.path, self.settings);
        out.push('\n');
        query::write(out, &self.queries, form);
        out.push('\n');
        self.headers.write(out, form);
        out.push('\n');
        self.headers.write_names(out, ";");
        out.push('\n');
        out.push_str(self.payload_hash);
    }

    /// Bytes that the canonical request and the string to sign take, in nearly every case.
    pub(crate) fn size_hint(&self) -> usize {
        const FIXED_PARTS: usize = 320;
        let [own, added] = self.queries;
        self.path.len() + own.len() + added.len() + self.headers.size_hint() + FIXED_PARTS
    }
}

/// Appends the string to sign for a canonical request with this hash.
pub(crate) fn write_string_to_sign(out: &mut String, scope: &Scope<'_>, canonical_hash: &Hex) {
    for line in [ALGORITHM, "\n", scope.time.timestamp(), "\n"] {
        out.push_str(line);
    }
    scope.write(out, "/");
    out.push('\n');
    out.push_str(canonical_hash.as_str());
}
