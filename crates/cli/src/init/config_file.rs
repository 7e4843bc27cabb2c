//! The text of the `config.yaml`: an entry for each deployment, and above it why it is what it is.

use std::fmt::Write as _;

use sagewire_discovery::Found;
use serde_json::Value;

use super::probe::Finding;
use crate::terminal;

/// The file. `findings` are those of `--probe`, by the deployment's name.
pub(super) fn text(found: &[Found], findings: &[Finding], profile: Option<&str>) -> String {
    let callable = found.iter().filter(|found| found.is_callable()).count();
    let mut regions: Vec<&str> = found.iter().map(|found| found.region.as_str()).collect();
    regions.dedup();
    let mut text = format!(
        "# Written by `sagewire init` for {}: {}.\n\
         # Each entry says what it was concluded from, and how sure that is; every key is explained in docs/configuration.md.\n\
         \n\
         # Whoever reaches the proxy may call it until a key is set:\n\
         # general_settings:\n\
         #   master_key: os.environ/SAGEWIRE_MASTER_KEY\n\
         \n\
         model_list:{}\n",
        regions.join(", "),
        counts(callable, found.len() - callable),
        if callable == 0 { " []" } else { "" },
    );
    for found in found {
        let finding = findings.iter().find(|finding| finding.name == found.name);
        entry(&mut text, found, finding, profile);
    }
    text
}

/// `3 models, 1 left out`.
pub(super) fn counts(callable: usize, left_out: usize) -> String {
    let models = if callable == 1 { "1 model".to_owned() } else { format!("{callable} models") };
    if left_out == 0 { models } else { format!("{models}, {left_out} left out") }
}

fn entry(text: &mut String, found: &Found, finding: Option<&Finding>, profile: Option<&str>) {
    let deployment = &found.deployment;
    let mut comment = |line: &str| {
        // What AWS says may have several lines.
        let line: Vec<_> =
            line.split(|c: char| c.is_control() || c.is_whitespace()).filter(|w| !w.is_empty()).collect();
        let _ = writeln!(text, "  # {}", terminal::harmless(&line.join(" ")));
    };
    let mut title = format!("{}: {}, {}; {}", found.name, deployment.serves, deployment.certainty, deployment.hosting);
    if deployment.asleep {
        title.push_str("; asleep: the first call waits until a copy has started");
    }
    if deployment.asynchronous {
        title.push_str("; asynchronous");
    }
    comment(&title);
    for reason in &deployment.reasons {
        comment(&format!("- {reason}"));
    }
    if let Some(finding) = finding {
        comment(&format!("- asked by `--probe`: {}", finding.outcome));
    }
    if let Some(obstacle) = &deployment.obstacle {
        comment(&format!("Left out: {obstacle}."));
    }
    let mut lines =
        vec![format!("- model_name: {}", scalar(&found.name.clone().into())), "  litellm_params:".to_owned()];
    let mut params = deployment.litellm_params(&found.region);
    if let Some(profile) = profile {
        params.insert("aws_profile_name".to_owned(), profile.into());
    }
    lines.extend(params.iter().map(|(name, value)| format!("    {name}: {}", scalar(value))));
    if let Some(mode) = deployment.serves.mode() {
        lines.extend(["  model_info:".to_owned(), format!("    mode: {mode}")]);
    }
    let margin = if found.is_callable() { "  " } else { "  # " };
    for line in lines {
        let _ = writeln!(text, "{margin}{line}");
    }
    text.push('\n');
}

/// A value as YAML: as it is where nobody can mistake it, else in quotes, which are JSON's.
fn scalar(value: &Value) -> String {
    let plain = value.as_str().filter(|text| {
        let is_word = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte));
        let begins_as_a_word = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
        let is_keyword = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
            .iter()
            .any(|word| text.eq_ignore_ascii_case(word));
        begins_as_a_word && is_word(text) && !is_keyword
    });
    plain.map_or_else(|| terminal::harmless_json(&value.to_string()).into_owned(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use sagewire_discovery::{EndpointFacts, read};
    use sagewire_proxy::Config;
    use serde_json::json;

    use super::*;

    fn found(facts: Value) -> Vec<Found> {
        let facts: EndpointFacts = serde_json::from_value(facts).unwrap();
        Found::named(read(&facts).into_iter().map(|deployment| ("us-east-1".to_owned(), deployment)))
    }

    #[test]
    fn what_aws_says_stays_a_comment_and_names_stay_names() {
        let facts = json!({
            "endpoint": {
                "EndpointName": "e", "EndpointConfigName": "c", "EndpointStatus": "Failed",
                "FailureReason": "no\nroom:\r\n  - model_name: evil",
            },
            "config": {"ProductionVariants": [{"VariantName": "v", "ModelName": "m"}]},
            "models": {"m": {"PrimaryContainer": {"Image": "vllm:1", "Environment": {"SM_VLLM_SERVED_MODEL_NAME": "a:'b'#c"}}}},
        });
        let mut facts_in_service = facts.clone();
        facts_in_service["endpoint"]["EndpointStatus"] = json!("InService");
        let mut both = found(facts);
        both.extend(found(facts_in_service));
        let yaml = text(&both, &[], Some("no"));
        let (config, warnings) = Config::from_yaml(&yaml, &|_| None).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
        assert!(warnings.is_empty(), "{warnings:?}");
        assert_eq!(config.deployments.len(), 1, "{yaml}");
        let parameters: serde_json::Map<_, _> =
            config.deployments[0].parameters.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
        assert_eq!((&parameters["hf_model_name"], &parameters["aws_profile_name"]), (&json!("a:'b'#c"), &json!("no")));
        assert!(yaml.contains("# Left out: its status is Failed (no room: - model_name: evil)."), "{yaml}");
    }

    #[test]
    fn values_keep_their_kind() {
        for (value, written) in [
            (json!("sagemaker_chat/my-endpoint"), "sagemaker_chat/my-endpoint"),
            (json!("Qwen/Qwen3-8B"), "Qwen/Qwen3-8B"),
            (json!("/opt/ml/model"), "/opt/ml/model"),
            (json!("123"), "\"123\""),
            (json!("No"), "\"No\""),
            (json!("a: b"), "\"a: b\""),
            (json!("a\u{85}\u{202e}b"), "\"a\\u0085\\u202eb\""),
            (json!(600), "600"),
        ] {
            assert_eq!(scalar(&value), written);
        }
    }
}
