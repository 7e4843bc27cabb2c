//! What callers rely on beside the right signature: a failed call changes nothing, signing again
//! starts afresh, nothing secret shows.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

use std::{
    error::Error as _,
    fmt::Debug,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::{HeaderName, HeaderValue, Method, Request, header, request::Parts};
use sagewire_sigv4::{Payload, SessionTokenMode, Signer, SigningError, SigningParams, SigningSettings};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const TOKEN: &str = "IQoJb3JpZ2luX2VjEXAMPLETOKEN==";
const BODY: &[u8] = b"the body of the prompt";
const HOUR: Duration = Duration::from_secs(3600);

fn params() -> SigningParams<'static> {
    SigningParams {
        access_key_id: "AKIDEXAMPLE",
        secret_access_key: SECRET,
        session_token: Some(TOKEN),
        region: "us-east-1",
        service: "sagemaker",
        time: UNIX_EPOCH + Duration::from_secs(1_440_938_160),
        settings: SigningSettings::default(),
    }
}

fn head() -> Parts {
    head_for("https://runtime.sagemaker.us-east-1.amazonaws.com/endpoints/e/invocations?a=1")
}

fn head_for(uri: &str) -> Parts {
    let request = Request::post(uri).header("content-type", "application/json").header("x-amz-date", "old").body(());
    request.unwrap().into_parts().0
}

fn text(head: &Parts, name: &str) -> String {
    head.headers[name].to_str().unwrap().to_owned()
}

fn signed(head: &Parts) -> Parts {
    let mut head = head.clone();
    Signer::new().sign(&mut head, Payload::Bytes(BODY), &params()).unwrap();
    head
}

/// Everything of a head that can be compared.
fn state(head: &Parts) -> (Method, String, Vec<(HeaderName, HeaderValue, bool)>) {
    let fields = head.headers.iter().map(|(name, value)| (name.clone(), value.clone(), value.is_sensitive()));
    (head.method.clone(), head.uri.to_string(), fields.collect())
}

/// Signs both ways and explains both, expects the error of each, and checks that nothing was
/// touched.
fn both_fail(
    mut head: Parts,
    body: Payload<'_>,
    params: &SigningParams<'_>,
    is_expected: impl Fn(&SigningError) -> bool,
) {
    let (before, signer) = (state(&head), Signer::new());
    let errors = [
        signer.explain(&head, body, params).unwrap_err(),
        signer.explain_presign(&head, body, params, HOUR).unwrap_err(),
        signer.sign(&mut head, body, params).unwrap_err(),
        signer.presign(&mut head, body, params, HOUR).unwrap_err(),
    ];
    for error in errors {
        assert!(is_expected(&error), "{error:?}");
        hides_secrets(&error);
        assert_eq!(state(&head), before);
    }
    assert_eq!(format!("{signer:?}"), "Signer { cached_keys: 0 }", "a failed call derives no key");
}

fn shows_no_secret(shown: &str) {
    for secret in [SECRET, TOKEN, "wJalr", "EXAMPLETOKEN", "prompt"] {
        assert!(!shown.contains(secret), "{secret} shows in {shown}");
    }
}

fn hides_secrets(value: &impl Debug) {
    shows_no_secret(&format!("{value:?}"));
    shows_no_secret(&format!("{value:#?}"));
}

macro_rules! both_fail_with {
    ($head:expr, $body:expr, $params:expr, $error:pat) => {
        both_fail($head, $body, &$params, |error| matches!(error, $error))
    };
}

#[test]
fn bad_credentials_and_scopes_change_nothing() {
    let body = Payload::Bytes(BODY);
    for access_key_id in ["", "AKID EXAMPLE", "AKID\n", "AK/ID", "AK,ID", "AKID\u{e9}"] {
        both_fail_with!(head(), body, SigningParams { access_key_id, ..params() }, SigningError::AccessKeyId);
    }
    for secret_access_key in ["", "wJalr\n", " wJalr"] {
        both_fail_with!(head(), body, SigningParams { secret_access_key, ..params() }, SigningError::SecretAccessKey);
    }
    for token in ["EXAMPLETOKEN\n", "EXAMPLE TOKEN", "\u{e9}", "\u{7f}"] {
        let params = SigningParams { session_token: Some(token), ..params() };
        both_fail_with!(head(), body, params, SigningError::SessionToken);
    }
    for part in ["", "us east", "us/east", "\u{e9}", "a\nb"] {
        both_fail_with!(head(), body, SigningParams { region: part, ..params() }, SigningError::Region);
        both_fail_with!(head(), body, SigningParams { service: part, ..params() }, SigningError::Service);
    }
}

