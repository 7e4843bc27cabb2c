//! Configurations as folders: `config.yaml`, perhaps files that it includes, and perhaps
//! `env.json`, then either `expected.json` (what it comes to) with `warnings.txt` where there are
//! any, or `error.txt`. A new case is a new folder. With `SAGEWIRE_WRITE=1` what differs is written
//! anew.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]
#![expect(clippy::disallowed_methods, reason = "a variable asks for the expected files to be written anew")]

use std::{collections::HashMap, fs, path::Path};

use libtest_mimic::{Arguments, Failed, Trial};
use sagewire_proxy::Config;
use serde_json::Value;

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config");
    let mut cases: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(!cases.is_empty(), "no cases in {}", folder.display());
    let trials = cases
        .into_iter()
        .map(|case| {
            let name = case.file_name().unwrap().to_string_lossy().into_owned();
            Trial::test(name, move || run(&case))
        })
        .collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn run(case: &Path) -> Result<(), Failed> {
    let read = |name: &str| fs::read_to_string(case.join(name)).ok();
    let env: HashMap<String, String> =
        read("env.json").map_or_else(HashMap::new, |json| serde_json::from_str(&json).unwrap());
    let outcome = Config::from_file(case.join("config.yaml"), &|name| env.get(name).cloned());
    // Messages name included files by the path of the configuration that was given.
    let folder = format!("{}/", case.display());
    let shown = match &outcome {
        Ok((config, warnings)) => format!("{config:?} {config:#?} {warnings:?} {}", config.summary()),
        Err(error) => format!("{error:?} {error:#?} {error}"),
    };
    // Whatever is called a secret here must show up nowhere.
    for (name, value) in &env {
        if name.contains("SECRET") && shown.contains(value) {
            return Err(format!("the value of {name} is shown").into());
        }
    }
    if shown.contains("hush") {
        return Err("a secret of the file is shown".into());
    }
    match (outcome, read("expected.json"), read("error.txt")) {
        (Ok((config, warnings)), Some(expected), None) => {
            let expected: Value = serde_json::from_str(&expected).unwrap();
            let expected = format!("{expected:#}\n");
            same(&case.join("expected.json"), &expected, &format!("{:#}\n", config.summary()))?;
            let warnings: String = warnings.iter().map(|warning| format!("{warning}\n")).collect();
            same(&case.join("warnings.txt"), &read("warnings.txt").unwrap_or_default(), &warnings.replace(&folder, ""))
        }
        (Err(error), None, Some(expected)) => {
            same(&case.join("error.txt"), &expected, &format!("{}\n", error.to_string().replace(&folder, "")))
        }
        (Ok((config, warnings)), None, Some(_)) => {
            Err(format!("no error, but {:#} {warnings:#?}", config.summary()).into())
        }
        (Err(error), Some(_), None) => Err(format!("an error: {error}").into()),
        (outcome, ..) => panic!("the case needs either expected.json or error.txt; it came to {outcome:?}"),
    }
}

fn same(file: &Path, expected: &str, actual: &str) -> Result<(), Failed> {
    if expected == actual {
        return Ok(());
    }
    if std::env::var_os("SAGEWIRE_WRITE").is_some() {
        fs::write(file, actual)?;
        return Ok(());
    }
    Err(format!("expected:\n{expected}\nactual:\n{actual}").into())
}
