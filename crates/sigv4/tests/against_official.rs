//! Random requests, signed here and by AWS's own `aws-sigv4`: canonical differences show up as
//! different signatures.
//!
//! Where this crate differs on purpose (see the README) the official one is given what would arrive
//! at the server.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::{
    borrow::Cow,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_credential_types::Credentials;
use aws_sigv4::http_request as official;
use aws_smithy_runtime_api::client::identity::Identity;
use http::{HeaderName, HeaderValue, Request};
use proptest::{
    collection::vec,
    option,
    prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest},
    sample::select,
};
use sagewire_sigv4::{Payload, SessionTokenMode, Signer, SigningParams, SigningSettings, UNSIGNED_HEADERS};

/// What one random request is made of.
#[derive(Clone, Debug)]
struct Case {
    method: &'static str,
    authority: String,
    https: bool,
    path: String,
    query: Option<String>,
    headers: Vec<(&'static str, String)>,
    body: Body,
    credentials: (String, String, Option<String>),
    region: &'static str,
    service: &'static str,
    seconds: u64,
    settings: SigningSettings,
    expires_in: u64,
}

#[derive(Clone, Debug)]
enum Body {
    Bytes(Vec<u8>),
    /// So many equal bytes.
    Large(usize),
    Hash(String),
    Unsigned,
}

impl Body {
    fn bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Bytes(bytes) => Cow::Borrowed(bytes),
            Self::Large(length) => Cow::Owned(vec![b'x'; *length]),
            Self::Hash(_) | Self::Unsigned => Cow::Borrowed(&[]),
        }
    }

    fn ours<'a>(&'a self, bytes: &'a [u8]) -> Payload<'a> {
        match self {
            Self::Bytes(_) | Self::Large(_) => Payload::Bytes(bytes),
            Self::Hash(hash) => Payload::Sha256Hex(hash),
            Self::Unsigned => Payload::Unsigned,
        }
    }

    fn theirs<'a>(&'a self, bytes: &'a [u8]) -> official::SignableBody<'a> {
        match self {
            Self::Bytes(_) | Self::Large(_) => official::SignableBody::Bytes(bytes),
            Self::Hash(hash) => official::SignableBody::Precomputed(hash.clone()),
            Self::Unsigned => official::SignableBody::UnsignedPayload,
        }
    }
}

impl Case {
    fn uri(&self) -> String {
        let scheme = if self.https { "https" } else { "http" };
        let query = self.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{scheme}://{}{}{query}", self.authority, self.path)
    }

    fn request(&self) -> Request<()> {
        let mut request = Request::builder().method(self.method).uri(self.uri()).body(()).unwrap();
        for (name, value) in &self.headers {
            request.headers_mut().append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        request
    }

    fn time(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.seconds)
    }

    fn params(&self) -> SigningParams<'_> {
        let (id, secret, token) = &self.credentials;
        SigningParams {
            access_key_id: id,
            secret_access_key: secret,
            session_token: token.as_deref(),
            region: self.region,
            service: self.service,
            time: self.time(),
            settings: self.settings,
        }
    }

    /// Ours: the signed request.
    fn sign(&self, signer: &Signer, presign: bool) -> Request<()> {
        let (mut head, ()) = self.request().into_parts();
        let bytes = self.body.bytes();
        let (body, params) = (self.body.ours(&bytes), self.params());
        if presign {
            signer.presign(&mut head, body, &params, Duration::from_secs(self.expires_in)).unwrap();
        } else {
            signer.sign(&mut head, body, &params).unwrap();
        }
        Request::from_parts(head, ())
    }

    /// The official crate's signed request.
    fn sign_officially(&self, presign: bool) -> Request<()> {
        let (id, secret, token) = &self.credentials;
        let identity: Identity = Credentials::from_keys(id, secret, token.clone()).into();
        let mut settings = official::SigningSettings::default();
        settings.excluded_headers = Some(UNSIGNED_HEADERS.iter().map(|name| Cow::Borrowed(*name)).collect());
        if presign {
            settings.signature_location = official::SignatureLocation::QueryParams;
            settings.expires_in = Some(Duration::from_secs(self.expires_in));
        }
        if !self.settings.double_encode_path {
            settings.percent_encoding_mode = official::PercentEncodingMode::Single;
        }
        if !self.settings.normalize_path {
            settings.uri_path_normalization_mode = official::UriPathNormalizationMode::Disabled;
        }
        if self.settings.sign_body_header {
            settings.payload_checksum_kind = official::PayloadChecksumKind::XAmzSha256;
        }
        if self.settings.session_token == SessionTokenMode::Appended {
            settings.session_token_mode = official::SessionTokenMode::Exclude;
        }
        let params = aws_sigv4::sign::v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(self.time())
            .settings(settings)
            .build()
            .unwrap()
            .into();

        let bytes = self.body.bytes();
        // HTTP drops white space at the ends of a value, tabs included: this is what the server
        // sees.
        let arriving = self.headers.iter().map(|(name, value)| (*name, value.trim_matches([' ', '\t'])));
        let signable =
            official::SignableRequest::new(self.method, self.uri(), arriving, self.body.theirs(&bytes)).unwrap();
        let (instructions, _) = official::sign(signable, &params).unwrap().into_parts();
        let mut request = self.request();
        instructions.apply_to_request_http1x(&mut request);
        request
    }
}

