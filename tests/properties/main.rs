//! The properties of the fuzz targets, tried quickly: every file of their corpora, and random
//! changes of these.
//!
//! A file that the fuzzer found is kept below `fuzz/corpus/<target>/`, and is a case from then on.
//! `PROPTEST_CASES` sets how many changes are tried.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use libtest_mimic::{Arguments, Failed, Trial};
use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
    test_runner::{Config, TestRunner},
};
use sagewire_tests::properties::{self, Property};

mod cost;
mod service;

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for property in properties::ALL {
        let corpus = corpus(property);
        assert!(corpus.len() >= 12, "fuzz/corpus/{} has too few files: nothing would be tried", property.name);
        trials.extend(
            corpus
                .iter()
                .cloned()
                .map(|(name, bytes)| Trial::test(format!("{}/{name}", property.name), move || run(property, &bytes))),
        );
        let seeds: Vec<Vec<u8>> = corpus.into_iter().map(|(_, bytes)| bytes).collect();
        trials.extend(cost::trials(property, &seeds));
        trials.push(Trial::test(format!("{}/changed", property.name), move || changed(property, seeds)));
    }
    trials.extend(cost::trials_of_services());
    trials.push(Trial::test("each property has a fuzz target", each_has_a_target));
    libtest_mimic::run(&arguments, trials).exit();
}

fn fuzz_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

fn corpus(property: &Property) -> Vec<(String, Vec<u8>)> {
    let folder = fuzz_folder().join("corpus").join(property.name);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

fn run(property: &Property, bytes: &[u8]) -> Result<(), Failed> {
    catch_unwind(AssertUnwindSafe(|| (property.check)(bytes))).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Failed::from(text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default())
    })?;
    Ok(property.bound.check(bytes.len(), cost::counted(property.read, bytes))?)
}

/// One seed, or a part of two, with a few bytes changed: near to what is sound, so that changes
/// come far.
fn nearly(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<Index>(), any::<u8>(), 0..4_u8);
    (select(seeds.clone()), select(seeds), any::<(Index, Index)>(), vec(change, 0..6), any::<bool>()).prop_map(
        |(mut bytes, other, (cut, from), changes, splice)| {
            if splice {
                bytes.truncate(cut.index(bytes.len() + 1));
                bytes.extend_from_slice(other.split_at(from.index(other.len() + 1)).1);
            }
            for (place, byte, kind) in changes {
                let place = place.index(bytes.len() + 1);
                match (kind, bytes.get_mut(place)) {
                    (0, Some(found)) => *found = byte,
                    (1, Some(found)) => *found ^= 1 << (byte % 8),
                    (2, Some(_)) => drop(bytes.remove(place)),
                    _ => bytes.insert(place, byte),
                }
            }
            bytes
        },
    )
}

fn changed(property: &Property, seeds: Vec<Vec<u8>>) -> Result<(), Failed> {
    let config = Config { cases: 256, failure_persistence: None, ..Config::default() };
    let cases = config.cases.max(Config::default().cases);
    let strategy = prop_oneof![1 => vec(any::<u8>(), 0..200), 9 => nearly(seeds)];
    TestRunner::new(Config { cases, ..config })
        .run(&strategy, |bytes| {
            run(property, &bytes)
                .map_err(|failed| TestCaseError::fail(failed.message().unwrap_or("it does not hold").to_owned()))
        })
        .map_err(|error| Failed::from(error.to_string()))
}

/// A property without a fuzz target of its name would be fuzzed by nobody.
fn each_has_a_target() -> Result<(), Failed> {
    for property in properties::ALL {
        let target = fuzz_folder().join("fuzz_targets").join(property.name).with_extension("rs");
        let text = fs::read_to_string(&target).map_err(|error| format!("{}: {error}", target.display()))?;
        let call = format!("try_on(\"{}\", input)", property.name);
        if !text.contains(&call) {
            return Err(format!("{} does not call {call}", target.display()).into());
        }
    }
    Ok(())
}
