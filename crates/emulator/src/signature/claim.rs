//! What a request claims about its own signature.
//!
//! Owns the reading of the `Authorization` header and of the presigned query's parameters. Nothing
//! here is trusted yet.

use std::{fmt, time::Duration};

use http::{HeaderMap, header::AUTHORIZATION};
use percent_encoding::percent_decode_str;

use crate::aws_error::AwsError;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const TERMINATOR: &str = "aws4_request";
/// A presigned request lives for at most a week.
const LONGEST_PRESIGNED: u64 = 604_800;

/// The parameters that a presigned query adds to the request's own.
const QUERY_PARAMETERS: [&str; 7] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
];

/// Where the signature stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Location {
    /// In the `Authorization` header.
    Header,
    /// In the query, valid for so long.
    Query { expires: Duration },
}

/// A signature, and what it is said to cover.
pub(super) struct Claim {
    pub(super) access_key_id: String,
    /// `20250131`, from the credential scope.
    pub(super) date: String,
    pub(super) region: String,
    pub(super) service: String,
    /// In lower case.
    pub(super) signed_headers: Vec<String>,
    pub(super) signature: String,
    /// `20250131T235959Z`, from `x-amz-date`.
    pub(super) time: String,
    pub(super) token: Option<String>,
    pub(super) location: Location,
}

impl Claim {
    pub(super) fn read(headers: &HeaderMap, query: Option<&str>) -> Result<Self, AwsError> {
        let parameter = |name: &str| query.and_then(|query| parameter(query, name));
        match (headers.get(AUTHORIZATION), parameter("X-Amz-Signature")) {
            (Some(authorization), _) => {
                let authorization = authorization.to_str().unwrap_or_default();
                Self::from_header(authorization, headers)
            }
            (None, Some(signature)) => Self::from_query(signature, &parameter),
            (None, None) => Err(AwsError::missing_authentication_token()),
        }
    }

    fn from_header(authorization: &str, headers: &HeaderMap) -> Result<Self, AwsError> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        // What came is not repeated: under another scheme it is a secret.
        let rest = match authorization.split_once(' ') {
            Some((ALGORITHM, rest)) => rest,
            _ => {
                return Err(AwsError::incomplete_signature(format!(
                    "Authorization header requires '{ALGORITHM}' as its algorithm."
                )));
            }
        };
        let field = |name: &str| {
            rest.split(',')
                .find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='))
                .filter(|value| !value.is_empty())
        };
        let (credential, signed_headers, signature, time) =
            (field("Credential"), field("SignedHeaders"), field("Signature"), header("x-amz-date"));
        let (Some(credential), Some(signed_headers), Some(signature), Some(time)) =
            (credential, signed_headers, signature, time.clone())
        else {
            let missing: Vec<String> =
                [("Credential", credential), ("Signature", signature), ("SignedHeaders", signed_headers)]
                    .iter()
                    .filter(|(_, value)| value.is_none())
                    .map(|(name, _)| format!("Authorization header requires '{name}' parameter."))
                    .chain(time.is_none().then(|| {
                        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
                            .to_owned()
                    }))
                    .collect();
            return Err(AwsError::incomplete_signature(missing.join(" ")));
        };
        Self::scoped(
            credential,
            signed_headers,
            signature.to_owned(),
            time,
            header("x-amz-security-token"),
            Location::Header,
        )
    }

    fn from_query(signature: String, parameter: &impl Fn(&str) -> Option<String>) -> Result<Self, AwsError> {
        let required = |name: &str| {
            parameter(name).filter(|value| !value.is_empty()).ok_or_else(|| {
                AwsError::incomplete_signature(format!(
                    "AWS query-string parameters must include '{name}'. Re-examine the query-string parameters."
                ))
            })
        };
        if required("X-Amz-Algorithm")? != ALGORITHM {
            return Err(AwsError::incomplete_signature(format!("X-Amz-Algorithm only supports '{ALGORITHM}'.")));
        }
        let expires =
            required("X-Amz-Expires")?.parse().ok().filter(|seconds| (1..=LONGEST_PRESIGNED).contains(seconds));
        let Some(expires) = expires else {
            return Err(AwsError::incomplete_signature(format!(
                "X-Amz-Expires must be between 1 and {LONGEST_PRESIGNED} seconds."
            )));
        };
        let location = Location::Query { expires: Duration::from_secs(expires) };
        let (credential, signed_headers, time) =
            (required("X-Amz-Credential")?, required("X-Amz-SignedHeaders")?, required("X-Amz-Date")?);
        Self::scoped(&credential, &signed_headers, signature, time, parameter("X-Amz-Security-Token"), location)
    }

    fn scoped(
        credential: &str,
        signed_headers: &str,
        signature: String,
        time: String,
        token: Option<String>,
        location: Location,
    ) -> Result<Self, AwsError> {
        // An access key id may not hold a slash, so the scope is the last four parts.
        let parts: Vec<&str> = credential.split('/').collect();
        let [access_key_id, date, region, service, TERMINATOR] = parts.as_slice() else {
            return Err(AwsError::incomplete_signature(format!(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, and end in '{TERMINATOR}'."
            )));
        };
        Ok(Self {
            access_key_id: (*access_key_id).to_owned(),
            date: (*date).to_owned(),
            region: (*region).to_owned(),
            service: (*service).to_owned(),
            signed_headers: signed_headers.split(';').map(str::to_ascii_lowercase).collect(),
            signature,
            time,
            token,
            location,
        })
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim")
            .field("access_key_id", &self.access_key_id)
            .field("region", &self.region)
            .field("service", &self.service)
            .field("signed_headers", &self.signed_headers)
            .field("time", &self.time)
            .field("location", &self.location)
            .finish_non_exhaustive()
    }
}

/// The query as it was before it was presigned.
pub(super) fn without_authentication(query: &str) -> String {
    let own: Vec<&str> = query
        .split('&')
        .filter(|pair| {
            let name = percent_decode_str(pair.split('=').next().unwrap_or_default()).decode_utf8_lossy();
            !QUERY_PARAMETERS.contains(&name.as_ref())
        })
        .collect();
    own.join("&")
}

fn parameter(query: &str, name: &str) -> Option<String> {
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (percent_decode_str(key).decode_utf8_lossy() == name)
            .then(|| percent_decode_str(value).decode_utf8_lossy().into_owned())
    })
}