/// Text of pieces that tend to go wrong.
fn pieces(pieces: Vec<&'static str>, count: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    vec(select(pieces), count).prop_map(|chosen| chosen.concat())
}

fn path() -> impl Strategy<Value = String> {
    const PIECES: &str =
        "/ / // /. /.. /./ /../ . .. ... a endpoints -_.~ %20 %2F %2f %25 %2E%2E %C3%A9 é ሴ @ : + !$&'()*,;= % %zz";
    pieces(PIECES.split(' ').collect(), 0..12).prop_map(|rest| format!("/{rest}"))
}

/// No percent-encoded bytes that are not UTF-8: the official crate replaces those.
fn query() -> impl Strategy<Value = String> {
    const PIECES: &str = "& & & = = a a b A 0 key Key -_.~ %20 + %2B %3d %26 %C3%A9 é ሴ %= %& %4 %zz / ? : @ !$'()*,; a=1 a=2 a=1 &a &b= X-Amz-Meta=1";
    pieces(PIECES.split(' ').collect(), 0..16)
}

fn header_value() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[" ", "  ", "   ", "\t", "a", "B", "\"a  b\"", ",", ";", "é", "=", "text/plain", "%20"];
    pieces(PIECES.to_vec(), 0..10)
}

fn headers() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    const NAMES: &str = "accept accept-encoding authorization connection content-length content-type cookie expect my-header \
                         my-header my-header-2 transfer-encoding traceparent user-agent via x-amz-checksum-mode x-amz-date \
                         x-amz-target x-amz-user-agent x-amzn-sagemaker-custom-attributes x-amzn-sagemaker-target-variant \
                         x-amzn-trace-id x_under zz";
    vec((select(NAMES.split(' ').collect::<Vec<_>>()), header_value()), 0..10)
}

fn body() -> impl Strategy<Value = Body> {
    prop_oneof![
        4 => vec(any::<u8>(), 0..200).prop_map(Body::Bytes),
        1 => Just(Body::Bytes(Vec::new())),
        1 => (60_000_usize..70_000).prop_map(Body::Large),
        1 => "[0-9a-f]{64}".prop_map(Body::Hash),
        1 => Just(Body::Unsigned),
    ]
}

fn settings() -> impl Strategy<Value = SigningSettings> {
    (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(double, normalize, body, appended)| {
        SigningSettings::default()
            .with_double_encode_path(double)
            .with_normalize_path(normalize)
            .with_sign_body_header(body)
            .with_session_token(if appended { SessionTokenMode::Appended } else { SessionTokenMode::Signed })
    })
}

fn case() -> impl Strategy<Value = Case> {
    let authority = (
        select(vec!["runtime.sagemaker.us-east-1.amazonaws.com", "localhost", "127.0.0.1", "[::1]", "Example.COM"]),
        select(vec!["", "", ":80", ":443", ":4566"]),
    )
        .prop_map(|(host, port)| format!("{host}{port}"));
    let target = (select(vec!["GET", "POST", "PUT", "DELETE"]), authority, any::<bool>(), path(), option::of(query()));
    let credentials =
        ("AKIA[A-Z0-9]{1,16}", "[!-~]{1,90}", option::of("[!-~]{1,40}".prop_map(|token| token.repeat(9))));
    let scope = (select(vec!["us-east-1", "eu-central-1"]), select(vec!["sagemaker", "sts"]), 0_u64..253_402_300_800);
    (target, headers(), body(), credentials, scope, settings(), 1_u64..=604_800).prop_map(
        |((method, authority, https, path, query), headers, body, credentials, scope, settings, expires_in)| {
            let (region, service, seconds) = scope;
            Case {
                method,
                authority,
                https,
                path,
                query,
                headers,
                body,
                credentials,
                region,
                service,
                seconds,
                settings,
                expires_in,
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn header_signing_agrees(case in case()) {
        let signer = Signer::new();
        let expected = case.sign_officially(false);
        // The second time the key comes from the cache.
        for _ in 0..2 {
            let signed = case.sign(&signer, false);
            proptest::prop_assert_eq!(signed.headers(), expected.headers());
            proptest::prop_assert_eq!(signed.uri(), expected.uri());
        }
    }

    #[test]
    fn presigning_agrees(case in case()) {
        let signer = Signer::new();
        let (request, expected) = (case.request(), case.sign_officially(true));
        for _ in 0..2 {
            let signed = case.sign(&signer, true);
            proptest::prop_assert_eq!(signed.headers(), request.headers());
            proptest::prop_assert_eq!(signed.uri().path(), expected.uri().path());
            proptest::prop_assert_eq!(sorted_query(&signed), sorted_query(&expected));
        }
    }
}

/// The order in which parameters are written down is nobody's business.
fn sorted_query(request: &Request<()>) -> Vec<&str> {
    let mut pairs: Vec<_> = request.uri().query().unwrap().split('&').collect();
    pairs.sort_unstable();
    pairs
}
