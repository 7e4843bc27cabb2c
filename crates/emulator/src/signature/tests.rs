use super::*;
use crate::keys::Key;
use aws_sigv4::http_request::PayloadChecksumKind;
use http::{HeaderName, HeaderValue, Request};
use std::time::UNIX_EPOCH;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const BODY: &[u8] = br#"{"inputs": "Hi"}"#;

fn noon() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_440_936_000)
}

fn keys() -> KeyRing {
    let keys = KeyRing::default();
    keys.insert("AKIDEXAMPLE", Key::user("AKIDEXAMPLE", SECRET.to_owned(), None));
    keys.insert("ASIAEXAMPLE", Key::user("ASIAEXAMPLE", SECRET.to_owned(), Some("the/token+=".to_owned())));
    let gone = Key { expires: Some(noon()), ..Key::user("ASIAGONE", SECRET.to_owned(), Some("token".to_owned())) };
    keys.insert("ASIAGONE", gone);
    keys
}

/// How a test's request is signed; what is not given is right.
struct Signer {
    access_key_id: &'static str,
    secret: &'static str,
    token: Option<&'static str>,
    service: &'static str,
    region: &'static str,
    time: SystemTime,
    settings: SigningSettings,
}

impl Default for Signer {
    fn default() -> Self {
        Self {
            access_key_id: "AKIDEXAMPLE",
            secret: SECRET,
            token: None,
            service: "sagemaker",
            region: "eu-west-1",
            time: noon(),
            settings: SigningSettings::default(),
        }
    }
}

impl Signer {
    fn presigned(mut self, expires: Duration) -> Self {
        self.settings.signature_location = SignatureLocation::QueryParams;
        self.settings.expires_in = Some(expires);
        self
    }

    fn request(&self) -> Request<Vec<u8>> {
        let mut request = Request::post("http://localhost:8080/endpoints/bad%20name/invocations?b=2&a=x%20y")
            .header("host", "localhost:8080")
            .header("content-type", "application/json")
            .header("x-amzn-sagemaker-custom-attributes", "  a   b ")
            .header("user-agent", "test")
            .body(BODY.to_vec())
            .unwrap();
        let identity =
            Credentials::new(self.access_key_id, self.secret, self.token.map(Into::into), None, "test").into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(self.time)
            .settings(self.settings.clone())
            .build()
            .unwrap()
            .into();
        let headers = request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
        let signable =
            SignableRequest::new("POST", request.uri().to_string(), headers, SignableBody::Bytes(BODY)).unwrap();
        let (instructions, _) = sign(signable, &parameters).unwrap().into_parts();
        instructions.apply_to_request_http1x(&mut request);
        request
    }
}

fn judged(request: &Request<Vec<u8>>) -> Result<Caller, AwsError> {
    judged_at(request, noon())
}

fn judged_at(request: &Request<Vec<u8>>, now: SystemTime) -> Result<Caller, AwsError> {
    let signed = Signed {
        method: request.method().as_str(),
        path: request.uri().path(),
        query: request.uri().query(),
        headers: request.headers(),
        body: request.body(),
    };
    verify(signed, "sagemaker", &keys(), now)
}

fn refused(request: &Request<Vec<u8>>) -> (String, String) {
    let error = judged(request).unwrap_err();
    assert_eq!(error.status(), 403);
    (error.code().to_owned(), error.message().unwrap().to_owned())
}

fn without(mut request: Request<Vec<u8>>, header: &str) -> Request<Vec<u8>> {
    request.headers_mut().remove(header).unwrap();
    request
}

fn with(mut request: Request<Vec<u8>>, header: &'static str, value: &str) -> Request<Vec<u8>> {
    request.headers_mut().insert(HeaderName::from_static(header), HeaderValue::from_str(value).unwrap());
    request
}

fn with_authorization(request: Request<Vec<u8>>, change: impl Fn(&str) -> String) -> Request<Vec<u8>> {
    let changed = change(request.headers()["authorization"].to_str().unwrap());
    with(request, "authorization", &changed)
}

fn mismatch(request: &Request<Vec<u8>>) {
    let (code, message) = refused(request);
    assert_eq!(code, "InvalidSignatureException");
    assert!(message.starts_with("The request signature we calculated does not match"), "{message}");
}

