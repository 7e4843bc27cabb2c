//! Our chain and botocore's compared: with the same home folder and environment, both find the same
//! keys in the same way.
//!
//! Each case is a file in `chain` or `endpoints` with the outcome in it, so that our side is tested
//! wherever this runs. botocore's side needs `SAGEWIRE_BOTOCORE_PYTHON`, a Python with
//! `botocore[crt]`. Without it, its cases are ignored. Where the two differ on purpose, the case
//! names one of [`DIFFERENCES`].

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

mod case;
mod python;
mod stub;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use sagewire_credentials::endpoint::{
    EndpointSettings, Service, configured_endpoint_url, service_host, service_url, signing_region,
};
use sagewire_credentials::profile::{FileKind, FileLocations, Platform, ProfileFile, ProfileSet};
use sagewire_credentials::seam::{MapEnv, World};
use sagewire_credentials::{DefaultChain, ErrorKind, ProvideCredentials};
use sagewire_test_programs::Prepared;
use serde_json::{Value, json};

use crate::case::{Case, Home};

/// The differences from botocore, and their reasons.
const DIFFERENCES: [(&str, &str); 16] = [
    ("aws_profile_first", "AWS_PROFILE is the variable that all AWS SDKs have; botocore lets its own older one win"),
    (
        "blank_is_unset",
        "a blank variable is what an empty template leaves behind; AWS's Rust SDK takes it as unset too",
    ),
    ("broken_file_not_needed", "a file that a call does not need cannot stop it; botocore reads it before all else"),
    ("comment_after_a_value", "the files' grammar has comments after a value; botocore takes them into the value"),
    (
        "no_files_no_profiles",
        "as AWS's Rust SDK: with no profiles at all, a variable inherited from elsewhere stops nothing",
    ),
    ("no_mfa", "a service cannot ask for a code; the error says what to do instead"),
    ("no_other_words", "someone who writes `yes` for FIPS must not be given other hosts unawares"),
    ("old_session_token_variable", "AWS_SECURITY_TOKEN is botocore's own older name; no other SDK reads it"),
    ("pair_in_two_files", "both files are one set of profiles, as the reference says; botocore reads each by itself"),
    (
        "process_before_keys",
        "one order for both files, that of AWS's Rust SDK; botocore reads the credentials file first",
    ),
    ("process_with_shell", "as AWS's Rust SDK and the AWS reference, a shell runs the command"),
    ("profile_before_web_identity", "the order of AWS's Rust SDK: the profile, then the web identity variables"),
    ("section_in_two_places", "the grammar merges sections of one name; botocore refuses the file"),
    ("source_in_any_case", "as AWS's Rust SDK, the names of sources are read in any case of letters"),
    ("source_without_role", "as AWS's Rust SDK, a profile's named source counts without a role too"),
    (
        "sso_session_without_role",
        "as AWS's Rust SDK, a session in a profile means a sign-in; without a role there it is half done",
    ),
];

/// The environment of every case, before its own. A case's own variables come on top.
const SHARED: [(&str, &str); 2] = [("AWS_REGION", "us-east-1"), ("AWS_DEFAULT_REGION", "us-east-1")];
/// The same for cases that send requests.
const SHARED_CHAIN: [(&str, &str); 5] = [
    ("AWS_REGION", "us-east-1"),
    ("AWS_DEFAULT_REGION", "us-east-1"),
    ("AWS_ENDPOINT_URL_STS", "{server}"),
    ("AWS_ENDPOINT_URL_SSO", "{server}"),
    ("AWS_EC2_METADATA_DISABLED", "true"),
];

fn main() -> ExitCode {
    let server: Arc<str> = stub::start().into();
    let python = sagewire_test_programs::botocore();
    let (chain, endpoints) = (Case::all("chain"), Case::all("endpoints"));
    let mut trials = vec![differences(chain.iter().chain(&endpoints))];
    for case in chain {
        let (home, theirs) = (case.lay_out(&server, &SHARED_CHAIN), case.lay_out(&server, &SHARED_CHAIN));
        trials.extend(pair(&case, &python, &[], home, theirs, our_credentials));
    }
    for case in endpoints {
        let (home, theirs) = (case.lay_out(&server, &SHARED), case.lay_out(&server, &SHARED));
        trials.extend(pair(&case, &python, &["endpoints"], home, theirs, our_endpoints));
    }
    trials.push(python.trial("botocore's hosts in every region", |python| hosts(python)));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A case twice: what we make of it, and what botocore does.
fn pair(
    case: &Case,
    python: &Prepared<PathBuf>,
    arguments: &'static [&'static str],
    ours: Home,
    theirs: Home,
    find: fn(&Home) -> Value,
) -> [Trial; 2] {
    let (name, expected, of_botocore) = (case.name.clone(), case.expect.clone(), case.expected_of_botocore().clone());
    [
        Trial::test(format!("ours: {name}"), move || compare(&find(&ours), &expected)),
        python.trial(format!("botocore: {name}"), move |python| {
            compare(&python::ask(python, "resolve.py", arguments, theirs.env())?, &of_botocore)
        }),
    ]
}

