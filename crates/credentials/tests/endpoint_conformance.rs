//! AWS's own cases for the URLs of SageMaker Runtime, what its rules say of the services that came
//! later, and its list of partitions and regions.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

mod vectors;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use sagewire_credentials::endpoint::{
    EndpointError, EndpointSettings, Partition, Service, configured_endpoint_url, service_url,
};
use serde_json::Value;

use crate::vectors::{equal, suite};

fn main() -> ExitCode {
    let mut trials = Vec::new();
    let cases = "models/sagemaker-runtime-endpoint-tests-1.json";
    trials.extend(suite("sagemaker-runtime", cases, "testCases", 47, endpoint));
    trials.extend(suite("partition", "models/partitions.json", "partitions", 8, partition));
    let recorded: Value = serde_json::from_str(include_str!("endpoint_rules/new_services.json")).unwrap();
    let recorded = recorded["cases"].as_array().unwrap().clone();
    trials.extend(recorded.into_iter().map(|case| {
        let title = format!("{} {}", case["service"].as_str().unwrap(), case["params"]);
        Trial::test(title, move || endpoint(&case))
    }));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn endpoint(case: &Value) -> Result<(), Failed> {
    let given = &case["params"];
    let flag = |name: &str| given[name].as_bool().unwrap_or(false);
    let settings = EndpointSettings { use_fips: flag("UseFIPS"), use_dual_stack: flag("UseDualStack") };
    let service = match case["service"].as_str() {
        None => Service::SageMakerRuntime,
        Some("sagemaker-inference-router-runtime") => Service::InferenceRouterRuntime,
        Some("sagemaker-gateway-runtime") => Service::GatewayRuntime,
        Some(other) => panic!("no service of ours is `{other}`"),
    };
    let configured = configured_endpoint_url(service, given["Endpoint"].as_str(), |_| None, None)?;
    let url = service_url(service, given["Region"].as_str(), settings, configured.as_ref());
    if let Some(expected) = case["expect"].get("error") {
        let error = url.err().ok_or("there was a URL")?;
        let answers = match expected.as_str().unwrap() {
            "Invalid Configuration: FIPS and custom endpoint are not supported" => {
                matches!(error, EndpointError::FipsWithConfiguredUrl { .. })
            }
            "Invalid Configuration: Dualstack and custom endpoint are not supported" => {
                matches!(error, EndpointError::DualStackWithConfiguredUrl { .. })
            }
            "Invalid Configuration: Missing Region" => error == EndpointError::MissingRegion,
            other => panic!("no error of ours is listed for `{other}`"),
        };
        return if answers { Ok(()) } else { Err(format!("{expected} was {error:?}").into()) };
    }
    equal(&Some(url?.as_str()), &case["expect"]["endpoint"]["url"].as_str())
}

fn partition(case: &Value) -> Result<(), Failed> {
    let regions = case["regions"].as_object().unwrap();
    assert!(!regions.is_empty(), "the list is empty");
    for region in regions.keys() {
        let found = Partition::of_region(region);
        equal(&Some(found.id()), &case["id"].as_str())?;
        equal(&Some(found.dns_suffix()), &case["outputs"]["dnsSuffix"].as_str())?;
        equal(&Some(found.dual_stack_dns_suffix()), &case["outputs"]["dualStackDnsSuffix"].as_str())?;
        equal(&case["outputs"]["supportsFIPS"].as_bool(), &Some(true))?;
        equal(&case["outputs"]["supportsDualStack"].as_bool(), &Some(true))?;
    }
    Ok(())
}
