//! [`Signer`]: signs a request's head in place, by headers or by query, or not at all.
//!
//! Owns the order of the steps and the promise that a failed call changes nothing. The texts are
//! `canonical`'s, the keys `cache`'s.

use std::{fmt, time::Duration};

use http::request::Parts;
use sha2::{Digest, Sha256};

use crate::{
    Payload, SigningError, SigningParams, SigningTrace,
    cache::KeyCache,
    canonical::{self, CanonicalRequest, Form},
    header_signature::HeaderSignature,
    hex::Hex,
    input::{Input, Scope},
    query_signature::QuerySignature,
};

/// Signs requests with AWS Signature Version 4 and keeps the signing keys it derives.
///
/// Up to 64 keys are kept, each for one credential, day, region and service. They, and the secrets
/// they are compared by, are overwritten in memory when they are given up and when the signer is
/// dropped. Share one signer in an `Arc`: signing takes `&self`, and threads do not wait for each
/// other but while a new key is stored.
///
/// `Debug` shows the number of keys and nothing else.
#[derive(Default)]
pub struct Signer {
    keys: KeyCache,
}

impl Signer {
    /// A signer that has no keys yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Signs by headers: adds `x-amz-date`, `x-amz-security-token` (when there is a token),
    /// `x-amz-content-sha256` (when the settings say so) and `authorization`.
    ///
    /// - Headers of these names that the request already has are replaced; a token left from an
    ///   earlier signing is removed when there is none now. So a request can be signed again, for a
    ///   retry or with other credentials.
    /// - `authorization` and `x-amz-security-token` are marked sensitive.
    /// - Every header is signed but [`UNSIGNED_HEADERS`](crate::UNSIGNED_HEADERS). Whatever is
    ///   added afterwards is not covered.
    /// - `host` is signed as the `Host` header gives it, else as the URI does, with the port where
    ///   it is not the scheme's own. A `Host` header is **not** added: HTTP clients write the same
    ///   one from the URI, and HTTP/2 has none.
    ///
    /// ```
    /// use std::time::{Duration, UNIX_EPOCH};
    /// use sagewire_sigv4::{Payload, Signer, SigningParams, SigningSettings};
    ///
    /// let (mut head, body) = http::Request::post("https://runtime.sagemaker.us-east-1.amazonaws.com/endpoints/e/invocations")
    ///     .header("content-type", "application/json")
    ///     .body(r#"{"inputs": "hi"}"#)?
    ///     .into_parts();
    /// Signer::new().sign(&mut head, Payload::Bytes(body.as_bytes()), &SigningParams {
    ///     access_key_id: "AKIDEXAMPLE",
    ///     secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    ///     session_token: None,
    ///     region: "us-east-1",
    ///     service: "sagemaker",
    ///     time: UNIX_EPOCH + Duration::from_secs(1_440_938_160),
    ///     settings: SigningSettings::default(),
    /// })?;
    /// assert_eq!(head.headers["x-amz-date"], "20150830T123600Z");
    /// assert!(head.headers["authorization"].is_sensitive());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// See [AWS: create a signed
    /// request](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).
    ///
    /// # Errors
    /// Any [`SigningError`] but those of presigning. `head` is then untouched.
    pub fn sign(&self, head: &mut Parts, body: Payload<'_>, params: &SigningParams<'_>) -> Result<(), SigningError> {
        let input = Input::new(head, body, params)?;
        let canonical = HeaderSignature::canonical_request(head, &input)?;
        let signature = self.signature(&canonical, &input.scope);
        let signed = HeaderSignature::new(&input, &canonical.headers, &signature)?;
        signed.commit(&mut head.headers)
    }

    /// Signs by query: adds the `X-Amz-*` parameters, so that the URL alone is the permission,
    /// until `expires_in` has passed since [`time`](SigningParams::time).
    ///
    /// - Only the URI is changed: the parameters go behind the request's own, which stay as they
    ///   are written. Those of an earlier presigning are replaced.
    /// - `expires_in` counts in whole seconds, from 1 to 604,800 (7 days). Temporary credentials
    ///   end it sooner.
    /// - Every header of the request is signed as in [`sign`](Self::sign), and the user of the URL
    ///   must send the same: set as few as possible. `x-amz-user-agent` and `x-amz-checksum-mode`
    ///   are left out.
    /// - Anyone who has the URL can use it: treat it as a secret.
    ///
    /// See [AWS: query
    /// parameters](https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html).
    ///
    /// # Errors
    /// Any [`SigningError`]. `head` is then untouched.
    pub fn presign(
        &self,
        head: &mut Parts,
        body: Payload<'_>,
        params: &SigningParams<'_>,
        expires_in: Duration,
    ) -> Result<(), SigningError> {
        let input = Input::new(head, body, params)?;
        let query = QuerySignature::new(head, &input, expires_in)?;
        let canonical = query.canonical_request(head, &input)?;
        let signature = self.signature(&canonical, &input.scope);
        head.uri = query.signed_uri(head, &input, &signature)?;
        Ok(())
    }

    /// The stages of what [`sign`](Self::sign) would do, to compare with AWS's answer when it
    /// refuses a signature.
    ///
    /// # Errors
    /// As [`sign`](Self::sign).
    pub fn explain(
        &self,
        head: &Parts,
        body: Payload<'_>,
        params: &SigningParams<'_>,
    ) -> Result<SigningTrace, SigningError> {
        let input = Input::new(head, body, params)?;
        let canonical = HeaderSignature::canonical_request(head, &input)?;
        Ok(SigningTrace::new(&canonical, &input.scope, &self.signature(&canonical, &input.scope)))
    }

    /// The stages of what [`presign`](Self::presign) would do.
    ///
    /// # Errors
    /// As [`presign`](Self::presign).
    pub fn explain_presign(
        &self,
        head: &Parts,
        body: Payload<'_>,
        params: &SigningParams<'_>,
        expires_in: Duration,
    ) -> Result<SigningTrace, SigningError> {
        let input = Input::new(head, body, params)?;
        let query = QuerySignature::new(head, &input, expires_in)?;
        let canonical = query.canonical_request(head, &input)?;
        Ok(SigningTrace::new(&canonical, &input.scope, &self.signature(&canonical, &input.scope)))
    }

    /// One buffer for both texts: the first is only needed for its hash.
    fn signature(&self, canonical: &CanonicalRequest<'_>, scope: &Scope<'_>) -> Hex {
        let mut text = String::with_capacity(canonical.size_hint());
        canonical.write(&mut text, Form::Exact);
        let hash = Hex::new(&Sha256::digest(&text).into());
        text.clear();
        canonical::write_string_to_sign(&mut text, scope, &hash);
        Hex::new(&self.keys.sign(scope, &text))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("cached_keys", &self.keys.len()).finish()
    }
}
