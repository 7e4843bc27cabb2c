//! What the parameters of `AssumeRole` and `AssumeRoleWithWebIdentity` may be.
//!
//! Owns the limits of the service model, and AWS's words where one is broken.

use std::time::Duration;

use crate::{aws_error::AwsError, constraints::Constraints, form::Form};

/// The longest session AWS gives to any role.
pub(super) const LONGEST_SESSION: Duration = Duration::from_secs(43_200);
const DEFAULT_SESSION: u64 = 3_600;
const MOST_TAGS: usize = 50;

/// The parameters that both operations have in common.
#[derive(Clone, Debug)]
pub(super) struct AssumeRole {
    pub(super) role_arn: String,
    pub(super) session_name: String,
    pub(super) duration: Duration,
    pub(super) external_id: Option<String>,
    pub(super) source_identity: Option<String>,
    pub(super) tags: Vec<(String, String)>,
}

/// A text's allowed lengths, and the characters it may hold beside letters, digits and `_`.
struct Text {
    member: &'static str,
    shortest: usize,
    longest: usize,
    also: &'static str,
}

const SESSION_NAME: Text = Text { member: "roleSessionName", shortest: 2, longest: 64, also: "+=,.@-" };
const EXTERNAL_ID: Text = Text { member: "externalId", shortest: 2, longest: 1224, also: "+=,.@:/-" };
const SOURCE_IDENTITY: Text = Text { member: "sourceIdentity", shortest: 2, longest: 64, also: "+=,.@-" };
const SERIAL_NUMBER: Text = Text { member: "serialNumber", shortest: 9, longest: 256, also: "+=/:,.@-" };

impl AssumeRole {
    pub(super) fn read(form: &Form) -> Result<Self, AwsError> {
        let mut constraints = Constraints::default();
        let role_arn = form.get("RoleArn");
        match role_arn {
            None => constraints.absent("roleArn"),
            Some(arn) => check_length(&mut constraints, Some(arn), arn, "roleArn", 20, 2048),
        }
        let session_name = form.get("RoleSessionName");
        match session_name {
            None => constraints.absent("roleSessionName"),
            Some(name) => SESSION_NAME.check(&mut constraints, name),
        }
        for (parameter, text) in
            [("ExternalId", EXTERNAL_ID), ("SourceIdentity", SOURCE_IDENTITY), ("SerialNumber", SERIAL_NUMBER)]
        {
            if let Some(value) = form.get(parameter) {
                text.check(&mut constraints, value);
            }
        }
        if let Some(code) =
            form.get("TokenCode").filter(|code| code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()))
        {
            constraints.broken(Some(code), "tokenCode", r"Member must satisfy regular expression pattern: [\d]*");
        }
        let duration = read_duration(&mut constraints, form.get("DurationSeconds"));
        let tags = read_tags(&mut constraints, form);
        constraints.finish()?;
        let (role_arn, session_name) = (role_arn.unwrap_or_default(), session_name.unwrap_or_default());
        check_arn(role_arn)?;
        check_tags(form, &tags)?;
        if form
            .get("Policy")
            .is_some_and(|policy| serde_json::from_str::<serde_json::Map<_, serde_json::Value>>(policy).is_err())
        {
            return Err(AwsError::modelled("MalformedPolicyDocument", 400, "This policy contains invalid Json"));
        }
        let optional = |name: &str| form.get(name).map(str::to_owned);
        Ok(Self {
            role_arn: role_arn.to_owned(),
            session_name: session_name.to_owned(),
            duration,
            external_id: optional("ExternalId"),
            source_identity: optional("SourceIdentity"),
            tags,
        })
    }

    /// The last part of the ARN: a role's path is no part of its name.
    pub(super) fn role_name(&self) -> &str {
        self.role_arn.rsplit('/').next().unwrap_or_default()
    }
}

/// The token of `AssumeRoleWithWebIdentity`. It is sensitive, and never repeated.
pub(super) fn web_identity_token(form: &Form) -> Result<&str, AwsError> {
    let mut constraints = Constraints::default();
    let token = form.get("WebIdentityToken");
    match token {
        None => constraints.absent("webIdentityToken"),
        Some(token) => check_length(&mut constraints, None, token, "webIdentityToken", 4, 20_000),
    }
    constraints.finish()?;
    Ok(token.unwrap_or_default())
}

