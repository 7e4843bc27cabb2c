//! STS: the three operations a client needs to become a role, or to learn who it is.
//!
//! Owns who may do what, and the XML answers. What a request's parameters may be is in
//! `parameters`, what a web identity token says in `web_identity`. Rules: [the query protocol of STS](https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html).

mod parameters;
mod web_identity;

use std::time::{Duration, SystemTime};

use http::Response;

use self::{parameters::AssumeRole, web_identity::WebIdentity};
use super::{
    Request, Role, assumed_role_arn, response,
    roles::not_authorized,
    sessions::{Credentials, Subject, unique_id},
};
use crate::{
    aws_error::{ACCOUNT_ID, AwsError},
    body::Body,
    clock::iso8601,
    operation::Operation,
    state::State,
    xml::{STS_NAMESPACE, element},
};

const VERSION: &str = "2011-06-15";
/// A role assumed with a role's own session lasts no longer.
const LONGEST_CHAINED: Duration = Duration::from_secs(3_600);

pub(super) fn answer(state: &State, request: &Request<'_>) -> Result<Response<Body>, AwsError> {
    let version = request.form.get("Version").unwrap_or_default();
    if version != VERSION {
        let text = format!("Could not find operation {} for version {version}", request.operation);
        return Err(AwsError::front_door("InvalidAction", 400, text));
    }
    let result = match request.operation {
        Operation::AssumeRoleWithWebIdentity => assume_with_web_identity(state, request)?,
        Operation::AssumeRole => assume(state, request)?,
        _ => caller_identity(request)?,
    };
    let name = request.operation.as_str();
    let metadata = element("RequestId", request.request_id);
    Ok(response(
        "text/xml",
        format!(
            "<{name}Response xmlns=\"{STS_NAMESPACE}\"><{name}Result>{result}</{name}Result><ResponseMetadata>{metadata}</ResponseMetadata>\
             </{name}Response>\n"
        ),
    ))
}

fn caller_identity(request: &Request<'_>) -> Result<String, AwsError> {
    let key = &request.caller.ok_or_else(AwsError::missing_authentication_token)?.key;
    Ok([element("Arn", &key.arn), element("UserId", &key.user_id), element("Account", ACCOUNT_ID)].concat())
}

fn assume(state: &State, request: &Request<'_>) -> Result<String, AwsError> {
    let caller = &request.caller.ok_or_else(AwsError::missing_authentication_token)?.key.arn;
    let parameters = AssumeRole::read(request.form)?;
    let role = find(state, &parameters.role_arn);
    match &role {
        Some(role) => role.allows(caller, parameters.external_id.as_deref())?,
        None => return Err(not_authorized(caller, "sts:AssumeRole", &parameters.role_arn)),
    }
    if caller.contains(":assumed-role/") && parameters.duration > LONGEST_CHAINED {
        let text = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining";
        return Err(AwsError::validation(text));
    }
    check_duration(role.as_ref(), &parameters)?;
    let source = parameters.source_identity.as_deref().map(|source| element("SourceIdentity", source));
    Ok([session(state, request, parameters), source.unwrap_or_default()].concat())
}

fn assume_with_web_identity(state: &State, request: &Request<'_>) -> Result<String, AwsError> {
    let parameters = AssumeRole::read(request.form)?;
    let token = parameters::web_identity_token(request.form)?;
    let role = find(state, &parameters.role_arn);
    match &role {
        Some(role) => role.allows_token(token)?,
        None => return Err(AwsError::access_denied("Not authorized to perform sts:AssumeRoleWithWebIdentity")),
    }
    let identity = WebIdentity::read(token);
    identity.check_expiry(request.now)?;
    check_duration(role.as_ref(), &parameters)?;
    let told = [
        element("SubjectFromWebIdentityToken", &identity.subject),
        element("Audience", &identity.audience),
        element("Provider", &identity.issuer),
    ];
    Ok([session(state, request, parameters), told.concat()].concat())
}

/// The role of this ARN. Where no roles are given, every one exists, with the longest session AWS
/// allows.
fn find(state: &State, arn: &str) -> Option<Role> {
    let roles = &state.identity.roles;
    if roles.is_empty() {
        return Some(Role::new(arn).max_session(parameters::LONGEST_SESSION));
    }
    roles.iter().find(|role| role.arn == arn).cloned()
}

fn check_duration(role: Option<&Role>, parameters: &AssumeRole) -> Result<(), AwsError> {
    if role.is_some_and(|role| parameters.duration > role.max_session) {
        return Err(AwsError::validation(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    Ok(())
}

/// Issues the session, and tells whose it is and what its credentials are.
fn session(state: &State, request: &Request<'_>, parameters: AssumeRole) -> String {
    let arn = assumed_role_arn(parameters.role_name(), &parameters.session_name);
    let user_id = format!("{}:{}", unique_id("AROA", &parameters.role_arn), parameters.session_name);
    let user = [element("AssumedRoleId", &user_id), element("Arn", &arn)].concat();
    let expires = request.now + parameters.duration;
    let subject = Subject {
        tags: parameters.tags,
        source_identity: parameters.source_identity,
        ..Subject::new(request.operation, arn, user_id)
    };
    let issued = state.identity.issuer.issue(&state.keys, subject, Some(expires));
    format!("<AssumedRoleUser>{user}</AssumedRoleUser>{}", credentials(&issued, expires))
}

fn credentials(credentials: &Credentials, expires: SystemTime) -> String {
    let members = [
        element("AccessKeyId", &credentials.access_key_id),
        element("SecretAccessKey", &credentials.secret),
        element("SessionToken", &credentials.token),
        element("Expiration", &iso8601(expires)),
    ];
    format!("<Credentials>{}</Credentials>", members.concat())
}
