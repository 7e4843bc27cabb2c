//! A configuration in LiteLLM's form, which its proxy reads as ours does.
//!
//! Owns the credentials that all measurements sign with; they open nothing.

use std::fmt::Write as _;

/// A file of these models, each a name for callers, a model and an upstream's URL, for callers with
/// this key.
pub fn litellm<'a>(models: impl IntoIterator<Item = (String, &'a str, &'a str)>, key: &str) -> String {
    let mut text = String::from("model_list:\n");
    for (name, model, upstream) in models {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "  - model_name: {name}\n    litellm_params:\n      model: {model}\n      sagemaker_base_url: {upstream}\n      aws_region_name: us-east-1\n      \
             aws_access_key_id: AKIDEXAMPLE\n      aws_secret_access_key: wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY\n"
        );
    }
    let _ = write!(text, "general_settings:\n  master_key: {key}\n");
    text
}