#[test]
fn times_without_a_timestamp_change_nothing() {
    for time in [
        UNIX_EPOCH - Duration::from_nanos(1),
        UNIX_EPOCH - HOUR,
        UNIX_EPOCH + Duration::from_secs(253_402_300_800),
        UNIX_EPOCH + Duration::from_secs(1 << 60),
    ] {
        both_fail_with!(head(), Payload::Bytes(BODY), SigningParams { time, ..params() }, SigningError::Time);
    }
}

#[test]
fn bad_payload_hashes_change_nothing() {
    for hash in ["", "e3b0c442", &"E".repeat(64), &"g".repeat(64), &"a".repeat(65)] {
        both_fail_with!(head(), Payload::Sha256Hex(hash), params(), SigningError::PayloadHash);
    }
}

#[test]
fn bad_hosts_and_headers_change_nothing() {
    let body = Payload::Bytes(BODY);
    both_fail_with!(head_for("/endpoints/e/invocations"), body, params(), SigningError::HostMissing);
    let mut blank = head();
    blank.headers.insert(header::HOST, HeaderValue::from_static(" "));
    both_fail_with!(blank, body, params(), SigningError::HostMissing);

    let mut repeated = head();
    repeated.headers.append(header::HOST, HeaderValue::from_static("a"));
    repeated.headers.append(header::HOST, HeaderValue::from_static("a"));
    both_fail_with!(repeated, body, params(), SigningError::HostRepeated);

    let mut binary = head();
    binary.headers.insert("x-text", HeaderValue::from_bytes(b"prompt \xff").unwrap());
    both_fail(binary, body, &params(), |error| {
        matches!(error, SigningError::HeaderEncoding { name } if name == "x-text")
            && error.to_string().contains("invalid UTF-8 in the header `x-text`")
    });

    let mut crowded = head();
    for _ in 0..4096 {
        crowded.headers.append("x-many", HeaderValue::from_static("a"));
    }
    both_fail_with!(crowded, body, params(), SigningError::TooManyHeaders { count: 4098, limit: 4096 });
}

#[test]
fn lifetimes_out_of_range_change_nothing() {
    for (expires_in, seconds) in
        [(Duration::ZERO, 0), (Duration::from_millis(999), 0), (Duration::from_secs(604_801), 604_801)]
    {
        let (mut head, signer) = (head(), Signer::new());
        let before = state(&head);
        let error = signer.presign(&mut head, Payload::Bytes(BODY), &params(), expires_in).unwrap_err();
        assert!(matches!(error, SigningError::ExpiresIn { seconds: told } if told == seconds));
        assert_eq!(state(&head), before);
    }
    for expires_in in [Duration::from_millis(1_999), Duration::from_secs(604_800)] {
        let mut head = head();
        Signer::new().presign(&mut head, Payload::Bytes(BODY), &params(), expires_in).unwrap();
        let expected = format!("&X-Amz-Expires={}&", expires_in.as_secs());
        assert!(head.uri.query().unwrap().contains(&expected));
    }
}

#[test]
fn a_presigned_uri_that_is_too_long_changes_nothing_and_keeps_its_cause() {
    let mut head = head_for(&format!("https://h/{}", "a".repeat(65_400)));
    let before = state(&head);
    let error = Signer::new().presign(&mut head, Payload::Bytes(BODY), &params(), HOUR).unwrap_err();
    assert!(matches!(error, SigningError::PresignedUri { .. }));
    assert!(error.source().is_some());
    hides_secrets(&error);
    assert_eq!(state(&head), before);
}

#[test]
fn every_error_says_what_to_do() {
    let errors = [
        SigningError::AccessKeyId,
        SigningError::SecretAccessKey,
        SigningError::SessionToken,
        SigningError::Region,
        SigningError::Service,
        SigningError::Time,
        SigningError::PayloadHash,
        SigningError::HostMissing,
        SigningError::HostRepeated,
        SigningError::HeaderEncoding { name: "x".to_owned() },
        SigningError::TooManyHeaders { count: 2, limit: 1 },
    ];
    for error in errors {
        let told = error.to_string();
        // What was expected, or after a semicolon what to do.
        let advice = told.split_once("; ").or_else(|| told.split_once(": "));
        assert!(advice.is_some_and(|(_, advice)| !advice.is_empty()), "{told}");
    }
}

