//! EC2's instance metadata service, version 2.
//!
//! Owns the session tokens, without which nothing is told, and the few pages a client asks for.
//! Rules: [instance metadata](https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html).

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use http::{HeaderName, HeaderValue, Response};
use serde_json::json;

use super::{
    Request, assumed_role_arn, response,
    sessions::{Credentials, Subject, unique_id},
};
use crate::{
    aws_error::{ACCOUNT_ID, AwsError},
    body::Body,
    clock::iso8601,
    operation::Operation,
    state::State,
};

const TOKEN_TTL: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token-ttl-seconds");
const LONGEST_TTL: u64 = 21_600;
const INSTANCE_ID: &str = "i-0123456789abcdef0";
/// New credentials are there before the old ones end.
const OVERLAP: Duration = Duration::from_secs(5 * 60);

/// The settings of the instance metadata service. By default there is one, for an instance with the
/// role `emulator-instance`.
#[derive(Clone, Debug)]
pub struct InstanceMetadata {
    role: Option<String>,
    region: String,
    lifetime: Duration,
    expired_for: Option<Duration>,
    code: String,
    enabled: bool,
}

impl InstanceMetadata {
    /// An instance in us-east-1 with a role whose credentials last six hours.
    #[must_use]
    pub fn new() -> Self {
        Self {
            role: Some("emulator-instance".to_owned()),
            region: "us-east-1".to_owned(),
            lifetime: Duration::from_secs(6 * 3_600),
            expired_for: None,
            code: "Success".to_owned(),
            enabled: true,
        }
    }

    /// Switched off: every request is answered with 403.
    #[must_use]
    pub fn disabled() -> Self {
        Self { enabled: false, ..Self::new() }
    }

    /// The name of the instance's role.
    #[must_use]
    pub fn role(mut self, name: impl Into<String>) -> Self {
        self.role = Some(name.into());
        self
    }

    /// An instance without a role: its credentials are 404.
    #[must_use]
    pub fn no_role(mut self) -> Self {
        self.role = None;
        self
    }

    /// The region the instance is in.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = region.into();
        self
    }

    /// How long credentials last. The same ones are told until five minutes before their end.
    #[must_use]
    pub const fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Credentials are said to have expired so long ago, and still work: what EC2 does while it
    /// cannot renew them.
    #[must_use]
    pub const fn expired_for(mut self, time: Duration) -> Self {
        self.expired_for = Some(time);
        self
    }

    /// Tells this `Code` instead of `Success`, and no credentials; `AssumeRoleUnauthorizedAccess`,
    /// for example.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = code.into();
        self
    }
}

impl Default for InstanceMetadata {
    fn default() -> Self {
        Self::new()
    }
}

/// The running service.
pub(crate) struct MetadataService {
    settings: InstanceMetadata,
    issued: AtomicU64,
    /// Each token with its end.
    tokens: Mutex<HashMap<String, SystemTime>>,
    current: Mutex<Option<(Credentials, SystemTime, SystemTime)>>,
}

impl MetadataService {
    pub(crate) fn new(settings: InstanceMetadata) -> Self {
        Self { settings, issued: 0.into(), tokens: Mutex::default(), current: Mutex::default() }
    }

    /// `PUT /latest/api/token`.
    pub(super) fn token(&self, request: &Request<'_>) -> Result<Response<Body>, AwsError> {
        // A request that came through a proxy gets no token.
        if !self.settings.enabled || request.headers.contains_key("x-forwarded-for") {
            return Err(page(403, "Forbidden"));
        }
        let asked = request.header(TOKEN_TTL.as_str()).and_then(|ttl| ttl.parse().ok());
        let ttl = asked.filter(|ttl| (1..=LONGEST_TTL).contains(ttl)).ok_or_else(|| page(400, "Bad Request"))?;
        let number = self.issued.fetch_add(1, Ordering::Relaxed) + 1;
        let token = format!("AQAEAEmulatedMetadataToken{number:08}==");
        let end = request.now + Duration::from_secs(ttl);
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).insert(token.clone(), end);
        let mut response = response("text/plain", token);
        response.headers_mut().insert(TOKEN_TTL, HeaderValue::from(ttl));
        Ok(response)
    }

    /// `GET /latest/...`
    pub(super) fn get(&self, state: &State, request: &Request<'_>) -> Result<Response<Body>, AwsError> {
        if !self.settings.enabled {
            return Err(page(403, "Forbidden"));
        }
        self.check_token(request)?;
        let region = &self.settings.region;
        let page_text = match request.path.trim_start_matches("/latest/").trim_end_matches('/') {
            "meta-data/placement/region" => region.clone(),
            "meta-data/placement/availability-zone" => format!("{region}a"),
            "meta-data/instance-id" => INSTANCE_ID.to_owned(),
            "meta-data/iam/security-credentials" => self.settings.role.clone().ok_or_else(|| page(404, "Not Found"))?,
            "dynamic/instance-identity/document" => {
                let document = json!({"accountId": ACCOUNT_ID, "instanceId": INSTANCE_ID, "region": region, "version": "2017-09-30"});
                document.to_string()
            }
            path => {
                let role = path.strip_prefix("meta-data/iam/security-credentials/");
                match (role, &self.settings.role) {
                    (Some(asked), Some(role)) if asked == role => self.credentials(state, role, request.now),
                    _ => return Err(page(404, "Not Found")),
                }
            }
        };
        Ok(response("text/plain", page_text))
    }

    fn check_token(&self, request: &Request<'_>) -> Result<(), AwsError> {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.retain(|_, end| *end > request.now);
        match request.header("x-aws-ec2-metadata-token") {
            Some(token) if tokens.contains_key(token) => Ok(()),
            _ => Err(page(401, "Unauthorized")),
        }
    }

    fn credentials(&self, state: &State, role: &str, now: SystemTime) -> String {
        let code = &self.settings.code;
        if code != "Success" {
            return json!({"Code": code, "Message": "EC2 cannot assume the role.", "LastUpdated": iso8601(now)})
                .to_string();
        }
        let (credentials, updated, end) = self.current(state, role, now);
        json!({
            "Code": "Success",
            "LastUpdated": iso8601(updated),
            "Type": "AWS-HMAC",
            "AccessKeyId": credentials.access_key_id,
            "SecretAccessKey": credentials.secret,
            "Token": credentials.token,
            "Expiration": iso8601(end),
        })
        .to_string()
    }

    /// The credentials of now, with the time they were made and the time they are said to end.
    fn current(&self, state: &State, role: &str, now: SystemTime) -> (Credentials, SystemTime, SystemTime) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) =
            current.as_ref().filter(|(_, _, end)| self.settings.expired_for.is_some() || now + OVERLAP < *end)
        {
            return kept.clone();
        }
        let arn = assumed_role_arn(role, INSTANCE_ID);
        let user_id = format!("{}:{INSTANCE_ID}", unique_id("AROA", role));
        let subject = Subject::new(Operation::InstanceMetadata, arn, user_id);
        let (end, works_until) = match self.settings.expired_for {
            Some(time) => (now - time, None),
            None => (now + self.settings.lifetime, Some(now + self.settings.lifetime)),
        };
        let fresh = (state.identity.issuer.issue(&state.keys, subject, works_until), now, end);
        *current = Some(fresh.clone());
        fresh
    }
}

impl fmt::Debug for MetadataService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetadataService").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// This service tells its errors by status alone.
fn page(status: u16, reason: &str) -> AwsError {
    AwsError::front_door(reason, status, reason)
}
