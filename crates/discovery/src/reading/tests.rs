//! Every fixture: an endpoint as AWS describes it, and the deployments that it must become.

use std::{fs, path::PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::*;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    about: String,
    facts: EndpointFacts,
    deployments: Vec<Map<String, Value>>,
}

fn cases() -> Vec<(PathBuf, Case)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let case: Case = serde_json::from_slice(&fs::read(&path).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path, case)
    };
    paths.into_iter().map(read).collect()
}

/// What a fixture says of a deployment; `reason` is a part of one of its reasons.
fn shown(deployment: &Deployment) -> Map<String, Value> {
    let shown = json!({
        "name": deployment.name(),
        "serves": deployment.serves.to_string(),
        "certainty": deployment.certainty,
        "container": deployment.container,
        "model_name": deployment.model_name,
        "obstacle": deployment.obstacle.as_ref().map(ToString::to_string),
        "asleep": deployment.asleep,
        "asynchronous": deployment.asynchronous,
        "native_routes": deployment.native_routes,
        "adapter_of": deployment.adapter_of,
        "hosting": deployment.hosting.to_string(),
        "litellm_params": deployment.litellm_params("us-east-1"),
    });
    shown.as_object().unwrap().clone()
}

#[test]
fn described_endpoints_become_these_deployments() {
    let cases = cases();
    assert!(cases.len() >= 60, "only {} fixtures", cases.len());
    for (path, case) in cases {
        let place = format!("{}: {}", path.display(), case.about);
        let found = read(&case.facts);
        assert_eq!(found.len(), case.deployments.len(), "{place}: {found:#?}");
        for (deployment, mut expected) in found.iter().zip(case.deployments) {
            if let Some(reason) = expected.remove("reason") {
                let reason = reason.as_str().unwrap();
                assert!(
                    deployment.reasons.iter().any(|said| said.contains(reason)),
                    "{place}: {:#?}",
                    deployment.reasons
                );
            }
            let found = Value::Object(shown(deployment));
            assert_eq!(found, Value::Object(expected), "{place}\nfound: {found:#}\nreasons: {:#?}", deployment.reasons);
        }
    }
}

#[test]
fn each_conclusion_has_a_reason_and_a_dialect_that_exists() {
    for (path, case) in cases() {
        for deployment in read(&case.facts) {
            assert!(!deployment.reasons.is_empty(), "{}", path.display());
            match deployment.serves {
                Serves::Chat(dialect) => {
                    assert!(sagewire_dialects::ChatDialect::names().contains(&dialect), "{dialect}");
                }
                Serves::Embeddings(family) => {
                    assert!(sagewire_dialects::EmbeddingDialect::names().contains(&family), "{family}");
                }
                Serves::Rerank(family) => {
                    assert!(sagewire_dialects::RerankDialect::names().contains(&family), "{family}");
                }
                Serves::Transcription(family) => {
                    assert!(sagewire_dialects::TranscriptionDialect::names().contains(&family), "{family}");
                }
                _ => assert!(deployment.obstacle.is_some(), "{}", path.display()),
            }
        }
    }
}

#[test]
fn whatever_aws_leaves_out_nothing_fails() {
    for (_, case) in cases() {
        let without = [
            EndpointFacts { config: None, ..case.facts.clone() },
            EndpointFacts { models: std::collections::BTreeMap::new(), ..case.facts.clone() },
            EndpointFacts { components: Vec::new(), ..case.facts.clone() },
            EndpointFacts { endpoint: crate::description::Endpoint::default(), ..case.facts },
        ];
        for facts in without {
            assert!(!read(&facts).is_empty());
        }
    }
}
