//! Canonical requests, against the official signer: a difference shows up as another signature.
//!
//! The input is a request as text: the method and the target, headers, an empty line, and the body.
//! Where `sagewire-sigv4` differs on purpose (its README lists these), the input is passed over.

use std::{
    borrow::Cow,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_credential_types::Credentials;
use aws_sigv4::http_request as official;
use aws_smithy_runtime_api::client::identity::Identity;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use percent_encoding::percent_decode_str;
use sagewire_sigv4::{Payload, Signer, SigningError, SigningParams, SigningSettings, UNSIGNED_HEADERS};

use super::Bound;

const ACCESS_KEY_ID: &str = "AKIDEXAMPLE";
const SECRET_ACCESS_KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const REGION: &str = "us-east-1";
const SERVICE: &str = "sagemaker";

/// The canonical request holds each header once more, and the query sorted.
pub const BOUND: Bound = Bound::small(200, 600);

/// Signs the request.
pub fn read(input: &[u8]) {
    if let Some((request, body)) = request(input) {
        let _ = sign(&request, body);
    }
}

/// Both signers give the same headers, or ours refuses what cannot be signed.
///
/// # Panics
/// Where this is not so.
pub fn check(input: &[u8]) {
    let Some((request, body)) = request(input) else { return };
    let expected = officially(&request, body);
    let head = sign(&request, body).expect("a request with a host can be signed");
    assert_eq!(head.headers, *expected.headers(), "{} {}", head.method, head.uri);
    assert_eq!(head.uri, *expected.uri());
}

/// The request's head as we sign it.
fn sign(request: &Request<()>, body: &[u8]) -> Result<http::request::Parts, SigningError> {
    let (mut head, ()) = clone(request).into_parts();
    let params = SigningParams {
        access_key_id: ACCESS_KEY_ID,
        secret_access_key: SECRET_ACCESS_KEY,
        session_token: None,
        region: REGION,
        service: SERVICE,
        time: time(),
        settings: SigningSettings::default(),
    };
    Signer::new().sign(&mut head, Payload::Bytes(body), &params)?;
    Ok(head)
}

fn time() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_440_938_160)
}

fn clone(request: &Request<()>) -> Request<()> {
    let mut copy = Request::builder().method(request.method()).uri(request.uri()).body(()).unwrap();
    copy.headers_mut().clone_from(request.headers());
    copy
}

/// The request that the input describes, where both signers are to agree on it.
fn request(input: &[u8]) -> Option<(Request<()>, &[u8])> {
    let end = input.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = end.map_or((input, &[][..]), |end| (&input[..end], &input[end + 2..]));
    let mut lines = std::str::from_utf8(head).ok()?.split('\n');
    let (method, target) = lines.next()?.split_once(' ')?;
    let method: Method = method.parse().ok()?;
    let uri: Uri = format!("https://runtime.sagemaker.us-east-1.amazonaws.com{target}").parse().ok()?;
    if !target.starts_with('/') || !is_utf8_once_decoded(uri.query().unwrap_or_default()) {
        return None;
    }
    let mut request = Request::builder().method(method).uri(uri).body(()).ok()?;
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let name: HeaderName = name.parse().ok()?;
        // They are replaced by the signature's own, and HTTP carries no blanks at the ends of a value.
        if name.as_str() == "host" || name.as_str() == "authorization" || name.as_str().starts_with("x-amz-") {
            return None;
        }
        request.headers_mut().append(name, HeaderValue::from_str(value.trim_matches([' ', '\t'])).ok()?);
    }
    Some((request, body))
}

fn is_utf8_once_decoded(text: &str) -> bool {
    percent_decode_str(text).decode_utf8().is_ok()
}

fn officially(request: &Request<()>, body: &[u8]) -> Request<()> {
    let identity: Identity = Credentials::from_keys(ACCESS_KEY_ID, SECRET_ACCESS_KEY, None).into();
    let mut settings = official::SigningSettings::default();
    settings.excluded_headers = Some(UNSIGNED_HEADERS.iter().map(|name| Cow::Borrowed(*name)).collect());
    let params = aws_sigv4::sign::v4::SigningParams::builder()
        .identity(&identity)
        .region(REGION)
        .name(SERVICE)
        .time(time())
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let headers =
        request.headers().iter().map(|(name, value)| (name.as_str(), std::str::from_utf8(value.as_bytes()).unwrap()));
    let signable = official::SignableRequest::new(
        request.method().as_str(),
        request.uri().to_string(),
        headers,
        official::SignableBody::Bytes(body),
    )
    .unwrap();
    let (instructions, _) = official::sign(signable, &params).unwrap().into_parts();
    let mut signed = clone(request);
    instructions.apply_to_request_http1x(&mut signed);
    signed
}
