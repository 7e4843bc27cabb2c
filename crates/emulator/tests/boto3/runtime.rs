//! boto3's `sagemaker-runtime` client.

use sagewire_emulator::{AwsError, Emulator, Frame, Operation, Scripted, StreamEvent};
use serde_json::{Value, json};

use crate::python::{Case, Session};

pub(crate) const CASES: &[(&str, Case)] = &[
    ("invoke_endpoint", |python| {
        Box::pin(async move {
            let emulator = Emulator::start().await.unwrap();
            let arguments = json!({
                "EndpointName": "messages",
                "Body": json!({"messages": [{"role": "user", "content": "What is a llama?"}], "max_tokens": 200}).to_string(),
                "ContentType": "application/json",
                "Accept": "application/json",
                "CustomAttributes": "a=b",
                "InferenceComponentName": "llama-ic",
                "InferenceId": "id 1",
                "SessionId": "NEW_SESSION",
            });
            let outcome = Session::new(python, &emulator).call("invoke_endpoint", arguments).await;
            let response = &outcome["response"];
            assert_eq!(response["ResponseMetadata"]["HTTPStatusCode"], 200);
            assert_eq!(response["ContentType"], "application/json");
            assert_eq!(response["InvokedProductionVariant"], "AllTraffic");
            assert!(response["NewSessionId"].as_str().unwrap().contains("; Expires="));
            let body: Value = serde_json::from_str(&bytes_as_text(&response["Body"])).unwrap();
            assert!(
                body["choices"][0]["message"]["content"].as_str().unwrap().starts_with("You asked: “What is a llama?”")
            );
            let received = emulator.received().remove(0);
            assert!(received.accepted);
            assert_eq!(response["ResponseMetadata"]["RequestId"], received.request_id);
        })
    }),
    ("invoke_endpoint_with_response_stream", |python| {
        Box::pin(async move {
            let emulator = Emulator::start().await.unwrap();
            let session = Session::new(python, &emulator);
            let body = json!({"inputs": "Hi", "stream": true}).to_string();
            let arguments = json!({"EndpointName": "tgi", "Body": body, "ContentType": "application/json"});
            let outcomes = session
                .calls(&[("invoke_endpoint_with_response_stream", arguments.clone()), ("invoke_endpoint", arguments)])
                .await;
            let (streamed, whole) = (&outcomes[0]["response"], &outcomes[1]["response"]);
            assert_eq!(streamed["ContentType"], "text/event-stream");
            let parts: Vec<&str> = streamed["Body"]
                .as_array()
                .unwrap()
                .iter()
                .map(|event| event["PayloadPart"]["Bytes"].as_str().unwrap())
                .collect();
            assert!(parts.len() > 5);
            assert_eq!(parts.concat(), whole["Body"].as_str().unwrap());
            let operations: Vec<Operation> = emulator.received().iter().map(|received| received.operation).collect();
            assert_eq!(operations, [Operation::InvokeEndpointWithResponseStream, Operation::InvokeEndpoint]);
        })
    }),
    ("invoke_endpoint_async", |python| {
        Box::pin(async move {
            let emulator = Emulator::start().await.unwrap();
            let session = Session::new(python, &emulator);
            let located = json!({"EndpointName": "tgi", "InputLocation": "s3://bucket/in", "InferenceId": "mine", "RequestTTLSeconds": 60});
            let both = json!({"EndpointName": "tgi", "InputLocation": "s3://bucket/in", "Body": "{}"});
            let outcomes = session.calls(&[("invoke_endpoint_async", located), ("invoke_endpoint_async", both)]).await;
            let response = &outcomes[0]["response"];
            assert_eq!(response["ResponseMetadata"]["HTTPStatusCode"], 202);
            assert_eq!(response["InferenceId"], "mine");
            assert!(response["OutputLocation"].as_str().unwrap().starts_with("s3://sagemaker-eu-west-1-123456789012/"));
            assert!(response["FailureLocation"].as_str().unwrap().ends_with("-error.out"));
            assert_eq!(outcomes[1]["modelled"], "ValidationError");
        })
    }),
    ("wrong_credentials", |python| {
        Box::pin(async move {
            let emulator = Emulator::builder()
                .credentials("AKID", "secret")
                .session("ASIA", "secret", "token")
                .start()
                .await
                .unwrap();
            let as_if = |access_key_id: &str, secret: &str, token: Option<&str>| Session {
                access_key_id: access_key_id.to_owned(),
                secret: secret.to_owned(),
                token: token.map(str::to_owned),
                ..Session::new(python, &emulator)
            };
            let cases = [
                (as_if("AKID", "other", None), "InvalidSignatureException"),
                (as_if("OTHER", "secret", None), "UnrecognizedClientException"),
                (as_if("ASIA", "secret", None), "UnrecognizedClientException"),
                (as_if("ASIA", "secret", Some("other")), "UnrecognizedClientException"),
            ];
            for (session, code) in cases {
                let outcome = session.call("invoke_endpoint", json!({"EndpointName": "tgi", "Body": "{}"})).await;
                assert_eq!(
                    (&outcome["error"], &outcome["response"]["Error"]["Code"]),
                    (&json!("ClientError"), &json!(code))
                );
                assert_eq!(outcome["response"]["ResponseMetadata"]["HTTPStatusCode"], 403);
                assert!(!outcome["response"]["Error"]["Message"].as_str().unwrap().is_empty());
            }
            let outcome = as_if("ASIA", "secret", Some("token"))
                .call("invoke_endpoint", json!({"EndpointName": "tgi", "Body": "{\"inputs\": \"Hi\"}"}))
                .await;
            assert_eq!(outcome["response"]["ResponseMetadata"]["HTTPStatusCode"], 200);
        })
    }),
    ("modelled_errors", |python| {
        Box::pin(async move {
            let emulator = Emulator::start().await.unwrap();
            let errors = [
                AwsError::model_not_ready(),
                AwsError::internal_failure(),
                AwsError::service_unavailable(),
                AwsError::internal_dependency(),
                AwsError::validation("no"),
            ];
            for error in &errors {
                emulator.enqueue("tgi", Scripted::error(error.clone()));
            }
            emulator.enqueue("tgi", Scripted::error(AwsError::throttling()));
            let call = ("invoke_endpoint", json!({"EndpointName": "tgi", "Body": "{\"inputs\": \"\"}"}));
            let outcomes = Session::new(python, &emulator).calls(&vec![call; errors.len() + 2]).await;
            for (error, outcome) in errors.iter().zip(&outcomes) {
                assert_eq!(outcome["modelled"], error.code());
                assert_eq!(outcome["response"]["ResponseMetadata"]["HTTPStatusCode"], error.status());
                assert_eq!(outcome["response"]["Error"]["Message"].as_str(), error.message());
            }
            assert_eq!(
                outcomes[errors.len()]["response"]["Error"],
                json!({"Code": "ThrottlingException", "Message": "Rate exceeded"})
            );
            let model = &outcomes[errors.len() + 1];
            assert_eq!(
                (&model["modelled"], &model["response"]["OriginalStatusCode"]),
                (&json!("ModelError"), &json!(422))
            );
            assert!(model["response"]["OriginalMessage"].as_str().unwrap().contains("`inputs` cannot be empty"));
            assert_eq!(
                model["response"]["LogStreamArn"],
                "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/sagemaker/Endpoints/tgi"
            );
            assert!(
                model["response"]["Error"]["Message"]
                    .as_str()
                    .unwrap()
                    .starts_with("Received client error (422) from primary")
            );
        })
    }),
    ("stream_errors", |python| {
        Box::pin(async move {
            let emulator = Emulator::start().await.unwrap();
            emulator.enqueue("tgi", Scripted::stream(["a"]).model_stream_error("StreamBroken", "gone"));
            emulator.enqueue("tgi", Scripted::stream(["a"]).internal_stream_failure("oh"));
            emulator.enqueue("tgi", Scripted::stream(["a"]).error_frame("Odd", "why"));
            let opening = [StreamEvent::Frame(Frame::initial_response()), StreamEvent::Part("a".into())];
            emulator.enqueue("tgi", Scripted::events(opening));
            let call = ("invoke_endpoint_with_response_stream", json!({"EndpointName": "tgi", "Body": "{}"}));
            let outcomes = Session::new(python, &emulator).calls(&vec![call; 4]).await;
            for (outcome, code, message) in [
                (&outcomes[0], "ModelStreamError", "gone"),
                (&outcomes[1], "InternalStreamFailure", "oh"),
                (&outcomes[2], "Odd", "why"),
            ] {
                assert_eq!(outcome["error"], "EventStreamError");
                assert_eq!(outcome["response"]["Error"], json!({"Code": code, "Message": message}));
            }
            assert_eq!(outcomes[3]["response"]["Body"], json!([{"PayloadPart": {"Bytes": "a"}}]));
        })
    }),
    ("retries", |python| {
        Box::pin(async move {
            let emulator = Emulator::start().await.unwrap();
            let session = Session { attempts: 3, ..Session::new(python, &emulator) };
            // botocore tries again after these two, and not after the last.
            emulator.enqueue("tgi", Scripted::error(AwsError::throttling()));
            emulator.enqueue("tgi", Scripted::reset());
            let outcome =
                session.call("invoke_endpoint", json!({"EndpointName": "tgi", "Body": "{\"inputs\": \"Hi\"}"})).await;
            assert_eq!(outcome["response"]["ResponseMetadata"]["RetryAttempts"], 2);
            emulator.clear_received();
            emulator.enqueue("tgi", Scripted::error(AwsError::model_error(503, "busy")));
            let outcome = session.call("invoke_endpoint", json!({"EndpointName": "tgi", "Body": "{}"})).await;
            assert_eq!((&outcome["modelled"], emulator.received().len()), (&json!("ModelError"), 1));
        })
    }),
];

/// The script hands bytes over as Latin-1.
fn bytes_as_text(value: &Value) -> String {
    let bytes: Vec<u8> = value.as_str().unwrap().chars().map(|character| u8::try_from(character).unwrap()).collect();
    String::from_utf8(bytes).unwrap()
}
