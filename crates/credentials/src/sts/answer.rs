//! The answers of STS: credentials, an identity, or an error.

use std::time::SystemTime;

use super::xml::{Document, XmlError};
use crate::Credentials;
use crate::service_error::{Reported, ServiceError};
use crate::timestamp::parse_rfc3339;

/// An unusable answer. Nothing of it is quoted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AnswerError {
    #[error(transparent)]
    Xml(#[from] XmlError),
    #[error("invalid `Expiration` in the answer: not a time")]
    Expiration,
}

/// The owner of a set of credentials, from `GetCallerIdentity`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallerIdentity {
    /// The ARN of the user, role session or federated user.
    pub arn: String,
    /// The account, twelve digits.
    pub account: String,
    /// The unique id of the principal.
    pub user_id: String,
}

/// Reads the credentials from an answer of `AssumeRole` or `AssumeRoleWithWebIdentity`.
pub(super) fn credentials(body: &[u8]) -> Result<Credentials, AnswerError> {
    let answer = Document::parse(body)?;
    let expiration = parse_rfc3339(answer.require("Credentials/Expiration")?).ok_or(AnswerError::Expiration)?;
    let credentials =
        Credentials::new(answer.require("Credentials/AccessKeyId")?, answer.require("Credentials/SecretAccessKey")?)
            .with_session_token(answer.require("Credentials/SessionToken")?)
            .with_expiry(expiration);
    let account = answer.find("AssumedRoleUser/Arn").and_then(|arn| arn.split(':').nth(4));
    Ok(match account {
        Some(account) => credentials.with_account_id(account),
        None => credentials,
    })
}

/// Reads the identity from an answer of `GetCallerIdentity`.
pub(super) fn identity(body: &[u8]) -> Result<CallerIdentity, AnswerError> {
    let answer = Document::parse(body)?;
    Ok(CallerIdentity {
        arn: answer.require("GetCallerIdentityResult/Arn")?.to_owned(),
        account: answer.require("GetCallerIdentityResult/Account")?.to_owned(),
        user_id: answer.require("GetCallerIdentityResult/UserId")?.to_owned(),
    })
}

/// The error in an answer whose status is not a success, without `secrets`.
pub(super) fn refusal(answer: &http::Response<bytes::Bytes>, secrets: &[&str]) -> ServiceError {
    let mut texts = Reported {
        request_id: answer.headers().get("x-amzn-requestid").and_then(|value| value.to_str().ok()),
        ..Reported::default()
    };
    // The page of a load balancer is not XML: then only the status is known.
    let document = Document::parse(answer.body()).ok();
    if let Some(document) = &document {
        texts.code = document.find("Error/Code");
        texts.message = document.find("Error/Message");
        texts.request_id = document.find("RequestId").or(texts.request_id);
    }
    ServiceError::reported(answer.status().as_u16(), texts, secrets)
}

/// The time on the server's clock, from the answer's `Date`.
pub(super) fn server_time(answer: &http::Response<bytes::Bytes>) -> Option<SystemTime> {
    crate::timestamp::parse_http_date(answer.headers().get(http::header::DATE)?.to_str().ok()?)
}

#[cfg(test)]
mod tests {
    use super::{credentials, identity, refusal};

    #[test]
    fn reads_credentials() {
        let keys = credentials(
            b"<AssumeRoleResponse><AssumeRoleResult><AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/r/s</Arn>\
              </AssumedRoleUser><Credentials><AccessKeyId>id</AccessKeyId><SecretAccessKey>s&amp;t</SecretAccessKey>\
              <SessionToken>token</SessionToken><Expiration>2021-08-16T20:52:53Z</Expiration></Credentials>\
              </AssumeRoleResult></AssumeRoleResponse>",
        );
        let keys = keys.unwrap();
        assert_eq!(keys.secret_access_key(), "s&t");
        assert_eq!(keys.account_id(), Some("123456789012"));
        assert!(keys.expiry().is_some());
    }

    #[test]
    fn an_unusable_answer_is_an_error_that_quotes_nothing() {
        for (body, word) in [
            ("<a><Credentials><AccessKeyId>hidden</AccessKeyId></Credentials></a>", "Credentials/Expiration"),
            ("<a><Credentials><Expiration>hidden</Expiration></Credentials></a>", "not a time"),
            ("{\"hidden\": 1}", "ends before"),
        ] {
            let error = credentials(body.as_bytes()).unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
            assert!(!format!("{error} {error:?}").contains("hidden"));
        }
        assert!(identity(b"<GetCallerIdentityResult><Arn>a</Arn></GetCallerIdentityResult>").is_err());
    }

    #[test]
    fn a_refusal_hides_what_it_quotes() {
        let body = "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>No match for the-token.\n\nThe Canonical String \
                    for this request should have been 'POST the-token'</Message></Error><RequestId>r</RequestId></ErrorResponse>";
        let answer = http::Response::builder().status(403).body(body.into()).unwrap();
        let error = refusal(&answer, &["the-token", ""]);
        assert_eq!(error.message.as_deref(), Some("No match for [hidden]."));
        assert_eq!(error.request_id.as_deref(), Some("r"));

        let page = http::Response::builder().status(502).body("<html>".into()).unwrap();
        assert_eq!(refusal(&page, &[]).code, None);
    }
}
