//! STS's answers: credentials, an identity, or a refusal.

use std::time::SystemTime;

use super::xml::{Document, XmlError};
use crate::Credentials;
use crate::service_error::{ServiceError, readable};
use crate::timestamp::parse_rfc3339;

/// An answer that cannot be used. Nothing of it is quoted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AnswerError {
    #[error(transparent)]
    Xml(#[from] XmlError),
    #[error("the expiration in the answer is not a time")]
    Expiration,
}

/// Who a set of credentials belongs to, as `GetCallerIdentity` tells.
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

/// The credentials that `AssumeRole` or `AssumeRoleWithWebIdentity` gave.
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

/// The identity that `GetCallerIdentity` gave.
pub(super) fn identity(body: &[u8]) -> Result<CallerIdentity, AnswerError> {
    let answer = Document::parse(body)?;
    Ok(CallerIdentity {
        arn: answer.require("GetCallerIdentityResult/Arn")?.to_owned(),
        account: answer.require("GetCallerIdentityResult/Account")?.to_owned(),
        user_id: answer.require("GetCallerIdentityResult/UserId")?.to_owned(),
    })
}

/// The refusal in an answer whose status is not a success. `secrets` are taken out of its message.
pub(super) fn refusal(answer: &http::Response<bytes::Bytes>, secrets: &[&str]) -> ServiceError {
    let mut error = ServiceError::new(answer.status().as_u16());
    let header = answer.headers().get("x-amzn-requestid").and_then(|value| value.to_str().ok());
    error.request_id = header.map(str::to_owned);
    // A load balancer's page is no XML: then the status says all there is.
    if let Ok(document) = Document::parse(answer.body()) {
        error.code = document.find("Error/Code").map(str::to_owned);
        error.message = document.find("Error/Message").map(|message| readable(message, secrets));
        error.request_id = document.find("RequestId").map(str::to_owned).or(error.request_id);
    }
    error
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