#[test]
fn what_the_official_signer_signs_is_accepted() {
    let caller = judged(&Signer::default().request()).unwrap();
    assert_eq!((caller.access_key_id.as_str(), caller.region.as_str()), ("AKIDEXAMPLE", "eu-west-1"));
    let mut settings = SigningSettings::default();
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    judged(&Signer { settings, ..Signer::default() }.request()).unwrap();
    let session = Signer { access_key_id: "ASIAEXAMPLE", token: Some("the/token+="), ..Signer::default() };
    judged(&session.request()).unwrap();
    // A load balancer may have added this header.
    judged(&with(Signer::default().request(), "x-amzn-trace-id", "Root=1")).unwrap();
}

#[test]
fn presigned_requests_are_accepted_while_they_last() {
    let signed = Signer::default().presigned(Duration::from_secs(900)).request();
    assert!(signed.headers().get("authorization").is_none());
    judged(&signed).unwrap();
    judged_at(&signed, noon() + Duration::from_secs(900)).unwrap();
    let late = judged_at(&signed, noon() + Duration::from_secs(901)).unwrap_err();
    assert!(late.message().unwrap().starts_with("Signature expired: 20150830T120000Z is now earlier than"), "{late:?}");
    let session = Signer { access_key_id: "ASIAEXAMPLE", token: Some("the/token+="), ..Signer::default() };
    let signed = session.presigned(Duration::from_secs(900)).request();
    judged(&signed).unwrap();
    let query = signed.uri().to_string().replace("a=x", "a=z");
    let mut changed = signed;
    *changed.uri_mut() = query.parse().unwrap();
    mismatch(&changed);
}

#[test]
fn whatever_is_signed_may_not_change() {
    mismatch(&Signer { secret: "another", ..Signer::default() }.request());
    let mut changed = Signer::default().request();
    changed.body_mut().push(b' ');
    mismatch(&changed);
    mismatch(&with(Signer::default().request(), "content-type", "text/plain"));
    mismatch(&with(Signer::default().request(), "host", "other:8080"));
    mismatch(&with(Signer::default().request(), "x-amzn-sagemaker-custom-attributes", "c"));
    for (from, to) in [("bad%20name", "bad%20names"), ("b=2", "b=3")] {
        let mut changed = Signer::default().request();
        *changed.uri_mut() = changed.uri().to_string().replace(from, to).parse().unwrap();
        mismatch(&changed);
    }
    let mut changed = Signer::default().request();
    *changed.method_mut() = http::Method::PUT;
    mismatch(&changed);
    mismatch(&without(Signer::default().request(), "content-type"));
    // The whole signature counts, its length too.
    mismatch(&with_authorization(Signer::default().request(), |text| text.get(..text.len() - 1).unwrap().to_owned()));
    mismatch(&with_authorization(Signer::default().request(), |text| {
        let last = if text.ends_with('0') { '1' } else { '0' };
        format!("{}{last}", text.get(..text.len() - 1).unwrap())
    }));
    mismatch(&with_authorization(Signer::default().request(), |text| text.replace("eu-west-1", "us-east-1")));
}