#[test]
fn secrets_do_not_show_but_the_rest_does() {
    let (signer, params) = (Signer::new(), params());
    hides_secrets(&params);
    let shown = format!("{params:?}");
    for visible in ["AKIDEXAMPLE", "us-east-1", "sagemaker", "[redacted]"] {
        assert!(shown.contains(visible), "{shown}");
    }
    hides_secrets(&Payload::Bytes(BODY));
    assert_eq!(format!("{:?}", Payload::Bytes(BODY)), "Bytes(22 bytes)");

    let mut head = head();
    head.headers.insert(header::COOKIE, HeaderValue::from_static("prompt=1"));
    signer.sign(&mut head, Payload::Bytes(BODY), &params).unwrap();
    hides_secrets(&signer);
    assert_eq!(format!("{signer:?}"), "Signer { cached_keys: 1 }");

    let traces = [
        signer.explain(&head, Payload::Bytes(BODY), &params).unwrap(),
        signer.explain_presign(&head, Payload::Bytes(BODY), &params, HOUR).unwrap(),
    ];
    for trace in traces {
        hides_secrets(&trace);
        shows_no_secret(&trace.to_string());
        assert!(trace.to_string().contains("cookie:[redacted]\n"));
        assert!(!trace.to_string().contains(trace.signature()) && !format!("{trace:?}").contains(trace.signature()));
        assert!(trace.canonical_request().contains("EXAMPLETOKEN"), "the exact text is what was signed");
    }
    head.headers.remove(header::COOKIE);
    head.extensions.clear();
    hides_secrets(&head);
}

#[test]
fn added_headers_are_marked_and_replace_older_ones() {
    let mut head = head();
    for name in ["authorization", "x-amz-security-token", "x-amz-date"] {
        head.headers.append(name, HeaderValue::from_static("old"));
        head.headers.append(name, HeaderValue::from_static("older"));
    }
    let head = signed(&head);
    assert_eq!(text(&head, "x-amz-date"), "20150830T123600Z");
    assert_eq!(text(&head, "x-amz-security-token"), TOKEN);
    assert!(text(&head, "authorization").starts_with(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/sagemaker/aws4_request, \
         SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature="
    ));
    for (name, sensitive) in [("authorization", true), ("x-amz-security-token", true), ("x-amz-date", false)] {
        assert_eq!(head.headers.get_all(name).iter().count(), 1);
        assert_eq!(head.headers[name].is_sensitive(), sensitive, "{name}");
    }
    assert!(!head.headers.contains_key(header::HOST) && !head.headers.contains_key("x-amz-content-sha256"));
}

#[test]
fn signing_again_comes_to_the_same_as_signing_once() {
    let signer = Signer::new();
    let mut head = signed(&head());
    let others = SigningParams {
        access_key_id: "AKIDOTHER",
        secret_access_key: "other",
        session_token: None,
        time: params().time + HOUR,
        ..params()
    };
    signer.sign(&mut head, Payload::Bytes(BODY), &others).unwrap();
    let mut fresh = self::head();
    signer.sign(&mut fresh, Payload::Bytes(BODY), &others).unwrap();
    assert_eq!(text(&head, "authorization"), text(&fresh, "authorization"));
    assert!(!head.headers.contains_key("x-amz-security-token"), "the first credentials' token is gone");
}

#[test]
fn presigning_again_comes_to_the_same_as_presigning_once() {
    let signer = Signer::new();
    let (mut twice, mut once) = (head(), head());
    signer.presign(&mut twice, Payload::Unsigned, &params(), HOUR).unwrap();
    let without_token = SigningParams { session_token: None, ..params() };
    signer.presign(&mut twice, Payload::Bytes(BODY), &without_token, 2 * HOUR).unwrap();
    signer.presign(&mut once, Payload::Bytes(BODY), &without_token, 2 * HOUR).unwrap();
    assert_eq!(twice.uri, once.uri);
    assert!(once.uri.query().unwrap().starts_with("a=1&X-Amz-Algorithm=AWS4-HMAC-SHA256&"));
    assert_eq!(state(&once).2, state(&head()).2, "presigning changes the URI alone");
}

#[test]
fn the_session_token_can_be_appended_unsigned() {
    let settings = SigningSettings::default().with_session_token(SessionTokenMode::Appended);
    let (signer, params) = (Signer::new(), SigningParams { settings, ..params() });
    let without = SigningParams { session_token: None, ..params.clone() };

    let (mut appended, mut none) = (head(), head());
    signer.sign(&mut appended, Payload::Bytes(BODY), &params).unwrap();
    signer.sign(&mut none, Payload::Bytes(BODY), &without).unwrap();
    assert_eq!(text(&appended, "authorization"), text(&none, "authorization"));
    assert_eq!(text(&appended, "x-amz-security-token"), TOKEN);

    let (mut appended, mut none) = (head(), head());
    signer.presign(&mut appended, Payload::Bytes(BODY), &params, HOUR).unwrap();
    signer.presign(&mut none, Payload::Bytes(BODY), &without, HOUR).unwrap();
    let token = "X-Amz-Security-Token=IQoJb3JpZ2luX2VjEXAMPLETOKEN%3D%3D&";
    assert_eq!(appended.uri.to_string().replace(token, ""), none.uri.to_string());
    assert_ne!(appended.uri, none.uri);
}

