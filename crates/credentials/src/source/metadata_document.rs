//! The JSON in which container agents and the instance metadata service give a role's credentials,
//! or an error.

use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::timestamp::parse_rfc3339;
use crate::{Credentials, CredentialsError, Secret};

/// The texts of a JSON object by their names in lower case, since agents write `AccountId` and
/// `AccountID`, `Code` and `code`. Numbers count as texts; other values are left out.
pub(super) struct MetadataDocument(BTreeMap<String, Secret>);

impl MetadataDocument {
    /// # Errors
    /// If `body` is not a JSON object.
    pub(super) fn parse(body: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(body)
    }

    /// The text called `name`, which is in lower case, unless it is empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(Secret::expose).filter(|text| !text.is_empty())
    }

    /// `Success`, or the code of an error.
    pub(super) fn code(&self) -> Option<&str> {
        self.text("code")
    }

    /// The credentials, with the expiration that the document gives.
    pub(super) fn credentials(&self, from: &str) -> Result<Credentials, CredentialsError> {
        let missing =
            |name: &str| CredentialsError::provider(format!("missing or invalid `{name}` in the answer of {from}"));
        let require = |name: &str| self.text(&name.to_ascii_lowercase()).ok_or_else(|| missing(name));
        let credentials = Credentials::new(require("AccessKeyId")?, require("SecretAccessKey")?)
            .with_session_token(require("Token")?)
            .with_expiry(self.expiration().ok_or_else(|| missing("Expiration"))?);
        Ok(match self.text("accountid") {
            Some(account) => credentials.with_account_id(account),
            None => credentials,
        })
    }

    fn expiration(&self) -> Option<SystemTime> {
        parse_rfc3339(self.text("expiration")?)
    }
}

/// The error of an answer that is not a JSON object. The messages of serde_json quote the input,
/// which may be a key, so only the position is told.
pub(super) fn not_json(from: &str, error: &serde_json::Error) -> CredentialsError {
    let (line, column) = (error.line(), error.column());
    CredentialsError::provider(format!("expected a JSON object from {from} (line {line}, column {column})"))
}

impl<'de> Deserialize<'de> for MetadataDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Texts)
    }
}

struct Texts;

impl<'de> Visitor<'de> for Texts {
    type Value = MetadataDocument;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut texts = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            let text = match map.next_value()? {
                Field::Text(text) => text,
                Field::Number(number) => number.to_string().into(),
                Field::Other(_) => continue,
            };
            texts.insert(name.to_ascii_lowercase(), text);
        }
        Ok(MetadataDocument(texts))
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Field {
    Text(Secret),
    Number(u64),
    Other(IgnoredAny),
}

#[cfg(test)]
mod tests {
    use super::MetadataDocument;

    const WHOLE: &str =
        r#"{"AccessKeyId":"id","SecretAccessKey":"hidden","Token":"hidden","Expiration":"2021-08-16T20:52:53Z"}"#;

    #[test]
    fn names_are_read_in_any_case() {
        for (body, account) in [
            (WHOLE.to_owned(), None),
            (WHOLE.to_lowercase().replace("t20:52:53z", "T20:52:53Z"), None),
            (WHOLE.replace("\"Token\"", "\"AccountID\":\"123456789012\",\"TOKEN\""), Some("123456789012")),
            (WHOLE.replace("\"Token\"", "\"AccountId\":123456789012,\"Other\":[1],\"token\""), Some("123456789012")),
        ] {
            let keys = MetadataDocument::parse(body.as_bytes()).unwrap().credentials("it").unwrap();
            assert_eq!((keys.access_key_id(), keys.session_token()), ("id", Some("hidden")), "{body}");
            assert_eq!(keys.account_id(), account, "{body}");
        }
    }

    #[test]
    fn every_part_is_needed_and_nothing_is_quoted() {
        for name in ["AccessKeyId", "SecretAccessKey", "Token", "Expiration"] {
            for body in [WHOLE.replace(name, "Other"), WHOLE.replace(&format!("\"{name}\":"), "\"a\":1,\"b\":")] {
                let error = MetadataDocument::parse(body.as_bytes()).unwrap().credentials("it").unwrap_err();
                assert!(error.to_string().contains(name), "{error}");
                assert!(!format!("{error:?}").contains("hidden"));
            }
        }
        for body in ["hidden", r#"["hidden"]"#, r#"{"Code": 5, "Token":"hidden"#] {
            let error = super::not_json("it", &MetadataDocument::parse(body.as_bytes()).err().unwrap());
            assert!(!format!("{error} {error:?}").contains("hidden"), "{error}");
        }
    }
}
