//! boto3 reads the emulated account: its own parsers and paginators judge lists, descriptions and
//! errors.

use sagewire_emulator::{Account, Emulator, Operation};
use serde_json::{Value, json};

use crate::python::{Case, Session};

pub(crate) const CASES: &[(&str, Case)] = &[
    ("account", |python| {
        Box::pin(async move {
            let names: Vec<String> = (0..12).map(|number| format!("ep-{number:02}")).collect();
            let endpoints: Vec<Value> = names
            .iter()
            .map(|name| json!({"EndpointName": name, "EndpointConfigName": "c", "Tags": [{"Key": "k", "Value": "v"}]}))
            .collect();
            let account = json!({
                "endpoints": endpoints,
                "endpoint_configs": [{"EndpointConfigName": "c", "ProductionVariants": [{"VariantName": "v", "InstanceType": "ml.g5.xlarge"}]}],
                "models": [{"ModelName": "m", "PrimaryContainer": {"Image": "vllm:1", "Environment": {"A": "b"}}}],
                "inference_components": [{
                    "InferenceComponentName": "one", "EndpointName": "ep-00", "VariantName": "v",
                    "Specification": {"ModelName": "m"}, "RuntimeConfig": {"CurrentCopyCount": 0, "DesiredCopyCount": 0},
                }],
                "denied": ["DescribeModelPackage"],
            });
            let account = Account::from_json(&account.to_string()).unwrap();
            let emulator = Emulator::builder().account(account).start().await.unwrap();
            let session = Session { service: "sagemaker", ..Session::new(python, &emulator) };
            let calls = [
                ("list_endpoints", json!({"SortBy": "Name", "SortOrder": "Ascending"})),
                ("list_endpoints", json!({"SortOrder": "Ascending", "NextToken": "page-from-10"})),
                ("describe_endpoint", json!({"EndpointName": "ep-03"})),
                ("describe_endpoint_config", json!({"EndpointConfigName": "c"})),
                ("describe_model", json!({"ModelName": "m"})),
                ("list_inference_components", json!({"EndpointNameEquals": "ep-00"})),
                ("describe_inference_component", json!({"InferenceComponentName": "one"})),
                ("list_tags", json!({"ResourceArn": "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/ep-03"})),
                ("describe_endpoint", json!({"EndpointName": "none"})),
                ("describe_model_package", json!({"ModelPackageName": "p"})),
            ];
            let answers = session.calls(&calls).await;
            let of = |index: usize| &answers[index]["response"];
            assert_eq!(of(0)["Endpoints"].as_array().unwrap().len(), 10);
            assert_eq!(
                (&of(0)["NextToken"], &of(1)["Endpoints"][1]["EndpointName"]),
                (&json!("page-from-10"), &json!("ep-11"))
            );
            let endpoint = of(2);
            assert_eq!(endpoint["EndpointArn"], "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/ep-03");
            assert_eq!((&endpoint["EndpointStatus"], endpoint.get("Tags")), (&json!("InService"), None));
            assert_eq!(of(3)["ProductionVariants"][0]["InstanceType"], "ml.g5.xlarge");
            assert_eq!(of(4)["PrimaryContainer"]["Environment"]["A"], "b");
            assert_eq!(of(5)["InferenceComponents"][0]["InferenceComponentName"], "one");
            assert_eq!(of(6)["RuntimeConfig"]["CurrentCopyCount"], 0);
            assert_eq!(of(7)["Tags"], json!([{"Key": "k", "Value": "v"}]));
            assert_eq!(of(8)["Error"]["Code"], "ValidationException", "{}", answers[8]);
            assert_eq!(of(9)["Error"]["Code"], "AccessDeniedException", "{}", answers[9]);
            assert_eq!(emulator.calls(Operation::ListEndpoints), 2);
        })
    }),
    ("inference routers and gateways", |python| {
        Box::pin(async move {
            let account = json!({
                "inference_routers": [{"InferenceRouterName": "r", "RoutingTargets": [{"Name": "chat", "Destinations": [
                    {"ResourceArn": "arn:aws:sagemaker:us-west-2:123456789012:endpoint/messages", "RoutingStatus": "Routable"}
                ]}]}],
                "global_inference_gateways": [{
                    "Id": "k3x9p2m7q1ab", "Name": "g", "ExecutionRoleArn": "arn:aws:iam::123456789012:role/g",
                    "Models": {"Qwen/Qwen3-8B": "messages"},
                }],
            });
            let account = Account::from_json(&account.to_string()).unwrap();
            let emulator = Emulator::builder().account(account).start().await.unwrap();
            let of = |service| Session { service, ..Session::new(python, &emulator) };
            let described = of("sagemaker")
                .calls(&[
                    ("list_inference_routers", json!({})),
                    ("describe_inference_router", json!({"InferenceRouterName": "r"})),
                    ("list_global_inference_gateways", json!({})),
                    ("describe_global_inference_gateway", json!({"Identifier": "k3x9p2m7q1ab"})),
                ])
                .await;
            let response = |index: usize| &described[index]["response"];
            assert_eq!(response(0)["InferenceRouters"][0]["InferenceRouterName"], "r");
            assert_eq!(response(1)["RoutingTargets"][0]["Name"], "chat");
            assert_eq!(response(2)["GlobalInferenceGatewaySummaries"][0]["Id"], "k3x9p2m7q1ab");
            assert_eq!((&response(3)["Status"], response(3).get("Models")), (&json!("ACTIVE"), None));

            let body =
                |model: &str| json!({"model": model, "messages": [{"role": "user", "content": "Hi"}]}).to_string();
            let router = of("sagemaker-inference-router-runtime");
            let routed = router
            .calls(&[
                ("invoke_inference_router", json!({
                    "InferenceRouterName": "r", "RoutingTargetName": "chat", "Body": body("m"), "ContentType": "application/json"
                })),
                ("invoke_inference_router", json!({"InferenceRouterName": "none", "RoutingTargetName": "chat", "Body": "{}"})),
                ("invoke_inference_router_async", json!({
                    "InferenceRouterName": "r", "RoutingTargetName": "chat", "InputLocation": "s3://b/k"
                })),
            ])
            .await;
            let answer = &routed[0]["response"];
            assert_eq!(answer["RoutingReason"], "capacity-available", "{}", routed[0]);
            assert_eq!(
                answer["InvokedRoutedResourceArn"],
                "arn:aws:sagemaker:us-west-2:123456789012:endpoint/messages"
            );
            assert_eq!(routed[1]["modelled"], "ValidationException", "{}", routed[1]);
            assert!(routed[2]["response"]["OutputLocation"].as_str().unwrap().starts_with("s3://"), "{}", routed[2]);

            let gateway = of("sagemaker-gateway-runtime");
            let asked = |model: &str| {
                json!({
                    "GatewayId": "k3x9p2m7q1ab", "ContentType": "application/json", "Body": body(model), "CustomerIdentityToken": "jwt"
                })
            };
            let through = gateway
                .calls(&[
                    ("invoke_global_inference_gateway", asked("Qwen/Qwen3-8B")),
                    ("invoke_global_inference_gateway_with_response_stream", asked("Qwen/Qwen3-8B")),
                    ("invoke_global_inference_gateway", asked("none")),
                ])
                .await;
            assert!(through[0]["response"]["Body"].to_string().contains("chat.completion"), "{}", through[0]);
            let parts = through[1]["response"]["Body"].as_array().unwrap();
            assert!(
                parts.iter().all(|part| part["PayloadPart"]["Bytes"].is_string()) && parts.len() > 3,
                "{}",
                through[1]
            );
            assert_eq!(through[2]["modelled"], "ResourceNotFoundException", "{}", through[2]);
            assert!(emulator.received().iter().all(|received| received.accepted));
        })
    }),
];