/// Every difference has its reason, and every reason a case.
fn differences<'c>(cases: impl Iterator<Item = &'c Case>) -> Trial {
    let mut used = BTreeSet::new();
    let mut wrong = Vec::new();
    for case in cases {
        match (&case.difference, &case.botocore) {
            (Some(difference), Some(theirs)) if *theirs != case.expect => drop(used.insert(difference.clone())),
            (None, None) => {}
            _ => wrong.push(case.name.clone()),
        }
    }
    let listed: BTreeSet<_> = DIFFERENCES.iter().map(|(name, _)| (*name).to_owned()).collect();
    Trial::test("each difference is listed with its reason", move || {
        if wrong.is_empty() && used == listed {
            Ok(())
        } else {
            let odd: Vec<_> = used.symmetric_difference(&listed).collect();
            Err(format!("half a difference: {wrong:?}; not listed, or listed in vain: {odd:?}").into())
        }
    })
}

/// Compares an outcome with a case's. Keys have the secret that belongs to them unless the case
/// says otherwise, and the token if they are temporary.
fn compare(found: &Value, expected: &Value) -> Result<(), Failed> {
    let mut expected = expected.clone();
    if let Some(fields) = expected.as_object_mut()
        && let Some(id) = fields.get("access_key_id").and_then(Value::as_str).map(str::to_owned)
    {
        let own = matches!(fields.get("source").and_then(Value::as_str), Some("env" | "profile" | "process"));
        let token = if own { Value::Null } else { format!("token-of-{id}").into() };
        fields.entry("session_token").or_insert(token);
        fields.entry("secret_access_key").or_insert_with(|| format!("secret-of-{id}").into());
    }
    let failed = found.get("error").is_some();
    if *found == expected || (failed && expected == "error") {
        return Ok(());
    }
    Err(format!("found {found:#}\nexpected {expected:#}").into())
}

fn our_credentials(home: &Home) -> Value {
    let world = World::system().to_builder().with_env(home.env().iter().collect::<MapEnv>()).build();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    match runtime.block_on(DefaultChain::new(&world).provide_credentials()) {
        Ok(keys) => json!({
            "access_key_id": keys.access_key_id(),
            "secret_access_key": keys.secret_access_key(),
            "session_token": keys.session_token(),
            "source": ours(keys.source(), keys.access_key_id()),
        }),
        Err(error) if error.kind() == ErrorKind::NotConfigured => "none".into(),
        Err(error) => json!({ "error": error.to_string() }),
    }
}

/// A source by the name that the cases use. We call a role of a profile by the profile's name; the
/// stub's keys tell them apart.
fn ours<'n>(source: &'n str, id: &str) -> &'n str {
    match source {
        "Environment" => "env",
        "Profile" if id.starts_with("assumed:") => "assume-role",
        "Profile" => "profile",
        "WebIdentityToken" => "web-identity",
        "Process" => "process",
        "Sso" => "sso",
        "Container" => "container",
        "InstanceMetadata" => "imds",
        "Login" => "login",
        other => other,
    }
}

fn our_endpoints(home: &Home) -> Value {
    let env = |name: &str| home.env().get(name).cloned();
    let locations = FileLocations::resolve(env, Platform::current());
    let path = locations.config.path().unwrap();
    let config = std::fs::read(path).unwrap_or_default();
    let file = ProfileFile::new(FileKind::Config, path, &config);
    let profiles = ProfileSet::parse(locations.profile, &[file]).unwrap();
    let find = || {
        let settings = EndpointSettings::resolve(env, profiles.selected())?;
        let mut urls = BTreeMap::new();
        for (name, service) in SERVICES {
            let configured = configured_endpoint_url(service, None, env, Some(&profiles))?;
            urls.insert(name, service_url(service, Some("us-east-1"), settings, configured.as_ref())?);
        }
        Ok::<_, sagewire_credentials::endpoint::EndpointError>(urls)
    };
    match find() {
        Ok(urls) => json!(urls),
        Err(error) => json!({ "error": error.to_string() }),
    }
}

/// The services by botocore's names.
const SERVICES: [(&str, Service); 5] = [
    ("sagemaker-runtime", Service::SageMakerRuntime),
    ("sagemaker", Service::SageMaker),
    ("sts", Service::Sts),
    ("sso", Service::Sso),
    ("sso-oidc", Service::SsoOidc),
];

/// botocore's own rules for hosts, over every region of every partition, with and without FIPS and
/// dual-stack.
fn hosts(python: &Path) -> Result<(), Failed> {
    let answer = python::ask(python, "hosts.py", &[], &BTreeMap::new())?;
    let all = answer.as_array().unwrap();
    assert!(all.len() > 900, "only {} hosts were compared", all.len());
    for host in all {
        let text = |key: &str| host.get(key).and_then(Value::as_str).unwrap();
        let flag = |key: &str| host.get(key).and_then(Value::as_bool).unwrap();
        let (_, service) = SERVICES.into_iter().find(|(name, _)| *name == text("service")).unwrap();
        let settings = EndpointSettings { use_fips: flag("fips"), use_dual_stack: flag("dual_stack") };
        let ours = format!("https://{}", service_host(service, text("region"), settings)?);
        if ours != text("url") || signing_region(service, text("region"), settings) != text("signing_region") {
            return Err(format!("we say {ours}, botocore says {host:#}").into());
        }
    }
    Ok(())
}
