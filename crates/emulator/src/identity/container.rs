//! The endpoint a container on ECS or EKS gets its credentials from.
//!
//! Owns one path and the token that guards it. Rules:
//! [container credentials](https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html).

use std::{fmt, time::Duration};

use http::Response;
use serde_json::json;

use super::{
    Request, assumed_role_arn, response,
    sessions::{Subject, unique_id},
};
use crate::{
    aws_error::{ACCOUNT_ID, AwsError},
    body::Body,
    clock::iso8601,
    operation::Operation,
    state::State,
};

/// The settings of the container credentials endpoint. By default it is at `/credentials`, open to
/// all.
///
/// Point a client at it with `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
#[derive(Clone)]
pub struct ContainerCredentials {
    path: String,
    authorization: Option<String>,
    role: String,
    lifetime: Duration,
}

impl ContainerCredentials {
    /// At `/credentials`, for the role `emulator-task`, for one hour.
    #[must_use]
    pub fn new() -> Self {
        Self {
            path: "/credentials".to_owned(),
            authorization: None,
            role: "emulator-task".to_owned(),
            lifetime: Duration::from_secs(3_600),
        }
    }

    /// The path, such as `/v2/credentials/0123`.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Only a request with exactly this `Authorization` is answered.
    #[must_use]
    pub fn authorization(mut self, token: impl Into<String>) -> Self {
        self.authorization = Some(token.into());
        self
    }

    /// The name of the role.
    #[must_use]
    pub fn role(mut self, name: impl Into<String>) -> Self {
        self.role = name.into();
        self
    }

    /// How long each credential lasts. Every request gets new ones.
    #[must_use]
    pub const fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }
}

impl Default for ContainerCredentials {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ContainerCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContainerCredentials")
            .field("path", &self.path)
            .field("guarded", &self.authorization.is_some())
            .field("role", &self.role)
            .field("lifetime", &self.lifetime)
            .finish()
    }
}

/// The running service.
#[derive(Debug)]
pub(crate) struct ContainerService {
    settings: ContainerCredentials,
}

impl ContainerService {
    pub(crate) const fn new(settings: ContainerCredentials) -> Self {
        Self { settings }
    }

    pub(crate) fn path(&self) -> &str {
        &self.settings.path
    }

    pub(super) fn answer(&self, state: &State, request: &Request<'_>) -> Result<Response<Body>, AwsError> {
        let ContainerCredentials { authorization, role, lifetime, .. } = &self.settings;
        if authorization.is_some() && request.header("authorization") != authorization.as_deref() {
            return Err(AwsError::front_door(
                "AccessDenied",
                401,
                "The authorization token is missing or not the right one",
            ));
        }
        let arn = assumed_role_arn(role, "emulator-task-1");
        let user_id = format!("{}:emulator-task-1", unique_id("AROA", role));
        let expires = request.now + *lifetime;
        let subject = Subject::new(Operation::ContainerCredentials, arn, user_id);
        let credentials = state.identity.issuer.issue(&state.keys, subject, Some(expires));
        let body = json!({
            "RoleArn": format!("arn:aws:iam::{ACCOUNT_ID}:role/{role}"),
            "AccessKeyId": credentials.access_key_id,
            "SecretAccessKey": credentials.secret,
            "Token": credentials.token,
            "Expiration": iso8601(expires),
            "AccountId": ACCOUNT_ID,
        });
        Ok(response("application/json", body.to_string()))
    }
}
