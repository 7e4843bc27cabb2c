//! The parameters of assuming a role, which are checked before anything is sent.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::CredentialsError;

/// A tag of a role session: [passing session
/// tags](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html).
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionTag {
    /// The tag's name: 1 to 128 characters.
    #[serde(rename = "Key", alias = "key")]
    pub key: String,
    /// The tag's value: at most 256 characters.
    #[serde(rename = "Value", alias = "value")]
    pub value: String,
}

impl SessionTag {
    /// A tag.
    #[must_use]
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.into() }
    }
}

/// The parameters of `AssumeRole` and `AssumeRoleWithWebIdentity`. There is no session policy,
/// which could only remove permissions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoleParams {
    pub(crate) role_arn: String,
    /// Default: a name that is generated at each call.
    pub(crate) session_name: Option<String>,
    pub(crate) external_id: Option<String>,
    pub(crate) duration: Option<Duration>,
    pub(crate) tags: Vec<SessionTag>,
}

impl RoleParams {
    pub(crate) fn new(role_arn: impl Into<String>) -> Self {
        Self { role_arn: role_arn.into(), session_name: None, external_id: None, duration: None, tags: Vec::new() }
    }

    /// Checks every parameter against the limits of
    /// [STS](https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html).
    pub(crate) fn check(&self) -> Result<(), CredentialsError> {
        let refuse = |what: &str| Err(CredentialsError::invalid_configuration(what));
        let arn: Vec<_> = self.role_arn.splitn(6, ':').collect();
        if !matches!(arn.as_slice(), ["arn", partition, "iam", "", _, resource] if !partition.is_empty() && resource.starts_with("role/"))
            || self.role_arn.len() > 2048
        {
            return refuse("invalid role: expected an ARN such as arn:aws:iam::123456789012:role/name");
        }
        if self.session_name.as_deref().is_some_and(|name| !is_made_of(name, 2..=64, b"_=,.@+-")) {
            return refuse("invalid role session name: expected 2 to 64 letters, digits or characters of _=,.@+-");
        }
        if self.external_id.as_deref().is_some_and(|id| !is_made_of(id, 2..=1224, b"_=,.@+-:/")) {
            return refuse("invalid external id: expected 2 to 1224 letters, digits or characters of _=,.@+-:/");
        }
        if self.duration.is_some_and(|duration| !(900..=43_200).contains(&duration.as_secs())) {
            return refuse(
                "invalid duration of a role session: expected 900 to 43200 seconds (15 minutes to 12 hours)",
            );
        }
        let fits = |tag: &SessionTag| (1..=128).contains(&tag.key.chars().count()) && tag.value.chars().count() <= 256;
        if self.tags.len() > 50 || !self.tags.iter().all(fits) {
            return refuse(
                "invalid session tags: expected at most 50, with keys of 1 to 128 and values of at most 256 characters",
            );
        }
        Ok(())
    }

    /// The role's name for messages: the ARN without account and path.
    pub(crate) fn name(&self) -> &str {
        self.role_arn.rsplit('/').next().unwrap_or_default()
    }

    /// The session's name: the configured one, or `sagewire-` and the time in milliseconds.
    pub(crate) fn session_name_at(&self, now: SystemTime) -> String {
        self.session_name
            .clone()
            .unwrap_or_else(|| format!("sagewire-{}", now.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()))
    }
}

fn is_made_of(text: &str, length: std::ops::RangeInclusive<usize>, marks: &[u8]) -> bool {
    length.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || marks.contains(&byte))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::{RoleParams, SessionTag};

    const ARN: &str = "arn:aws:iam::123456789012:role/path/name";

    #[test]
    fn accepts_what_sts_accepts() {
        let mut role = RoleParams::new(ARN);
        role.session_name = Some("a.b@c-d_e=f,g+h".to_owned());
        role.external_id = Some("a:b/c".to_owned());
        role.duration = Some(Duration::from_secs(900));
        role.tags = vec![SessionTag::new("team", "")];
        role.check().unwrap();
        RoleParams::new("arn:aws-us-gov:iam::123456789012:role/name").check().unwrap();
    }

    #[test]
    fn refuses_what_sts_would_refuse() {
        type Change = fn(&mut RoleParams);
        let changes: [(&str, Change); 8] = [
            ("ARN", |role| role.role_arn = "my-role".to_owned()),
            ("ARN", |role| role.role_arn = "arn:aws:iam::123456789012:user/name".to_owned()),
            ("session name", |role| role.session_name = Some("a".to_owned())),
            ("session name", |role| role.session_name = Some("a b".to_owned())),
            ("external id", |role| role.external_id = Some("é1".to_owned())),
            ("duration", |role| role.duration = Some(Duration::from_secs(899))),
            ("duration", |role| role.duration = Some(Duration::from_secs(43_201))),
            ("tags", |role| role.tags = vec![SessionTag::new("", "v")]),
        ];
        for (word, change) in changes {
            let mut role = RoleParams::new(ARN);
            change(&mut role);
            let error = role.check().unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
        }
    }

    #[test]
    fn a_missing_session_name_is_made_from_the_time() {
        let now = UNIX_EPOCH + Duration::from_millis(1_234);
        assert_eq!(RoleParams::new(ARN).session_name_at(now), "sagewire-1234");
        assert_eq!(RoleParams::new(ARN).name(), "name");
    }
}
