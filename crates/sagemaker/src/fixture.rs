//! Folders of test cases: what goes in and what is expected, as files.
//!
//! Owns finding and comparing them. With `SAGEWIRE_BLESS=1` in the environment the expected files are written instead, to be read and
//! judged before they are committed.

use std::{fmt, fs, path::PathBuf};

use sagewire_types::Error;
use serde::{Serialize, de::DeserializeOwned};

/// One case: `fixtures/<kind>/<group>/<case>`.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) group: String,
    pub(crate) path: PathBuf,
}

/// What a case expects of an error.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct ExpectedError {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    param: Option<String>,
    message: String,
}

impl From<&Error> for ExpectedError {
    fn from(error: &Error) -> Self {
        Self {
            kind: error.kind().as_str(),
            param: error.param().map(str::to_owned),
            message: error.message().to_owned(),
        }
    }
}

impl From<Error> for ExpectedError {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

impl Folder {
    /// All cases of this kind, in the order of their names.
    pub(crate) fn under(kind: &str) -> Vec<Self> {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(kind);
        let mut folders = Vec::new();
        for group in fs::read_dir(root).unwrap() {
            let group = group.unwrap();
            for case in fs::read_dir(group.path()).unwrap() {
                let group = group.file_name().into_string().unwrap();
                folders.push(Self { group, path: case.unwrap().path() });
            }
        }
        folders.sort_by(|a, b| a.path.cmp(&b.path));
        assert!(!folders.is_empty(), "no fixtures found: nothing would be tested");
        folders
    }

    pub(crate) fn has(&self, file: &str) -> bool {
        self.path.join(file).exists()
    }

    pub(crate) fn bytes(&self, file: &str) -> Vec<u8> {
        fs::read(self.path.join(file)).unwrap_or_else(|error| panic!("{self}: {file}: {error}"))
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, file: &str) -> T {
        serde_json::from_slice(&self.bytes(file)).unwrap_or_else(|error| panic!("{self}: {file}: {error}"))
    }

    pub(crate) fn expect_result<T: Serialize>(&self, file: &str, result: Result<T, Error>) {
        match result {
            Ok(value) => {
                assert!(!self.has("error.json"), "{self}: no error came");
                self.expect_json(file, &value);
            }
            Err(error) => self.expect_error(&error),
        }
    }

    pub(crate) fn expect_error(&self, error: &Error) {
        self.expect_json("error.json", &ExpectedError::from(error));
    }

    pub(crate) fn expect_json(&self, file: &str, actual: &impl Serialize) {
        self.expect_text(file, &(serde_json::to_string_pretty(actual).unwrap() + "\n"));
    }

    pub(crate) fn expect_text(&self, file: &str, actual: &str) {
        #[expect(clippy::disallowed_methods, reason = "only who runs the tests may have the expected files written")]
        let bless = std::env::var_os("SAGEWIRE_BLESS").is_some();
        if bless {
            fs::write(self.path.join(file), actual).unwrap();
        }
        let expected = String::from_utf8(self.bytes(file)).unwrap();
        assert_eq!(actual, expected, "{self}: {file}");
    }
}

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.group, self.path.file_name().unwrap_or_default().display())
    }
}

/// A JSON list with a line for each item.
pub(crate) fn json_lines<T: Serialize>(items: &[T]) -> String {
    if items.is_empty() {
        return "[]\n".to_owned();
    }
    let lines: Vec<String> = items.iter().map(|item| serde_json::to_string(item).unwrap()).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}
