//! The cases: an environment, files, and what is to come of them, one JSON file each.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

/// One case. In values of the environment and in lines, `{home}` is the home folder and `{server}`
/// the stub's URL.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// The file's name without its ending.
    #[serde(skip)]
    pub(crate) name: String,
    /// What the case is about, for its readers.
    #[serde(rename = "about")]
    _about: String,
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// Paths below the home folder, and lines.
    #[serde(default)]
    files: BTreeMap<String, Vec<String>>,
    /// What we make of it.
    pub(crate) expect: Value,
    /// What botocore makes of it, where that is something else.
    pub(crate) botocore: Option<Value>,
    /// Which of the known differences that is.
    pub(crate) difference: Option<String>,
}

impl Case {
    /// All cases in a folder beside this file.
    pub(crate) fn all(folder: &str) -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/botocore").join(folder);
        let mut cases = Vec::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            let mut case: Self =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            case.name = path.file_stem().unwrap().to_string_lossy().into_owned();
            cases.push(case);
        }
        assert!(cases.len() > 10, "only {} cases are in the folder", cases.len());
        cases.sort_by(|one, other| one.name.cmp(&other.name));
        cases
    }

    /// What botocore is expected to make of it.
    pub(crate) fn expected_of_botocore(&self) -> &Value {
        self.botocore.as_ref().unwrap_or(&self.expect)
    }

    /// Writes the files into a new home folder and completes the environment with `shared`.
    pub(crate) fn lay_out(&self, server: &str, shared: &[(&str, &str)]) -> Home {
        let folder = TempDir::new().unwrap();
        let home = folder.path().to_str().unwrap();
        let fill = |text: &str| text.replace("{home}", home).replace("{server}", server);
        for (path, lines) in &self.files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, fill(&lines.join("\n"))).unwrap();
        }
        let mut env: BTreeMap<String, String> =
            shared.iter().map(|(name, value)| ((*name).to_owned(), fill(value))).collect();
        env.extend(self.env.iter().map(|(name, value)| (name.clone(), fill(value))));
        env.insert("HOME".to_owned(), home.to_owned());
        Home { env, _folder: folder }
    }
}

/// A home folder, and the environment that goes with it. The folder is removed when dropped.
pub(crate) struct Home {
    env: BTreeMap<String, String>,
    _folder: TempDir,
}

impl Home {
    /// A method, so that a closure that uses the environment keeps the folder too.
    pub(crate) fn env(&self) -> &BTreeMap<String, String> {
        &self.env
    }
}
