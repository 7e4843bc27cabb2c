//! AWS's own signing test suite, every case at every stage, by headers and by query.
//!
//! The suite is read where it lies: inside the published sources of `aws-sigv4` (a dev-dependency,
//! found with `cargo metadata`), and in `$SAGEWIRE_VECTORS`. Where neither is there, it is reported
//! as ignored.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use libtest_mimic::{Arguments, Failed, Trial};
use sagewire_sigv4::{Payload, Signer};

use case::Case;

#[path = "suite/case.rs"]
mod case;

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for (source, folder) in [("published", published_suite()), ("vectors", vectors_suite())] {
        match folder {
            Ok(folder) => trials.extend(trials_of(source, &folder)),
            Err(why) => trials.push(ignored(format!("{source}/absent: {why}"))),
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn ignored(name: String) -> Trial {
    Trial::test(name, || Err(Failed::from("this case is not there to be run"))).with_ignored_flag(true)
}

/// The suite inside the sources of `aws-sigv4`, as cargo has unpacked them.
fn published_suite() -> Result<PathBuf, String> {
    // Only this platform's packages need to be there, as after an ordinary build.
    let version = run_cargo(&["-vV"])?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("cargo -vV names no host")?;
    let listing = ["metadata", "--format-version", "1", "--offline", "--locked", "--filter-platform", host];
    let metadata: serde_json::Value =
        serde_json::from_str(&run_cargo(&listing)?).map_err(|error| format!("cargo metadata: {error}"))?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata lists no packages")?;
    let manifest = packages
        .iter()
        .find(|package| package["name"] == "aws-sigv4")
        .and_then(|package| package["manifest_path"].as_str())
        .ok_or("aws-sigv4 is not a dependency")?;
    existing(Path::new(manifest).with_file_name("aws-signing-test-suite").join("v4"))
}

fn run_cargo(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .map_err(|error| format!("cargo {}: {error}", arguments.join(" ")))?;
    if output.status.success() {
        String::from_utf8(output.stdout).map_err(|error| error.to_string())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or("cargo failed").to_owned())
    }
}

fn vectors_suite() -> Result<PathBuf, String> {
    #[expect(clippy::disallowed_methods, reason = "the variable says where the vectors are, and nothing else is read")]
    let vectors = env::var_os("SAGEWIRE_VECTORS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors"), PathBuf::from);
    existing(vectors.join("sigv4/tests/aws-signing-test-suite/v4"))
}

fn existing(folder: PathBuf) -> Result<PathBuf, String> {
    if folder.is_dir() { Ok(folder) } else { Err("the folder is not there".to_owned()) }
}

/// One trial per case, place of the signature and stage.
fn trials_of(source: &str, folder: &Path) -> Vec<Trial> {
    let mut cases: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(!cases.is_empty(), "{} holds no case", folder.display());
    let mut trials = Vec::new();
    for case in cases {
        let name = format!("{source}/{}", case.file_name().unwrap().to_string_lossy());
        if !case.join("context.json").is_file() {
            // Old-format cases: without a context nobody can tell what they were signed with.
            trials.push(ignored(format!("{name} (no context.json)")));
            continue;
        }
        for place in [Place::Header, Place::Query] {
            let stages: [(&str, Check); 4] = [
                ("canonical-request", canonical_request),
                ("string-to-sign", string_to_sign),
                ("signature", signature),
                ("signed-request", signed_request),
            ];
            for (stage, run) in stages {
                let case = case.clone();
                trials.push(Trial::test(format!("{name}/{}/{stage}", place.prefix()), move || {
                    run(&Case::read(&case), place)
                }));
            }
        }
    }
    trials
}

/// One stage of a case, compared with what the suite expects.
type Check = fn(&Case, Place) -> Result<(), Failed>;

/// Where the signature goes.
#[derive(Clone, Copy)]
enum Place {
    Header,
    Query,
}

impl Place {
    /// How the suite's file names begin.
    fn prefix(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Query => "query",
        }
    }
}

fn trace(case: &Case, place: Place, head: &http::request::Parts) -> sagewire_sigv4::SigningTrace {
    let (signer, params) = (Signer::new(), case.params());
    let body = Payload::Bytes(&case.request.body);
    match place {
        Place::Header => signer.explain(head, body, &params),
        Place::Query => signer.explain_presign(head, body, &params, case.expires_in),
    }
    .unwrap()
}

fn canonical_request(case: &Case, place: Place) -> Result<(), Failed> {
    let expected = case.expected(place.prefix(), "canonical-request");
    let mut head = case.request.head();
    same(&expected, trace(case, place, &head).canonical_request())?;
    // The host comes to the same from the URI alone.
    head.headers.remove("host").expect("every case has a host");
    same(&expected, trace(case, place, &head).canonical_request())
}

fn string_to_sign(case: &Case, place: Place) -> Result<(), Failed> {
    same(&case.expected(place.prefix(), "string-to-sign"), trace(case, place, &case.request.head()).string_to_sign())
}

fn signature(case: &Case, place: Place) -> Result<(), Failed> {
    same(&case.expected(place.prefix(), "signature"), trace(case, place, &case.request.head()).signature())
}

fn signed_request(case: &Case, place: Place) -> Result<(), Failed> {
    let expected = case.signed_request(place.prefix()).head();
    let mut head = case.request.head();
    let (signer, params, body) = (Signer::new(), case.params(), Payload::Bytes(&case.request.body));
    // Signing twice in a row must come to the same as signing once.
    for _ in 0..2 {
        match place {
            Place::Header => signer.sign(&mut head, body, &params)?,
            Place::Query => signer.presign(&mut head, body, &params, case.expires_in)?,
        }
        same(expected.method.as_str(), head.method.as_str())?;
        same(&expected.uri.to_string(), &head.uri.to_string())?;
        same(&fields(&expected), &fields(&head))?;
    }
    Ok(())
}

/// The header fields, sorted by name; the order of one name's values is kept.
fn fields(head: &http::request::Parts) -> String {
    let mut names: Vec<_> = head.headers.keys().collect();
    names.sort_by_key(|name| name.as_str());
    let lines = names.into_iter().flat_map(|name| {
        head.headers.get_all(name).iter().map(move |value| format!("{name}: {}\n", value.to_str().unwrap()))
    });
    lines.collect()
}

fn same(expected: &str, actual: &str) -> Result<(), Failed> {
    if expected == actual { Ok(()) } else { Err(format!("expected:\n{expected}\n\nbut made:\n{actual}").into()) }
}

/// Seconds since 1970 of `YYYY-MM-DDThh:mm:ssZ`, counted year by year and month by month.
fn unix_time(text: &str) -> Duration {
    let numbers: Vec<u64> = text.split(['-', 'T', ':', 'Z']).filter_map(|part| part.parse().ok()).collect();
    let [year, month, day, hour, minute, second] = numbers[..] else { panic!("no timestamp: {text}") };
    let leap = |year: u64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let years: u64 = (1970..year).map(|year| 365 + u64::from(leap(year))).sum();
    let lengths = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let months: u64 = lengths.iter().take(month as usize - 1).sum();
    Duration::from_secs((((years + months + day - 1) * 24 + hour) * 60 + minute) * 60 + second)
}
