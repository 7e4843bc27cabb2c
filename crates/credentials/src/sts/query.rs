//! The AWS Query protocol: parameters as a form in the body of a POST.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

/// All but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A form, which is wiped from memory on drop because it may contain a token.
#[derive(Default)]
pub(super) struct Form(Zeroizing<String>);

impl Form {
    /// A form that calls `action` of STS.
    pub(super) fn new(action: &str) -> Self {
        let mut form = Self::default();
        form.add("Action", action);
        form.add("Version", "2011-06-15");
        form
    }

    pub(super) fn add(&mut self, name: &str, value: &str) {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.0.extend(utf8_percent_encode(name, RESERVED));
        self.0.push('=');
        self.0.extend(utf8_percent_encode(value, RESERVED));
    }

    pub(super) fn add_if_some(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.add(name, value);
        }
    }

    pub(super) fn into_bytes(self) -> bytes::Bytes {
        bytes::Bytes::copy_from_slice(self.0.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::Form;

    #[test]
    fn encodes_all_but_the_unreserved() {
        let mut form = Form::new("AssumeRole");
        form.add("RoleArn", "arn:aws:iam::1:role/a b+c~é");
        form.add_if_some("ExternalId", None);
        assert_eq!(
            form.into_bytes(),
            "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fa%20b%2Bc~%C3%A9"
        );
    }
}
