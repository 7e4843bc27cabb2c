//! The signature as headers: which are added, and how they are put into the request.

use http::{HeaderMap, HeaderValue, header::AUTHORIZATION, request::Parts};

use crate::{
    SigningError,
    canonical::{
        ALGORITHM, CanonicalRequest,
        headers::{CanonicalHeaders, Placement, X_AMZ_CONTENT_SHA256, X_AMZ_DATE, X_AMZ_SECURITY_TOKEN},
    },
    hex::Hex,
    input::{Input, MAX_HEADER_FIELDS},
};

/// The headers that sign a request, complete before the first of them is put in.
pub(crate) struct HeaderSignature {
    date: HeaderValue,
    token: Option<HeaderValue>,
    content_sha256: Option<HeaderValue>,
    authorization: HeaderValue,
}

impl HeaderSignature {
    /// The canonical request for signing by headers.
    pub(crate) fn canonical_request<'a>(
        head: &'a Parts,
        input: &'a Input<'_>,
    ) -> Result<CanonicalRequest<'a>, SigningError> {
        let placement = Placement::Headers {
            date: input.scope.time.timestamp(),
            token: input.signed_token(),
            content_sha256: input.settings.sign_body_header.then(|| input.payload_hash()),
        };
        Ok(CanonicalRequest {
            method: head.method.as_str(),
            path: head.uri.path(),
            queries: [head.uri.query().unwrap_or_default(), ""],
            headers: CanonicalHeaders::new(&head.headers, input.host(), placement, &input.settings)?,
            payload_hash: input.payload_hash(),
            settings: &input.settings,
        })
    }

    pub(crate) fn new(
        input: &Input<'_>,
        headers: &CanonicalHeaders<'_>,
        signature: &Hex,
    ) -> Result<Self, SigningError> {
        // Everything in these values was checked before; should that ever fail, the cause is the
        // input named here.
        let date = HeaderValue::from_str(input.scope.time.timestamp()).map_err(|_| SigningError::Time)?;
        let token = input.token().map(sensitive).transpose().map_err(|_| SigningError::SessionToken)?;
        let content_sha256 = input
            .settings
            .sign_body_header
            .then(|| HeaderValue::from_str(input.payload_hash()))
            .transpose()
            .map_err(|_| SigningError::PayloadHash)?;
        let authorization =
            sensitive(authorization(input, headers, signature)).map_err(|_| SigningError::AccessKeyId)?;
        Ok(Self { date, token, content_sha256, authorization })
    }

    /// Puts the headers in, or fails before it has changed any.
    pub(crate) fn commit(self, headers: &mut HeaderMap) -> Result<(), SigningError> {
        const ADDED: usize = 4;
        let count = headers.len();
        // With room for all of them, and far below the map's limit, none of the following can fail
        // or panic.
        headers.try_reserve(ADDED).map_err(|_| SigningError::TooManyHeaders { count, limit: MAX_HEADER_FIELDS })?;
        headers.insert(X_AMZ_DATE, self.date);
        match self.token {
            Some(token) => headers.insert(X_AMZ_SECURITY_TOKEN, token),
            None => headers.remove(X_AMZ_SECURITY_TOKEN),
        };
        if let Some(hash) = self.content_sha256 {
            headers.insert(X_AMZ_CONTENT_SHA256, hash);
        }
        headers.insert(AUTHORIZATION, self.authorization);
        Ok(())
    }
}

/// The value of `authorization`.
fn authorization(input: &Input<'_>, headers: &CanonicalHeaders<'_>, signature: &Hex) -> String {
    const USUAL_LENGTH: usize = 512;
    let mut value = String::with_capacity(USUAL_LENGTH);
    for part in [ALGORITHM, " Credential=", input.scope.access_key_id, "/"] {
        value.push_str(part);
    }
    input.scope.write(&mut value, "/");
    value.push_str(", SignedHeaders=");
    headers.write_names(&mut value, ";");
    value.push_str(", Signature=");
    value.push_str(signature.as_str());
    value
}

fn sensitive<T>(text: T) -> Result<HeaderValue, T::Error>
where
    T: TryInto<HeaderValue>,
{
    let mut value = text.try_into()?;
    value.set_sensitive(true);
    Ok(value)
}
