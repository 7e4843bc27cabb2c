//! Blocks that are data: configurations, Kubernetes objects, JSON, TOML.
//!
//! Owns by what each is read.

use sagewire::credentials::seam::World;
use sagewire_proxy::{Config, Wiring};

use crate::Outcome;

/// What a section of a configuration is read behind.
const MODEL_LIST: &str = "model_list:\n  - model_name: any\n    litellm_params: {model: sagemaker_chat/any}\n";

/// A configuration, or a section of one, is read and wired as `sagewire check` does it.
pub(crate) fn yaml(text: &str) -> Outcome {
    let whole = if text.lines().any(|line| line.starts_with("model_list:")) {
        text.to_owned()
    } else {
        format!("{MODEL_LIST}{text}")
    };
    // Whatever a file names is set.
    let environment = |name: &str| {
        Some(if name.contains("REGION") { "us-east-1".to_owned() } else { format!("the-value-of-{name}") })
    };
    let (config, warnings) = Config::from_yaml(&whole, &environment)?;
    if !warnings.is_empty() {
        return Err(format!("the proxy warns: {warnings:?}").into());
    }
    Wiring::new(World::builder().build()).app(&config, None)?;
    Ok(())
}

/// Each of the objects in a file, separated by `---`.
pub(crate) fn yaml_objects(text: &str) -> Result<Vec<serde_json::Value>, libtest_mimic::Failed> {
    let parts = text.split("\n---\n").map(str::trim).filter(|part| !part.is_empty());
    Ok(parts.map(serde_saphyr::from_str).collect::<Result<_, _>>()?)
}

pub(crate) fn json(text: &str) -> Outcome {
    serde_json::from_str::<serde_json::Value>(text)?;
    Ok(())
}

pub(crate) fn toml(text: &str) -> Outcome {
    toml::from_str::<toml::Table>(text)?;
    Ok(())
}