impl Text {
    fn check(&self, constraints: &mut Constraints, value: &str) {
        check_length(constraints, Some(value), value, self.member, self.shortest, self.longest);
        let allowed =
            |character: char| character.is_ascii_alphanumeric() || character == '_' || self.also.contains(character);
        if !value.chars().all(allowed) {
            let complaint = format!(r"Member must satisfy regular expression pattern: [\w{}]*", self.also);
            constraints.broken(Some(value), self.member, &complaint);
        }
    }
}

fn check_length(
    constraints: &mut Constraints,
    shown: Option<&str>,
    value: &str,
    member: &str,
    shortest: usize,
    longest: usize,
) {
    let length = value.chars().count();
    if length < shortest {
        constraints.broken(shown, member, &format!("Member must have length greater than or equal to {shortest}"));
    }
    if length > longest {
        constraints.broken(shown, member, &format!("Member must have length less than or equal to {longest}"));
    }
}

fn read_duration(constraints: &mut Constraints, value: Option<&str>) -> Duration {
    let Some(value) = value else { return Duration::from_secs(DEFAULT_SESSION) };
    let seconds = value.parse::<u64>().unwrap_or_default();
    if seconds < 900 {
        constraints.broken(Some(value), "durationSeconds", "Member must have value greater than or equal to 900");
    }
    if seconds > LONGEST_SESSION.as_secs() {
        let complaint = format!("Member must have value less than or equal to {}", LONGEST_SESSION.as_secs());
        constraints.broken(Some(value), "durationSeconds", &complaint);
    }
    Duration::from_secs(seconds)
}

fn read_tags(constraints: &mut Constraints, form: &Form) -> Vec<(String, String)> {
    let tag = |number: usize| {
        let key = form.get(&format!("Tags.member.{number}.Key"))?;
        Some((key.to_owned(), form.get(&format!("Tags.member.{number}.Value")).unwrap_or_default().to_owned()))
    };
    let tags: Vec<(String, String)> = (1..).map_while(tag).collect();
    if tags.len() > MOST_TAGS {
        constraints.broken(None, "tags", &format!("Member must have length less than or equal to {MOST_TAGS}"));
    }
    for (number, (key, value)) in (1..).zip(&tags) {
        check_length(constraints, Some(key), key, &format!("tags.{number}.member.key"), 1, 128);
        check_length(constraints, Some(value), value, &format!("tags.{number}.member.value"), 0, 256);
        let allowed =
            |character: char| character.is_alphanumeric() || character == ' ' || "_.:/=+-@".contains(character);
        for (text, part) in [(key, "key"), (value, "value")] {
            if !text.chars().all(allowed) {
                let complaint = r"Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+";
                constraints.broken(Some(text), &format!("tags.{number}.member.{part}"), complaint);
            }
        }
    }
    tags
}

/// Keys must differ, whatever their case, and what is to be handed on must be there.
fn check_tags(form: &Form, tags: &[(String, String)]) -> Result<(), AwsError> {
    let mut keys: Vec<String> = tags.iter().map(|(key, _)| key.to_lowercase()).collect();
    keys.sort_unstable();
    keys.dedup();
    let invalid = |text: &str| Err(AwsError::modelled("InvalidParameterValue", 400, text));
    if keys.len() != tags.len() {
        return invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.");
    }
    let transitive = (1..).map_while(|number: usize| form.get(&format!("TransitiveTagKeys.member.{number}")));
    for key in transitive {
        if !keys.contains(&key.to_lowercase()) {
            return invalid("The specified transitive tag key must be included in the requested tags.");
        }
    }
    Ok(())
}

