//! Is a request signed by someone the emulator knows?
//!
//! Owns the judgement, in AWS's order and with AWS's words. The signature itself is computed by the
//! official `aws-sigv4` crate: the request is signed again, over exactly the headers the client
//! lists, and the two must be equal. Reading what the client claims is in `claim`. Rules: [AWS Signature Version 4](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-signing-elements.html).

mod bearer;
mod claim;

use std::{
    borrow::Cow,
    time::{Duration, SystemTime},
};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign},
    sign::v4,
};
use aws_smithy_runtime_api::client::identity::Identity;
use http::HeaderMap;

pub(crate) use self::bearer::verify_bearer;
use self::claim::{Claim, Location};
use crate::{
    aws_error::AwsError,
    clock::{amz_date, parse_amz_date},
    keys::{Key, KeyRing},
};

/// How far a client's clock may be off.
const TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// The request as it arrived.
#[derive(Clone, Copy)]
pub(crate) struct Signed<'a> {
    pub(crate) method: &'a str,
    /// Still percent-encoded.
    pub(crate) path: &'a str,
    pub(crate) query: Option<&'a str>,
    /// `host` included.
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
}

/// Who signed, and for which region.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) access_key_id: String,
    pub(crate) region: String,
    #[cfg(feature = "identity")]
    pub(crate) key: Key,
}

/// The caller, or the error AWS would answer. `service` is the signing name, `sagemaker` or `sts`.
pub(crate) fn verify(request: Signed<'_>, service: &str, keys: &KeyRing, now: SystemTime) -> Result<Caller, AwsError> {
    let claim = Claim::read(request.headers, request.query)?;
    let key = keys.find(&claim.access_key_id).ok_or_else(AwsError::unrecognized_client)?;
    if !same(key.token.as_deref().unwrap_or_default(), claim.token.as_deref().unwrap_or_default()) {
        return Err(AwsError::unrecognized_client());
    }
    if key.expires.is_some_and(|end| end <= now) {
        return Err(AwsError::expired_token());
    }
    let signed_at = check_scope(&claim, service)?;
    check_time(&claim, signed_at, now)?;
    check_signed_headers(&claim, request.headers)?;
    check_declared_hash(request)?;
    let expected = signature(request, &claim, &key, signed_at, service)?;
    if !same(&expected, &claim.signature) {
        return Err(AwsError::signature_mismatch());
    }
    Ok(Caller {
        access_key_id: claim.access_key_id,
        region: claim.region,
        #[cfg(feature = "identity")]
        key,
    })
}

/// The credential scope must name this service, and the day of the request's own time.
fn check_scope(claim: &Claim, service: &str) -> Result<SystemTime, AwsError> {
    if claim.service != service {
        return Err(AwsError::invalid_signature(format!(
            "Credential should be scoped to correct service: '{service}'. "
        )));
    }
    if claim.region.is_empty() {
        return Err(AwsError::invalid_signature("Credential should be scoped to a valid region. "));
    }
    let signed_at = parse_amz_date(&claim.time).ok_or_else(|| {
        AwsError::incomplete_signature(format!(
            "Date must be in ISO-8601 'basic format'. Got '{}'. See http://en.wikipedia.org/wiki/ISO_8601",
            claim.time
        ))
    })?;
    let day = claim.time.get(..8).unwrap_or_default();
    if claim.date != day {
        return Err(AwsError::invalid_signature(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != '{day}', from '{}'.",
            claim.date, claim.time
        )));
    }
    Ok(signed_at)
}

fn check_time(claim: &Claim, signed_at: SystemTime, now: SystemTime) -> Result<(), AwsError> {
    let (time, server) = (&claim.time, amz_date(now));
    let latest = now + TOLERANCE;
    if signed_at > latest {
        return Err(AwsError::invalid_signature(format!(
            "Signature not yet current: {time} is still later than {} ({server} + 5 min.)",
            amz_date(latest)
        )));
    }
    match &claim.location {
        Location::Header if signed_at + TOLERANCE < now => {
            let earliest = amz_date(now - TOLERANCE);
            Err(AwsError::invalid_signature(format!(
                "Signature expired: {time} is now earlier than {earliest} ({server} - 5 min.)"
            )))
        }
        Location::Query { expires } if signed_at + *expires < now => Err(AwsError::invalid_signature(format!(
            "Signature expired: {time} is now earlier than {server} (valid for {} s)",
            expires.as_secs()
        ))),
        Location::Header | Location::Query { .. } => Ok(()),
    }
}

