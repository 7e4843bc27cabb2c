//! AWS's own cases for the default chain, end to end (environment, files and recorded HTTP in;
//! credentials or an error out), and for the URLs of container credentials.
//!
//! Logs are captured at trace level, and a case fails if one of its secrets is in them, or in any
//! text made of the outcome.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

mod replay;
mod vectors;

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, UNIX_EPOCH};

use libtest_mimic::{Arguments, Failed, Trial};
use sagewire_credentials::profile::ProfileError;
use sagewire_credentials::seam::{FixedClock, MapEnv, MapFiles, World};
use sagewire_credentials::{
    ContainerCredentials, Credentials, CredentialsError, DefaultChain, ErrorKind, ProvideCredentials, ServiceError,
};
use serde_json::{Map, Value};

use crate::replay::{Logs, Replay, secrets_of};
use crate::vectors::{equal, folder, suite};

/// A time before every expiry in the recordings, which AWS's tests keep by standing at 1970.
const NOW: Duration = Duration::from_secs(1_000_000_000);

/// Cases in which more is asked than was recorded, and why.
const ASKS_MORE: [(&str, &str); 1] =
    [("sso_server_error", "a 503 is worth asking again, and one answer is recorded; the outcome is the same")];

fn main() -> ExitCode {
    let mut trials = chain();
    trials.extend(suite("container URL", "credentials/ecs-tests.json", "tests", 11, container));
    trials.push(Trial::test("a secret in the logs is noticed", a_leak_is_noticed));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn chain() -> Vec<Trial> {
    let Some(cases) = folder().map(|folder| folder.join("credentials/default-chain")).filter(|cases| cases.is_dir())
    else {
        return vec![Trial::test("default chain: cases are absent", || Ok(())).with_ignored_flag(true)];
    };
    let mut trials: Vec<_> = fs::read_dir(cases)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            Trial::test(format!("default chain: {name}"), move || default_chain(&path, &name))
        })
        .collect();
    let found = trials.len();
    trials.push(Trial::test("default chain: all cases are there", move || equal(&found, &29)));
    trials
}

fn default_chain(case: &Path, name: &str) -> Result<(), Failed> {
    let read = |file: &str| -> Value { serde_json::from_slice(&fs::read(case.join(file)).unwrap()).unwrap() };
    let env: Map<String, Value> = read("env.json").as_object().unwrap().clone();
    let env: MapEnv = env.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
    let files = MapFiles::new();
    load(&files, &case.join("fs"), Path::new("/"));
    let traffic = read("http-traffic.json");
    let replay = Replay::new(&traffic);
    let world = World::builder()
        .with_env(env)
        .with_files(files)
        .with_http(replay.clone())
        .with_clock(FixedClock(UNIX_EPOCH + NOW))
        .build();
    let test = read("test-case.json");

    let logs = Logs::default();
    let outcome = logs.capture(|| run(DefaultChain::new(&world).provide_credentials()));
    let asks_more = ASKS_MORE.iter().any(|(listed, _)| *listed == name);
    replay.check(asks_more)?;
    check(&test["result"], &outcome)?;

    let again = world.to_builder().with_http(Replay::new(&traffic)).build();
    let explained = logs.capture(|| run(DefaultChain::new(&again).explain()));
    let shown = match &outcome {
        Ok(credentials) => format!("{credentials:?} {credentials:#?}"),
        Err(error) => format!("{error:?} {error:#?} {}", whole(error)),
    };
    let shown = format!("{shown} {explained} {explained:?} {world:?} {}", logs.text());
    let secrets = secrets_of(case);
    if let Some(secret) = test["result"]["Ok"]["secret_access_key"].as_str().filter(|secret| secret.len() > 3) {
        equal(&secrets.iter().any(|found| found == secret), &true)?;
    }
    for secret in secrets {
        if shown.contains(&secret) {
            return Err(format!("the secret {secret} is shown: {shown}").into());
        }
    }
    Ok(())
}

/// Runs to the end on a paused clock, so that waiting between tries costs nothing.
fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap().block_on(future)
}

fn load(files: &MapFiles, folder: &Path, to: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            load(files, &entry.path(), &to);
        } else {
            files.insert(to, fs::read(entry.path()).unwrap());
        }
    }
}

fn check(expected: &Value, outcome: &Result<Credentials, CredentialsError>) -> Result<(), Failed> {
    if let Some(words) = expected["ErrorContains"].as_str() {
        let error = outcome.as_ref().err().ok_or("there were credentials")?;
        return if corresponds(words, error) { Ok(()) } else { Err(format!("`{words}` was {}", whole(error)).into()) };
    }
    let expected = &expected["Ok"];
    let got = outcome.as_ref().map_err(whole)?;
    equal(&Some(got.access_key_id()), &expected["access_key_id"].as_str())?;
    equal(&Some(got.secret_access_key()), &expected["secret_access_key"].as_str())?;
    equal(&got.session_token(), &expected["session_token"].as_str())?;
    equal(&got.account_id(), &expected["account_id"].as_str())?;
    let expiry = got.expiry().map(|expiry| expiry.duration_since(UNIX_EPOCH).unwrap().as_secs());
    equal(&expiry, &expected["expiry"].as_u64())
}

/// Whether `error` corresponds to AWS's message. Messages of the SDK itself are compared by kind.
fn corresponds(words: &str, error: &CredentialsError) -> bool {
    match words {
        "the credential provider was not enabled" | "provider was not enabled" => {
            kinds(error).contains(&ErrorKind::NotConfigured)
        }
        "an error occurred while loading credentials" => error.kind() == ErrorKind::Provider,
        "`web_identity_token_file` was specified but `role_arn` was missing" => {
            matches!(error.find_cause::<ProfileError>(), Some(ProfileError::MissingRoleArn { name }) if name == "B")
        }
        "InvalidIdentityTokenException: No OpenIDConnect provider found in your account" => {
            let refusal = error.find_cause::<ServiceError>().unwrap();
            refusal.code.as_deref() == Some("InvalidIdentityToken")
                && refusal.message.as_deref().unwrap().starts_with("No OpenIDConnect provider found in your account")
        }
        literal => whole(error).contains(literal),
    }
}

fn levels(error: &CredentialsError) -> Vec<&(dyn Error + 'static)> {
    let mut levels = Vec::new();
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        levels.push(error);
        next = error.source();
    }
    levels
}

fn kinds(error: &CredentialsError) -> Vec<ErrorKind> {
    levels(error)
        .into_iter()
        .filter_map(|level| level.downcast_ref::<CredentialsError>())
        .map(CredentialsError::kind)
        .collect()
}

fn whole(error: &CredentialsError) -> String {
    levels(error).iter().map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn container(case: &Value) -> Result<(), Failed> {
    let env: MapEnv =
        case["env"].as_object().unwrap().iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
    let url = ContainerCredentials::new(&World::builder().with_env(env).build()).url();
    match case["result"]["ErrorContains"].as_str() {
        None => equal(&Some(url?.to_string().as_str()), &case["result"]["Ok"].as_str()),
        Some("No environment variables were set to configure ECS provider") => {
            equal(&url.unwrap_err().kind(), &ErrorKind::NotConfigured)
        }
        Some(_) => equal(&url.unwrap_err().kind(), &ErrorKind::InvalidConfiguration),
    }
}

/// The check above would be worth nothing if the logs were not captured.
fn a_leak_is_noticed() -> Result<(), Failed> {
    let logs = Logs::default();
    logs.capture(|| tracing::trace!(secret = "leaked-secret", "a careless line"));
    equal(&logs.text().contains("leaked-secret"), &true)
}