/// `arn:aws:iam::123456789012:role/name`, in any partition.
fn check_arn(arn: &str) -> Result<(), AwsError> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let valid = match parts.as_slice() {
        ["arn", partition, "iam", "", account, resource] => {
            partition.starts_with("aws")
                && account.len() == 12
                && account.bytes().all(|byte| byte.is_ascii_digit())
                && resource.strip_prefix("role/").is_some_and(|name| !name.is_empty() && !name.ends_with('/'))
        }
        _ => false,
    };
    if valid { Ok(()) } else { Err(AwsError::validation(format!("{arn} is invalid"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "RoleArn=arn:aws:iam::123456789012:role/path/app&RoleSessionName=me";

    fn read(more: &str) -> Result<AssumeRole, (String, String)> {
        AssumeRole::read(&Form::parse(&format!("{more}&{GOOD}")))
            .map_err(|error| (error.code().to_owned(), error.message().unwrap().to_owned()))
    }

    #[test]
    fn what_is_allowed_is_read() {
        let read = read(
            "DurationSeconds=900&ExternalId=a:b/c&SourceIdentity=alice&Tags.member.1.Key=team&Tags.member.1.Value=x y&\
             Tags.member.2.Key=empty&TransitiveTagKeys.member.1=Team&Policy=%7B%7D",
        )
        .unwrap();
        assert_eq!((read.role_name(), read.session_name.as_str()), ("app", "me"));
        assert_eq!((read.duration, read.external_id.as_deref()), (Duration::from_secs(900), Some("a:b/c")));
        assert_eq!(read.source_identity.as_deref(), Some("alice"));
        assert_eq!(read.tags, [("team".to_owned(), "x y".to_owned()), ("empty".to_owned(), String::new())]);
        assert_eq!(AssumeRole::read(&Form::parse(GOOD)).unwrap().duration, Duration::from_secs(3_600));
    }

    #[test]
    fn what_is_not_is_told() {
        let cases = [
            (
                "RoleArn=short",
                "ValidationError",
                "'roleArn' failed to satisfy constraint: Member must have length greater than or equal to 20",
            ),
            ("RoleArn=arn:aws:iam::1234567890:role/abcdef", "ValidationError", "is invalid"),
            ("RoleArn=arn:aws:iam::123456789012:user/abcdef", "ValidationError", "is invalid"),
            (
                "RoleSessionName=a",
                "ValidationError",
                "'roleSessionName' failed to satisfy constraint: Member must have length",
            ),
            ("RoleSessionName=a b", "ValidationError", r"pattern: [\w+=,.@-]*"),
            ("DurationSeconds=899", "ValidationError", "greater than or equal to 900"),
            ("DurationSeconds=43201", "ValidationError", "less than or equal to 43200"),
            ("DurationSeconds=soon", "ValidationError", "'durationSeconds'"),
            ("ExternalId=a", "ValidationError", "'externalId'"),
            ("SourceIdentity=a/b", "ValidationError", "'sourceIdentity'"),
            ("SerialNumber=short", "ValidationError", "'serialNumber'"),
            ("TokenCode=12345x", "ValidationError", "'tokenCode'"),
            ("Tags.member.1.Key=a*b", "ValidationError", "'tags.1.member.key'"),
            ("Tags.member.1.Key=a&Tags.member.2.Key=A", "InvalidParameterValue", "Duplicate tag keys"),
            ("TransitiveTagKeys.member.1=a", "InvalidParameterValue", "transitive tag key"),
            ("Policy=nothing", "MalformedPolicyDocument", "invalid Json"),
        ];
        for (parameters, code, text) in cases {
            let (got, message) = read(parameters).unwrap_err();
            assert_eq!(got, code, "{parameters}");
            assert!(message.contains(text), "{message}");
        }
        let many: String = (1..=51).map(|number| format!("Tags.member.{number}.Key=k{number}&")).collect();
        assert!(read(&many).unwrap_err().1.contains("'tags'"));
        let error = AssumeRole::read(&Form::parse("")).unwrap_err();
        assert_eq!(
            error.message(),
            Some(
                "2 validation errors detected: Value null at 'roleArn' failed to satisfy constraint: Member must not be null; Value null at \
                 'roleSessionName' failed to satisfy constraint: Member must not be null"
            )
        );
    }

    #[test]
    fn a_web_identity_token_is_never_repeated() {
        assert_eq!(web_identity_token(&Form::parse("WebIdentityToken=abcd")).unwrap(), "abcd");
        assert!(web_identity_token(&Form::parse("")).is_err());
        let error = web_identity_token(&Form::parse("WebIdentityToken=abc")).unwrap_err();
        assert!(!error.message().unwrap().contains("abc"));
    }
}
