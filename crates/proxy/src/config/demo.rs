//! The configuration of a demonstration.

/// A configuration for SageMaker at this URL with these keys: the endpoints `tgi`, `messages` and `embedding`, each as the model of its
/// name, and no key for callers. The emulator has such endpoints.
///
/// ```
/// use sagewire_proxy::{Config, demo_yaml};
///
/// let yaml = demo_yaml("http://127.0.0.1:8080", "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
/// let (config, warnings) = Config::from_yaml(&yaml, &|_| None)?;
/// assert_eq!((config.deployments.len(), warnings.len()), (3, 0));
/// # Ok::<(), sagewire_proxy::ConfigError>(())
/// ```
#[must_use]
pub fn demo_yaml(url: &str, access_key_id: &str, secret_access_key: &str) -> String {
    // JSON texts are YAML texts, whatever they hold.
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let (url, id, secret) = (quoted(url), quoted(access_key_id), quoted(secret_access_key));
    let deployment = |name: &str, model: &str, mode: &str| {
        format!(
            "  - model_name: {name}
    litellm_params:
      model: {model}
      aws_access_key_id: {id}
      aws_secret_access_key: {secret}
      aws_region_name: us-east-1
      sagemaker_base_url: {url}
    model_info:
      mode: {mode}
"
        )
    };
    format!(
        "model_list:\n{}{}{}",
        deployment("tgi", "sagemaker/tgi", "chat"),
        deployment("messages", "sagemaker_chat/messages", "chat"),
        deployment("embedding", "sagemaker/embedding", "embedding"),
    )
}
