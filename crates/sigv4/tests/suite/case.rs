//! One folder of AWS's suite: its request, its context and what it expects.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use http::request::Parts;
use sagewire_sigv4::{SessionTokenMode, SigningParams, SigningSettings};
use serde_json::Value;

/// A case, read from its folder.
pub(crate) struct Case {
    folder: PathBuf,
    context: Value,
    pub(crate) request: RequestText,
    pub(crate) expires_in: Duration,
}

impl Case {
    pub(crate) fn read(folder: &Path) -> Self {
        let context: Value = serde_json::from_str(&read(&folder.join("context.json"))).unwrap();
        let expires_in = Duration::from_secs(context["expiration_in_seconds"].as_u64().unwrap());
        let request = RequestText::parse(&read(&folder.join("request.txt")));
        Self { folder: folder.to_owned(), context, request, expires_in }
    }

    pub(crate) fn params(&self) -> SigningParams<'_> {
        let text = |value: &'static str| self.context[value].as_str().unwrap();
        let credentials = &self.context["credentials"];
        let omit_token = self.context["omit_session_token"].as_bool().unwrap_or(false);
        SigningParams {
            access_key_id: credentials["access_key_id"].as_str().unwrap(),
            secret_access_key: credentials["secret_access_key"].as_str().unwrap(),
            session_token: credentials["token"].as_str(),
            region: text("region"),
            service: text("service"),
            time: UNIX_EPOCH + super::unix_time(text("timestamp")),
            settings: SigningSettings::default()
                .with_normalize_path(self.context["normalize"].as_bool().unwrap())
                .with_sign_body_header(self.context["sign_body"].as_bool().unwrap())
                .with_session_token(if omit_token { SessionTokenMode::Appended } else { SessionTokenMode::Signed })
                // The suite writes paths before any encoding. A space cannot be in a URI: it is
                // encoded already, so not again.
                .with_double_encode_path(!self.request.target.contains("%20")),
        }
    }

    pub(crate) fn expected(&self, place: &str, stage: &str) -> String {
        read(&self.folder.join(format!("{place}-{stage}.txt")))
    }

    pub(crate) fn signed_request(&self, place: &str) -> RequestText {
        RequestText::parse(&self.expected(place, "signed-request"))
    }
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// A request as the suite writes it.
pub(crate) struct RequestText {
    method: String,
    target: String,
    fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl RequestText {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let first = lines.next().unwrap();
        let (method, target) = first.strip_suffix(" HTTP/1.1").unwrap().split_once(' ').unwrap();
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in lines {
            if line.starts_with(' ') {
                // A folded line: RFC 9112 has the receiver put spaces in place of the line's end.
                fields.last_mut().unwrap().1.push_str(line);
            } else {
                let (name, value) = line.split_once(':').unwrap();
                fields.push((name.to_owned(), value.trim().to_owned()));
            }
        }
        Self { method: method.to_owned(), target: target.replace(' ', "%20"), fields, body: body.as_bytes().to_vec() }
    }

    pub(crate) fn head(&self) -> Parts {
        let host = &self.fields.iter().find(|(name, _)| name == "Host").unwrap().1;
        let mut request = http::Request::builder().method(&*self.method).uri(format!("https://{host}{}", self.target));
        for (name, value) in &self.fields {
            request = request.header(name, value);
        }
        request.body(()).unwrap().into_parts().0
    }
}
