//! What AWS's control plane says about an endpoint: whoever may deploy to the account writes most
//! of it.
//!
//! The input is the JSON of [`EndpointFacts`], whose parts have the form of AWS's answers.

use sagewire_discovery::{EndpointFacts, read as deployments};
use serde_json::Value;

use super::Bound;

/// Names and variables are kept once, in tables; each deployment repeats what is said about the
/// endpoint.
pub const BOUND: Bound = Bound::small(400, 4_000);

/// Reads the descriptions and makes deployments of them.
pub fn read(input: &[u8]) {
    if let Ok(facts) = serde_json::from_slice::<EndpointFacts>(input) {
        for deployment in deployments(&facts) {
            let _ = (deployment.name(), deployment.litellm_params("us-east-1"));
        }
    }
}

/// No panic; an endpoint has at least one deployment, and no more than it has parts; and no secret
/// of its variables is shown or becomes a parameter.
///
/// # Panics
/// If this is not so.
pub fn check(input: &[u8]) {
    let Ok(facts) = serde_json::from_slice::<EndpointFacts>(input) else { return };
    let found = deployments(&facts);
    assert!((1..=input.len()).contains(&found.len()), "{} deployments", found.len());
    let mut text = format!("{facts:?}{found:?}");
    for deployment in &found {
        text.push_str(&deployment.name());
        text.push_str(&Value::from(deployment.litellm_params("us-east-1")).to_string());
        text.push_str(&format!("{}{}{}", deployment.serves, deployment.certainty, deployment.hosting));
    }
    // What is skipped may be nested more deeply than a value can be.
    let Ok(value) = serde_json::from_slice::<Value>(input) else { return };
    let mut secrets = Vec::new();
    collect(&value, &mut secrets);
    let input = String::from_utf8_lossy(input);
    for secret in secrets {
        // One that is repeated elsewhere may be shown for another reason.
        assert!(input.matches(secret).count() != 1 || !text.contains(secret), "a secret variable is shown");
    }
}

/// The values of variables that are named as secrets are.
fn collect<'v>(value: &'v Value, secrets: &mut Vec<&'v str>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_str() {
                    Some(text) if text.len() >= 12 && ["TOKEN", "SECRET"].iter().any(|word| name.contains(word)) => {
                        secrets.push(text);
                    }
                    _ => collect(value, secrets),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, secrets)),
        _ => {}
    }
}
