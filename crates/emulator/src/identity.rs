//! The services that hand out credentials: STS, instance metadata, the container endpoint, and IAM
//! Identity Center.
//!
//! Owns their common state and the way to each. Every credential they issue is accepted by
//! SageMaker Runtime and STS until it expires.

pub(crate) mod container;
pub(crate) mod metadata;
mod roles;
mod route;
mod sessions;
pub(crate) mod sso;
mod sts;

pub(crate) use self::sessions::Issuer;
pub use self::{
    container::ContainerCredentials, metadata::InstanceMetadata, roles::Role, sessions::IssuedSession, sso::Sso,
};

use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, header::CONTENT_TYPE};

use crate::{
    aws_error::{ACCOUNT_ID, AwsError},
    body::{Body, whole},
    form::Form,
    operation::Operation,
    route::Route,
    signature::Caller,
    state::State,
};

/// The settings and the memory of all identity services.
#[derive(Debug)]
pub(crate) struct Identity {
    /// The roles that may be assumed; any, where none is given.
    pub(crate) roles: Vec<Role>,
    pub(crate) metadata: metadata::MetadataService,
    pub(crate) container: container::ContainerService,
    pub(crate) sso: sso::SsoService,
    pub(crate) issuer: Issuer,
}

/// The settings of all identity services.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    /// The roles that may be assumed; any if there are none.
    pub(crate) roles: Vec<Role>,
    pub(crate) metadata: InstanceMetadata,
    pub(crate) container: ContainerCredentials,
    pub(crate) sso: Sso,
}

impl Identity {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            roles: settings.roles,
            metadata: metadata::MetadataService::new(settings.metadata),
            container: container::ContainerService::new(settings.container),
            sso: sso::SsoService::new(settings.sso),
            issuer: Issuer::default(),
        }
    }

    /// Which of the services a request is for.
    pub(crate) fn route(&self, method: &Method, path: &str, form: &Form) -> Route {
        route::route(method, path, form, self.container.path())
    }
}

/// A request to an identity service.
pub(crate) struct Request<'a> {
    pub(crate) operation: Operation,
    pub(crate) path: &'a str,
    /// The query's parameters, and for STS the form's.
    pub(crate) form: &'a Form,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a Bytes,
    /// Who signed, for the operations that are signed.
    pub(crate) caller: Option<&'a Caller>,
    pub(crate) request_id: &'a str,
    pub(crate) now: SystemTime,
}

impl Request<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// The service's answer, or its error.
pub(crate) fn answer(state: &State, request: &Request<'_>) -> Result<Response<Body>, AwsError> {
    let identity = &state.identity;
    match request.operation {
        Operation::AssumeRole | Operation::AssumeRoleWithWebIdentity | Operation::GetCallerIdentity => {
            sts::answer(state, request)
        }
        Operation::InstanceMetadataToken => identity.metadata.token(request),
        Operation::InstanceMetadata => identity.metadata.get(state, request),
        Operation::ContainerCredentials => identity.container.answer(state, request),
        Operation::GetRoleCredentials => identity.sso.role_credentials(state, request),
        Operation::CreateToken => identity.sso.create_token(request),
        _ => Err(AwsError::unknown_operation()),
    }
}

/// The ARN of a session of one of this account's roles.
fn assumed_role_arn(role: &str, session: &str) -> String {
    format!("arn:aws:sts::{ACCOUNT_ID}:assumed-role/{role}/{session}")
}

fn response(content_type: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(whole(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