#[test]
fn an_empty_session_token_counts_as_none() {
    let (signer, mut empty, mut none) = (Signer::new(), head(), head());
    let params = |session_token| SigningParams { session_token, ..params() };
    signer.sign(&mut empty, Payload::Bytes(BODY), &params(Some(""))).unwrap();
    signer.sign(&mut none, Payload::Bytes(BODY), &params(None)).unwrap();
    assert_eq!(state(&empty), state(&none));
}

#[test]
fn the_body_header_is_added_when_asked_for_and_replaces_the_callers() {
    let params = SigningParams { settings: SigningSettings::s3(), ..params() };
    let mut head = head();
    head.headers.append("x-amz-content-sha256", HeaderValue::from_static("old"));
    Signer::new().sign(&mut head, Payload::Unsigned, &params).unwrap();
    assert_eq!(text(&head, "x-amz-content-sha256"), "UNSIGNED-PAYLOAD");
    assert!(text(&head, "authorization").contains(";host;x-amz-content-sha256;x-amz-date;"));
}

#[test]
fn a_hash_given_beforehand_signs_the_same() {
    let (signer, mut bytes, mut hash) = (Signer::new(), head(), head());
    signer.sign(&mut bytes, Payload::Bytes(b""), &params()).unwrap();
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    signer.sign(&mut hash, Payload::Sha256Hex(empty), &params()).unwrap();
    assert_eq!(text(&bytes, "authorization"), text(&hash, "authorization"));
}

#[test]
fn the_host_is_signed_as_clients_send_it() {
    for (uri, header, expected) in [
        ("https://example.com/", None, "example.com"),
        ("https://example.com:443/", None, "example.com"),
        ("http://example.com:80/", None, "example.com"),
        ("https://example.com:80/", None, "example.com:80"),
        ("http://127.0.0.1:4566/", None, "127.0.0.1:4566"),
        ("http://localhost:08080/", None, "localhost:8080"),
        ("http://[::1]:4566/", None, "[::1]:4566"),
        ("https://user:prompt@example.com:8443/", None, "example.com:8443"),
        ("https://example.com/", Some("other:1"), "other:1"),
        ("/", Some(" example.com "), "example.com"),
    ] {
        let mut head = head_for(uri);
        if let Some(host) = header {
            head.headers.insert(header::HOST, HeaderValue::from_static(host));
        }
        let trace = Signer::new().explain(&head, Payload::Bytes(BODY), &params()).unwrap();
        let line = trace.canonical_request().lines().find(|line| line.starts_with("host:")).unwrap();
        assert_eq!(line, format!("host:{expected}"), "{uri}");
    }
}

/// The day decides on the key: right after midnight another one is used, and each signature is the
/// one a new signer makes.
#[test]
fn one_signer_over_days_and_credentials_signs_as_fresh_ones_do() {
    let kept = Signer::new();
    let midnight = UNIX_EPOCH + Duration::from_secs(1_440_979_200);
    let times = [midnight - Duration::from_secs(1), midnight, midnight - HOUR, midnight + 24 * HOUR];
    for time in times {
        for secret_access_key in [SECRET, "rotated"] {
            let params = SigningParams { time, secret_access_key, ..params() };
            let (mut cached, mut fresh) = (head(), head());
            kept.sign(&mut cached, Payload::Bytes(BODY), &params).unwrap();
            Signer::new().sign(&mut fresh, Payload::Bytes(BODY), &params).unwrap();
            assert_eq!(text(&cached, "authorization"), text(&fresh, "authorization"));
        }
    }
}

#[test]
fn one_signer_is_shared_by_threads() {
    let signer = Arc::new(Signer::new());
    let threads: Vec<_> = (0..4_u64)
        .map(|number| {
            let signer = Arc::clone(&signer);
            std::thread::spawn(move || {
                (0..200)
                    .map(|round| {
                        let time: SystemTime = params().time + Duration::from_secs(round % 3 * 86_400 + number % 2);
                        let mut head = head();
                        signer.sign(&mut head, Payload::Bytes(BODY), &SigningParams { time, ..params() }).unwrap();
                        text(&head, "authorization")
                    })
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    let results: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert_eq!(results[0], results[2]);
    assert_eq!(results[1], results[3]);
    assert_ne!(results[0], results[1]);
}