/// Checks that the signature covers `host` and every `x-amz-*` header of the request. AWS accepts
/// unsigned `x-amzn-*` headers, which load balancers and gateways add, those of SageMaker Runtime
/// included.
fn check_signed_headers(claim: &Claim, headers: &HeaderMap) -> Result<(), AwsError> {
    let signed = |name: &str| claim.signed_headers.iter().any(|signed| signed == name);
    if !signed("host") {
        return Err(AwsError::invalid_signature(
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
        ));
    }
    for name in headers.keys().map(http::HeaderName::as_str) {
        if name.starts_with("x-amz-") && !signed(name) {
            return Err(AwsError::invalid_signature(format!(
                "There were headers present in the request which were not signed: '{name}' must be a 'SignedHeader' in the AWS Authorization."
            )));
        }
    }
    match claim.signed_headers.iter().find(|name| !headers.contains_key(name.as_str())) {
        Some(_) => Err(AwsError::signature_mismatch()),
        None => Ok(()),
    }
}

/// A client that declares its body's hash must have declared the right one.
fn check_declared_hash(request: Signed<'_>) -> Result<(), AwsError> {
    let Some(declared) = request.headers.get("x-amz-content-sha256") else { return Ok(()) };
    if same_bytes(declared.as_bytes(), sha256_hex(request.body).as_bytes()) {
        return Ok(());
    }
    Err(AwsError::invalid_signature(
        "The value passed in x-amz-content-sha256 does not match the hash of the request's body.",
    ))
}

/// The signature this request has with this key.
fn signature(
    request: Signed<'_>,
    claim: &Claim,
    key: &Key,
    signed_at: SystemTime,
    service: &str,
) -> Result<String, AwsError> {
    let mut headers = Vec::new();
    for name in &claim.signed_headers {
        for value in request.headers.get_all(name) {
            let value = std::str::from_utf8(value.as_bytes()).map_err(|_| AwsError::signature_mismatch())?;
            headers.push((name.as_str(), value));
        }
    }
    let mut settings = SigningSettings::default();
    settings.excluded_headers = None;
    let mut token = None;
    let query = match claim.location {
        // Token and all are already among the headers.
        Location::Header => request.query.map(Cow::Borrowed),
        Location::Query { expires } => {
            settings.signature_location = SignatureLocation::QueryParams;
            settings.expires_in = Some(expires);
            token.clone_from(&key.token);
            request.query.map(claim::without_authentication).map(Cow::Owned)
        }
    };
    let separator = if query.as_deref().is_some_and(|query| !query.is_empty()) { "?" } else { "" };
    // The authority is not used: `host` is among the signed headers.
    let uri = format!("http://localhost{}{separator}{}", request.path, query.as_deref().unwrap_or_default());
    let identity: Identity =
        Credentials::new(&claim.access_key_id, &key.secret, token, None, "sagewire-emulator").into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(&claim.region)
        .name(service)
        .time(signed_at)
        .settings(settings)
        .build()
        .map_err(|_| AwsError::internal_failure())?
        .into();
    let signable = SignableRequest::new(request.method, uri, headers.into_iter(), SignableBody::Bytes(request.body))
        .map_err(|_| AwsError::signature_mismatch())?;
    let output = sign(signable, &parameters).map_err(|_| AwsError::signature_mismatch())?;
    Ok(output.signature().to_owned())
}

fn sha256_hex(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    use std::fmt::Write as _;

    sha2::Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Equality in a time that does not tell where two texts differ.
fn same(left: &str, right: &str) -> bool {
    same_bytes(left.as_bytes(), right.as_bytes())
}

fn same_bytes(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && left.iter().zip(right).fold(0, |differ, (left, right)| differ | (left ^ right)) == 0
}

#[cfg(test)]
mod tests;
