//! The signature as query parameters: a presigned URI.

use std::{borrow::Cow, time::Duration};

use http::{Uri, request::Parts};

use crate::{
    SigningError,
    canonical::{
        ALGORITHM, CanonicalRequest,
        headers::{CanonicalHeaders, Placement},
        push_encoded, query,
    },
    hex::Hex,
    input::Input,
};

/// The longest life AWS grants a presigned URL: seven days.
const MAX_SECONDS: u64 = 604_800;

/// The two parts of a presigned query, but for the signature.
pub(crate) struct QuerySignature<'a> {
    /// The request's own, without an earlier presigning.
    own: Cow<'a, str>,
    /// The parameters that are added and signed.
    added: String,
}

impl<'a> QuerySignature<'a> {
    pub(crate) fn new(head: &'a Parts, input: &Input<'_>, expires_in: Duration) -> Result<Self, SigningError> {
        let seconds = expires_in.as_secs();
        if !(1..=MAX_SECONDS).contains(&seconds) {
            return Err(SigningError::ExpiresIn { seconds });
        }
        let own = query::without_signing_parameters(head.uri.query().unwrap_or_default());

        let [algorithm, credential, date, signed_headers, expires, token, _] = query::SIGNING_PARAMETERS;
        let mut added = String::with_capacity(320 + input.token().map_or(0, str::len));
        push(&mut added, algorithm, ALGORITHM);
        push(&mut added, credential, input.scope.access_key_id);
        added.push_str("%2F");
        input.scope.write(&mut added, "%2F");
        push(&mut added, date, input.scope.time.timestamp());
        push(&mut added, signed_headers, "");
        canonical_headers(head, input)?.write_names(&mut added, "%3B");
        push(&mut added, expires, &seconds.to_string());
        if let Some(value) = input.signed_token() {
            push(&mut added, token, value);
        }
        Ok(Self { own, added })
    }

    /// The canonical request for signing by query.
    pub(crate) fn canonical_request<'b>(
        &'b self,
        head: &'b Parts,
        input: &'b Input<'_>,
    ) -> Result<CanonicalRequest<'b>, SigningError> {
        Ok(CanonicalRequest {
            method: head.method.as_str(),
            path: head.uri.path(),
            queries: [&self.own, &self.added],
            headers: canonical_headers(head, input)?,
            payload_hash: input.payload_hash(),
            settings: &input.settings,
        })
    }

    /// The request's URI with the signed query.
    pub(crate) fn signed_uri(&self, head: &Parts, input: &Input<'_>, signature: &Hex) -> Result<Uri, SigningError> {
        let path = match head.uri.path() {
            "" => "/",
            path => path,
        };
        let mut target = String::with_capacity(path.len() + self.own.len() + self.added.len() + 128);
        target.push_str(path);
        target.push('?');
        if !self.own.is_empty() {
            target.push_str(&self.own);
            target.push('&');
        }
        target.push_str(&self.added);
        let [.., token, signature_name] = query::SIGNING_PARAMETERS;
        if let Some(value) = input.appended_token() {
            push(&mut target, token, value);
        }
        push(&mut target, signature_name, signature.as_str());

        let mut uri = Uri::builder().path_and_query(target);
        if let Some(scheme) = head.uri.scheme() {
            uri = uri.scheme(scheme.clone());
        }
        if let Some(authority) = head.uri.authority() {
            uri = uri.authority(authority.clone());
        }
        uri.build().map_err(|source| SigningError::PresignedUri { source })
    }
}

fn canonical_headers<'a>(head: &'a Parts, input: &'a Input<'_>) -> Result<CanonicalHeaders<'a>, SigningError> {
    CanonicalHeaders::new(&head.headers, input.host(), Placement::Query, &input.settings)
}

/// Appends `name=value`, encoded, behind what is there.
fn push(query: &mut String, name: &str, value: &str) {
    if !query.is_empty() {
        query.push('&');
    }
    query.push_str(name);
    query.push('=');
    push_encoded(query, value.as_bytes(), false);
}
