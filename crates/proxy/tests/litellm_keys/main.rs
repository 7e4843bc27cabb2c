//! The keys that LiteLLM knows, section by section: each is served, or accepted with a warning.
//!
//! The lists are written by `list.py` from LiteLLM's own models. If
//! `SAGEWIRE_LITELLM_LIBRARY_PYTHON` names a Python with LiteLLM's library, they are compared with
//! what it says; `SAGEWIRE_WRITE=1` writes them again.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
#![expect(clippy::disallowed_methods, reason = "a variable has the lists written")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use libtest_mimic::{Arguments, Failed, Trial};
use sagewire_proxy::Config;

/// A section, and its list beside this crate's folder.
const SECTIONS: [(&str, &str); 4] = [
    ("general_settings", "src/config/unused/general_settings.txt"),
    ("litellm_settings", "src/config/unused/litellm_settings.txt"),
    ("router_settings", "src/config/unused/router_settings.txt"),
    ("litellm_params", "../sagemaker/src/settings/litellm/names.txt"),
];

fn main() {
    let library = sagewire_test_programs::litellm_library();
    let mut trials = Vec::new();
    for (section, path) in SECTIONS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        let list = path.clone();
        trials.push(Trial::test(format!("each_key_of_{section}_is_known"), move || each_is_known(section, &list)));
        let compare = move |python: &PathBuf| same_as_litellm(section, &path, python);
        trials.push(library.trial(format!("{section}_is_litellms_list"), compare));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// A key that is served may have a wrong value here; one without effect is a warning. None is
/// unknown, and none goes to the container.
fn each_is_known(section: &str, list: &Path) -> Result<(), Failed> {
    let list = fs::read_to_string(list)?;
    for key in list.lines() {
        let yaml = if section == "litellm_params" {
            format!("model_list: [{{model_name: m, litellm_params: {{model: sagemaker/e, '{key}': [[x]]}}}}]")
        } else {
            format!(
                "model_list: [{{model_name: m, litellm_params: {{model: sagemaker/e}}}}]\n{section}: {{'{key}': [[x]]}}"
            )
        };
        match Config::from_yaml(&yaml, &|_| None) {
            Ok((_, warnings)) if warnings.iter().any(|warning| warning.key.contains(key)) => {}
            Err(error) if !error.to_string().contains("known") => {}
            // Any value of these is right, or they are the requests' own.
            Ok((config, _)) if ["metadata", "aws_session_tags"].contains(&key) => {
                assert_eq!(config.deployments.len(), 1);
            }
            other => return Err(format!("{section}.{key}: {other:?}").into()),
        }
    }
    Ok(())
}

fn same_as_litellm(section: &str, path: &Path, python: &Path) -> Result<(), Failed> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/litellm_keys/list.py");
    let output = Command::new(python).arg(script).arg(section).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let said = String::from_utf8(output.stdout).unwrap();
    if env::var_os("SAGEWIRE_WRITE").is_some() {
        fs::write(path, said)?;
        return Ok(());
    }
    let known = fs::read_to_string(path)?;
    let lacking: Vec<_> = said.lines().filter(|key| !known.lines().any(|known| known == *key)).collect();
    let gone: Vec<_> = known.lines().filter(|key| !said.lines().any(|said| said == *key)).collect();
    if lacking.is_empty() && gone.is_empty() {
        return Ok(());
    }
    Err(format!("{}: missing {lacking:?}, no longer there {gone:?}", path.display()).into())
}
