use super::*;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::time::SystemTime;

fn checked(operation: Operation, endpoint: &str, headers: &[(&str, &[u8])], body: &'static [u8]) -> Result<(), String> {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value).unwrap()))
        .collect();
    let call = Call {
        operation,
        protocol: crate::aws_error::Protocol::RestJson,
        path: "/",
        endpoint,
        region: "r",
        request_id: "id",
        headers: &headers,
        body: Bytes::from_static(body),
        received_at: SystemTime::UNIX_EPOCH,
    };
    check(&call).map_err(|error| {
        assert_eq!((error.code(), error.status()), ("ValidationError", 400));
        error.message().unwrap().to_owned()
    })
}

#[test]
fn endpoint_names() {
    for name in ["a", "llama-3", "A1--b", &"x".repeat(63)] {
        assert_eq!(checked(Unary, name, &[], b""), Ok(()), "{name}");
        assert!(is_endpoint_name(name));
    }
    for name in ["", "-a", "a-", "a_b", "bad name/..", "é", &"x".repeat(64)] {
        assert!(checked(Unary, name, &[], b"").is_err(), "{name}");
        assert!(!is_endpoint_name(name));
    }
    assert_eq!(
        checked(Unary, "a_b", &[], b"").unwrap_err(),
        "1 validation error detected: Value 'a_b' at 'endpointName' failed to satisfy constraint: Member must satisfy regular expression \
         pattern: ^[a-zA-Z0-9](-*[a-zA-Z0-9])*"
    );
}

/// For every row of the table: a value that is allowed, and one that is not.
#[test]
fn every_member_has_its_limit() {
    let long = vec![b'x'; 1025];
    let cases: [(&str, &[u8], &[u8]); 18] = [
        ("content-type", b"application/json", &long),
        ("x-amzn-sagemaker-content-type", b"", b"\xff"),
        ("accept", b"*/*", &long),
        ("x-amzn-sagemaker-accept", b"*/*", &long),
        ("x-amzn-sagemaker-custom-attributes", b"accept_eula=true", &long),
        ("x-amzn-sagemaker-target-model", b"model.tar.gz", b""),
        ("x-amzn-sagemaker-target-variant", b"AllTraffic", b"All Traffic"),
        ("x-amzn-sagemaker-target-container-hostname", b"one", b"-one"),
        ("x-amzn-sagemaker-inference-id", b"anything printable", &long),
        ("x-amzn-sagemaker-enable-explanations", b"`false`", b""),
        ("x-amzn-sagemaker-inference-component", b"llama-ic", b"llama_ic"),
        ("x-amzn-sagemaker-session-id", b"abc-1", b"abc_1"),
        ("x-amzn-sagemaker-prefix-aware-id", b"prefix 1", &long),
        ("x-amzn-sagemaker-inputlocation", b"s3://bucket/key", b"http://host"),
        ("x-amzn-sagemaker-s3outputpathextension", b"a/b", b"s3:a"),
        ("x-amzn-sagemaker-filename", b"out.json", b"a.b.c"),
        ("x-amzn-sagemaker-requestttlseconds", b"60", b"59"),
        ("x-amzn-sagemaker-invocationtimeoutseconds", b"3600", b"3601"),
    ];
    for (header, good, bad) in cases {
        let rows: Vec<&Member> = MEMBERS.iter().filter(|member| member.header == header).collect();
        assert!(!rows.is_empty(), "{header}");
        for operation in [Unary, Stream, Async] {
            let applies = rows.iter().any(|member| member.operations.contains(&operation));
            let inline: &[u8] =
                if operation == Async && header != "x-amzn-sagemaker-inputlocation" { b"{}" } else { b"" };
            assert_eq!(checked(operation, "a", &[(header, good)], inline), Ok(()), "{header} on {operation}");
            // AWS drops a header that the operation does not have.
            if operation != Async || applies {
                assert_eq!(
                    checked(operation, "a", &[(header, bad)], inline).is_err(),
                    applies,
                    "{header} on {operation}"
                );
            }
        }
    }
    assert!(MEMBERS.iter().all(|member| cases.iter().any(|(header, _, _)| *header == member.header)));
}

#[test]
fn a_new_session_is_for_unary_calls_alone() {
    let new: [(&str, &[u8]); 1] = [("x-amzn-sagemaker-session-id", b"NEW_SESSION")];
    assert_eq!(checked(Unary, "a", &new, b""), Ok(()));
    assert!(checked(Stream, "a", &new, b"").unwrap_err().contains("'sessionId'"));
}

#[test]
fn all_faults_are_told_and_no_sensitive_value() {
    let attributes = vec![b's'; 1025];
    let told = checked(Stream, "a_b", &[("x-amzn-sagemaker-custom-attributes", &attributes)], b"").unwrap_err();
    assert!(
        told.starts_with("2 validation errors detected: ") && told.contains("; Value at 'customAttributes' failed"),
        "{told}"
    );
    assert!(!told.contains("sss"));
}

#[test]
fn an_asynchronous_input_is_in_one_place() {
    let location: [(&str, &[u8]); 1] = [("x-amzn-sagemaker-inputlocation", b"s3://bucket/key")];
    assert_eq!(checked(Async, "a", &location, b""), Ok(()));
    assert_eq!(checked(Async, "a", &[], b"{}"), Ok(()));
    assert!(checked(Async, "a", &location, b"{}").unwrap_err().contains("mutually exclusive"));
    assert!(checked(Async, "a", &[], b"").is_err());
    assert!(checked(Async, "a", &[], &[b'x'; 128_001]).unwrap_err().contains("128000"));
    assert!(
        checked(Async, "a", &[("x-amzn-sagemaker-requestttlseconds", b"soon")], b"{}")
            .unwrap_err()
            .contains("whole number")
    );
}
