//! The JSON in which container agents and the instance metadata service hand out a role's credentials.

use std::time::SystemTime;

use serde::Deserialize;

use crate::timestamp::parse_rfc3339;
use crate::{Credentials, CredentialsError, Secret};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct MetadataDocument {
    /// The instance metadata service's verdict, `Success` or a word for what is wrong.
    pub(super) code: Option<String>,
    access_key_id: Option<String>,
    secret_access_key: Option<Secret>,
    token: Option<Secret>,
    expiration: Option<String>,
    account_id: Option<String>,
}

impl MetadataDocument {
    pub(super) fn parse(from: &str, body: &[u8]) -> Result<Self, CredentialsError> {
        serde_json::from_slice(body).map_err(|error| not_json(from, &error))
    }

    pub(super) fn expiration(&self) -> Option<SystemTime> {
        parse_rfc3339(self.expiration.as_deref()?)
    }

    /// The credentials, with the expiration as it stands in the document.
    pub(super) fn credentials(&self, from: &str) -> Result<Credentials, CredentialsError> {
        let missing = |what: &str| CredentialsError::provider(format!("{from} answered without a usable `{what}`."));
        let key_id = self.access_key_id.as_deref().ok_or_else(|| missing("AccessKeyId"))?;
        let secret = self.secret_access_key.as_ref().ok_or_else(|| missing("SecretAccessKey"))?;
        let token = self.token.as_ref().ok_or_else(|| missing("Token"))?;
        let expiration = self.expiration().ok_or_else(|| missing("Expiration"))?;
        let credentials =
            Credentials::new(key_id, secret.expose()).with_session_token(token.expose()).with_expiry(expiration);
        Ok(match &self.account_id {
            Some(account) => credentials.with_account_id(account.as_str()),
            None => credentials,
        })
    }
}

/// serde_json's messages quote what they stumble over, which may be a key: only the place is told.
pub(super) fn not_json(from: &str, error: &serde_json::Error) -> CredentialsError {
    CredentialsError::provider(format!(
        "{from} answered something other than the JSON of credentials (line {}, column {}).",
        error.line(),
        error.column()
    ))
}

#[cfg(test)]
mod tests {
    use super::MetadataDocument;

    #[test]
    fn every_part_is_needed_and_nothing_is_quoted() {
        let whole =
            r#"{"AccessKeyId":"id","SecretAccessKey":"hidden","Token":"hidden","Expiration":"2021-08-16T20:52:53Z"}"#;
        let document = MetadataDocument::parse("It", whole.as_bytes()).unwrap();
        assert_eq!(document.credentials("It").unwrap().access_key_id(), "id");
        for name in ["AccessKeyId", "SecretAccessKey", "Token", "Expiration"] {
            let body = whole.replace(name, "Other");
            let error = MetadataDocument::parse("It", body.as_bytes()).unwrap().credentials("It").unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
            assert!(!format!("{error:?}").contains("hidden"));
        }
        for body in ["hidden", r#"{"AccessKeyId":{"hidden":1}}"#, r#"{"Code": 5, "Token":"hidden"#] {
            let error = MetadataDocument::parse("It", body.as_bytes()).err().unwrap();
            assert!(!format!("{error} {error:?}").contains("hidden"), "{error}");
        }
    }
}