#[test]
fn what_must_be_signed_must_be_signed() {
    let request = with(Signer::default().request(), "x-amz-meta", "m");
    let (code, message) = refused(&request);
    assert_eq!(code, "InvalidSignatureException");
    assert!(message.contains("'x-amz-meta'"), "{message}");
    // Gateways add such headers behind the signer, and AWS takes them.
    judged(&with(Signer::default().request(), "x-amzn-sagemaker-target-model", "m")).unwrap();
    let unsigned_host = |text: &str| text.replace("SignedHeaders=content-type;host;", "SignedHeaders=content-type;");
    let (_, message) = refused(&with_authorization(Signer::default().request(), unsigned_host));
    assert_eq!(message, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
    let unsigned_date = |text: &str| text.replace("x-amz-date;", "");
    let (_, message) = refused(&with_authorization(Signer::default().request(), unsigned_date));
    assert!(message.contains("'x-amz-date'"), "{message}");
    let mut settings = SigningSettings::default();
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let mut request = Signer { settings, ..Signer::default() }.request();
    *request.body_mut() = b"other".to_vec();
    assert!(refused(&request).1.contains("x-amz-content-sha256"));
}

#[test]
fn keys_and_tokens_must_be_known() {
    let unknown =
        ("UnrecognizedClientException".to_owned(), "The security token included in the request is invalid.".to_owned());
    for (access_key_id, token) in
        [("AKIDOTHER", None), ("ASIAEXAMPLE", None), ("ASIAEXAMPLE", Some("other")), ("AKIDEXAMPLE", Some("any"))]
    {
        assert_eq!(
            refused(&Signer { access_key_id, token, ..Signer::default() }.request()),
            unknown,
            "{access_key_id} {token:?}"
        );
    }
    let gone = Signer { access_key_id: "ASIAGONE", token: Some("token"), ..Signer::default() }.request();
    assert_eq!(refused(&gone).0, "ExpiredTokenException");
    let scope = Signer { service: "bedrock", ..Signer::default() }.request();
    assert_eq!(
        refused(&scope),
        (
            "InvalidSignatureException".to_owned(),
            "Credential should be scoped to correct service: 'sagemaker'. ".to_owned()
        )
    );
}

#[test]
fn clocks_may_differ_by_five_minutes() {
    let at = |offset: i64| {
        let time = if offset < 0 {
            noon() - Duration::from_secs(offset.unsigned_abs())
        } else {
            noon() + Duration::from_secs(offset.unsigned_abs())
        };
        judged(&Signer { time, ..Signer::default() }.request()).map_err(|error| error.message().unwrap().to_owned())
    };
    assert!(at(-300).is_ok() && at(300).is_ok());
    assert_eq!(
        at(-301).unwrap_err(),
        "Signature expired: 20150830T115459Z is now earlier than 20150830T115500Z (20150830T120000Z - 5 min.)"
    );
    assert_eq!(
        at(301).unwrap_err(),
        "Signature not yet current: 20150830T120501Z is still later than 20150830T120500Z (20150830T120000Z + 5 min.)"
    );
    let other_day = |text: &str| text.replace("/20150830/", "/20150829/");
    let (_, message) = refused(&with_authorization(Signer::default().request(), other_day));
    assert_eq!(
        message,
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20150829' != '20150830', from '20150830T120000Z'."
    );
}

#[test]
fn half_a_signature_is_told_what_it_lacks() {
    let (code, _) = refused(&without(Signer::default().request(), "authorization"));
    assert_eq!(code, "MissingAuthenticationTokenException");
    let request = with(Signer::default().request(), "authorization", "Bearer hush-hush");
    let (code, message) = refused(&request);
    assert_eq!(code, "IncompleteSignatureException");
    assert!(!message.contains("hush"));
    let (code, message) = refused(&with(Signer::default().request(), "authorization", "AWS4-HMAC-SHA256 Signature=a"));
    assert_eq!(code, "IncompleteSignatureException");
    assert_eq!(
        message,
        "Authorization header requires 'Credential' parameter. Authorization header requires 'SignedHeaders' parameter."
    );
    let (code, message) = refused(&without(Signer::default().request(), "x-amz-date"));
    assert_eq!((code.as_str(), message.contains("'X-Amz-Date'")), ("IncompleteSignatureException", true));
    let (code, _) = refused(&with(Signer::default().request(), "x-amz-date", "yesterday"));
    assert_eq!(code, "IncompleteSignatureException");
    for scope in ["AKIDEXAMPLE/20150830/eu-west-1/aws4_request", "AKIDEXAMPLE/20150830/eu-west-1/sagemaker/aws5"] {
        let request = with_authorization(Signer::default().request(), |text| {
            text.replace("AKIDEXAMPLE/20150830/eu-west-1/sagemaker/aws4_request", scope)
        });
        assert_eq!(refused(&request).0, "IncompleteSignatureException");
    }
    let presigned = |from: &str, to: &str| {
        let mut request = Signer::default().presigned(Duration::from_secs(60)).request();
        *request.uri_mut() = request.uri().to_string().replace(from, to).parse().unwrap();
        refused(&request).0
    };
    for (from, to) in [
        ("X-Amz-Expires=60", "X-Amz-Expires=604801"),
        ("X-Amz-Expires=60", "X-Amz-Expires=soon"),
        ("X-Amz-Credential=", "X-Amz-C="),
        ("HMAC-SHA256", "HMAC-MD5"),
    ] {
        assert_eq!(presigned(from, to), "IncompleteSignatureException");
    }
}

#[test]
fn a_claim_prints_no_signature_and_no_token() {
    let session = Signer { access_key_id: "ASIAEXAMPLE", token: Some("the/token+="), ..Signer::default() };
    let request = session.request();
    let claim = Claim::read(request.headers(), None).unwrap();
    for text in [format!("{claim:?}"), format!("{claim:#?}")] {
        assert!(!text.contains("the/token") && !text.contains(&claim.signature), "{text}");
    }
}
