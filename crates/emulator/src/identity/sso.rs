//! IAM Identity Center: role credentials for an access token, and a new access token for a refresh
//! token.
//!
//! Owns the tokens and both operations. Rules: [the portal's API](https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/Welcome.html)
//! and [OIDC's](https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/Welcome.html).

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use http::Response;
use serde::Deserialize;
use serde_json::json;

use super::{
    Request, assumed_role_arn, response,
    sessions::{Subject, unique_id},
};
use crate::{aws_error::AwsError, body::Body, clock::unix_seconds, operation::Operation, state::State};

/// The settings of IAM Identity Center. By default it knows no token.
#[derive(Clone, Default)]
pub struct Sso {
    access_tokens: Vec<(String, Option<SystemTime>)>,
    refresh_tokens: Vec<String>,
    client: Option<(String, String)>,
    roles: Vec<(String, String)>,
    lifetime: Option<Duration>,
    token_lifetime: Option<Duration>,
}

impl Sso {
    /// No tokens, and credentials for any role of any account once there is one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Accepts this access token.
    #[must_use]
    pub fn access_token(mut self, token: impl Into<String>) -> Self {
        self.access_tokens.push((token.into(), None));
        self
    }

    /// Accepts this access token until then.
    #[must_use]
    pub fn access_token_until(mut self, token: impl Into<String>, end: SystemTime) -> Self {
        self.access_tokens.push((token.into(), Some(end)));
        self
    }

    /// Exchanges this refresh token for an access token, once. The answer holds the next refresh
    /// token.
    #[must_use]
    pub fn refresh_token(mut self, token: impl Into<String>) -> Self {
        self.refresh_tokens.push(token.into());
        self
    }

    /// Only this registered client may refresh; without one, any may.
    #[must_use]
    pub fn client(mut self, client_id: impl Into<String>, client_secret: impl Into<String>) -> Self {
        self.client = Some((client_id.into(), client_secret.into()));
        self
    }

    /// The token gives access to this role; of several, to any. Without one, to every role.
    #[must_use]
    pub fn role(mut self, account_id: impl Into<String>, role_name: impl Into<String>) -> Self {
        self.roles.push((account_id.into(), role_name.into()));
        self
    }

    /// How long role credentials last; one hour where it is not set.
    #[must_use]
    pub const fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// How long a refreshed access token lasts; eight hours where it is not set.
    #[must_use]
    pub const fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.token_lifetime = Some(lifetime);
        self
    }
}

impl fmt::Debug for Sso {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sso")
            .field("access_tokens", &self.access_tokens.len())
            .field("refresh_tokens", &self.refresh_tokens.len())
            .field("roles", &self.roles)
            .finish_non_exhaustive()
    }
}

/// The running service.
pub(crate) struct SsoService {
    settings: Sso,
    tokens: Mutex<Tokens>,
}

struct Tokens {
    /// Each access token with its end.
    access: HashMap<String, Option<SystemTime>>,
    refresh: Vec<String>,
    issued: u64,
}

/// The body of `CreateToken`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateToken {
    client_id: String,
    client_secret: String,
    grant_type: String,
    refresh_token: Option<String>,
}

impl SsoService {
    pub(crate) fn new(settings: Sso) -> Self {
        let access = settings.access_tokens.iter().cloned().collect();
        let tokens = Tokens { access, refresh: settings.refresh_tokens.clone(), issued: 0 };
        Self { settings, tokens: Mutex::new(tokens) }
    }

    /// `GET /federation/credentials?role_name=..&account_id=..`
    pub(super) fn role_credentials(&self, state: &State, request: &Request<'_>) -> Result<Response<Body>, AwsError> {
        let (Some(role), Some(account)) = (request.form.get("role_name"), request.form.get("account_id")) else {
            return Err(AwsError::front_door("InvalidRequestException", 400, "role_name and account_id must be given"));
        };
        let token = request.header("x-amz-sso_bearer_token").unwrap_or_default();
        let known = self.tokens.lock().unwrap_or_else(PoisonError::into_inner).access.get(token).copied();
        if known.is_none_or(|end| end.is_some_and(|end| end <= request.now)) {
            return Err(AwsError::front_door("UnauthorizedException", 401, "Session token not found or invalid"));
        }
        let allowed = |(known_account, known_role): &(String, String)| known_account == account && known_role == role;
        if !self.settings.roles.is_empty() && !self.settings.roles.iter().any(allowed) {
            return Err(AwsError::front_door("ForbiddenException", 403, "No access"));
        }
        let name = format!("AWSReservedSSO_{role}");
        let user_id = format!("{}:emulator", unique_id("AROA", &name));
        let subject = Subject::new(Operation::GetRoleCredentials, assumed_role_arn(&name, "emulator"), user_id);
        let expires = request.now + self.settings.lifetime.unwrap_or(Duration::from_secs(3_600));
        let credentials = state.identity.issuer.issue(&state.keys, subject, Some(expires));
        let body = json!({"roleCredentials": {
            "accessKeyId": credentials.access_key_id,
            "secretAccessKey": credentials.secret,
            "sessionToken": credentials.token,
            // In milliseconds, unlike anywhere else.
            "expiration": unix_seconds(expires).saturating_mul(1000),
        }});
        Ok(response("application/json", body.to_string()))
    }

    /// `POST /token`
    pub(super) fn create_token(&self, request: &Request<'_>) -> Result<Response<Body>, AwsError> {
        let asked: CreateToken = serde_json::from_slice(request.body).map_err(|_| {
            AwsError::front_door("InvalidRequestException", 400, "The request is not a valid CreateToken")
        })?;
        if self
            .settings
            .client
            .as_ref()
            .is_some_and(|(id, secret)| *id != asked.client_id || *secret != asked.client_secret)
        {
            return Err(AwsError::front_door(
                "InvalidClientException",
                401,
                "Invalid client id or client secret provided",
            ));
        }
        if asked.grant_type != "refresh_token" {
            return Err(AwsError::front_door("UnsupportedGrantTypeException", 400, "Only refresh_token is emulated"));
        }
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let given = asked.refresh_token.unwrap_or_default();
        let Some(at) = tokens.refresh.iter().position(|known| *known == given) else {
            return Err(AwsError::front_door("InvalidGrantException", 400, "Invalid refresh token provided"));
        };
        tokens.issued += 1;
        let (access, refresh) =
            (format!("emulated-access-{}", tokens.issued), format!("emulated-refresh-{}", tokens.issued));
        tokens.refresh.remove(at);
        tokens.refresh.push(refresh.clone());
        let lifetime = self.settings.token_lifetime.unwrap_or(Duration::from_secs(8 * 3_600));
        tokens.access.insert(access.clone(), Some(request.now + lifetime));
        let body = json!({"accessToken": access, "expiresIn": lifetime.as_secs(), "refreshToken": refresh, "tokenType": "Bearer"});
        Ok(response("application/json", body.to_string()))
    }
}

impl fmt::Debug for SsoService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SsoService").field("settings", &self.settings).finish_non_exhaustive()
    }
}
