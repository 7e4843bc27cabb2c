//! AWS's own cases for the shared files: grammar, file locations, and role chains.
//!
//! The wording of errors is ours; a table says which of our errors corresponds to which of AWS's.
//! The cases are those of AWS's Rust SDK. Where the AWS CLI reads a file that the SDK refuses, so
//! do we: [`AS_THE_CLI`] lists these cases.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

mod vectors;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed};
use sagewire_credentials::profile::{
    BaseSource, FileKind, FileLocations, Platform, ProfileError, ProfileFile, ProfileSet, RoleChain, Section,
    SelectedProfile, SyntaxErrorKind, resolve_chain,
};
use serde_json::{Map, Value, json};

use crate::vectors::{equal, suite};

/// The cases that the AWS CLI reads otherwise than AWS's Rust SDK, with what both we and the CLI
/// read.
const AS_THE_CLI: [(&str, &str); 3] = [
    // A colon separates as an equals sign does.
    ("Property definitions must contain an equals sign.", r#"{"foo": {"key": "value"}}"#),
    // A name may contain any characters.
    (
        "Profile names support alphanumeric characters and - / . % @ _ : +",
        r#"{"some-thing:long/the_one%only.foo@bar+": {}, "foo!bar": {}}"#,
    ),
    // The credentials file's sections are names as they are written.
    ("Invalid profile names are ignored.", r#"{"in valid 2": {"name2": "value2"}}"#),
];

fn main() -> ExitCode {
    let mut trials = Vec::new();
    trials.extend(suite("grammar", "credentials/profile-parser-tests.json", "tests", 65, grammar));
    trials.extend(suite("location", "credentials/file-location-tests.json", "tests", 9, location));
    trials.extend(suite("role_chain", "credentials/assume-role-tests.json", "", 28, role_chain));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn grammar(case: &Value) -> Result<(), Failed> {
    let text = |key| case["input"].get(key).map(|text: &Value| text.as_str().unwrap().as_bytes()).unwrap_or_default();
    let files = [
        ProfileFile::new(FileKind::Config, "config", text("configFile")),
        ProfileFile::new(FileKind::Credentials, "credentials", text("credentialsFile")),
    ];
    let parsed = ProfileSet::parse(SelectedProfile::default(), &files);
    if let Some((_, expected)) = AS_THE_CLI.iter().find(|(name, _)| case["name"] == *name) {
        return equal(&sections(parsed?.profiles()), &serde_json::from_str::<Value>(expected)?);
    }
    if let Some(expected) = case["output"].get("errorContaining") {
        let error = parsed.err().ok_or("it was accepted")?;
        return equal(&error.kind(), &syntax_error(expected.as_str().unwrap()));
    }
    let set = parsed?;
    let expected = &case["output"]["config"];
    equal(&sections(set.profiles()), &expected["profiles"])?;
    let sessions = expected.get("sso_sessions").cloned().unwrap_or_else(|| json!({}));
    equal(&sections(set.sso_sessions()), &sessions)
}

fn sections<'s>(sections: impl Iterator<Item = &'s Section>) -> Value {
    let named = sections.map(|section| {
        let properties = section.properties().map(|(key, property)| (key.to_owned(), property.value().into()));
        (section.name().to_owned(), Value::Object(properties.collect()))
    });
    Value::Object(named.collect())
}

fn syntax_error(expected: &str) -> SyntaxErrorKind {
    match expected {
        "Profile definition must end with ']'" => SyntaxErrorKind::UnclosedSection,
        // AWS's words are the same for a property and for an indented line.
        "Expected a profile definition" => SyntaxErrorKind::OutsideSection,
        "Property did not have a name" => SyntaxErrorKind::EmptyName,
        // The AWS CLI reads an indented line below a header as a property, which needs a
        // separator.
        "Expected a property definition" | "Expected a property definition, found continuation" => {
            SyntaxErrorKind::MissingSeparator
        }
        "Expected an '=' sign defining a sub-property" => SyntaxErrorKind::NestedMissingEquals,
        "Sub-property did not have a name" => SyntaxErrorKind::NestedEmptyName,
        other => panic!("no error corresponds to `{other}`"),
    }
}

fn location(case: &Value) -> Result<(), Failed> {
    let env = |name: &str| case["environment"].get(name).map(|value| value.as_str().unwrap().to_owned());
    let platform = match case["platform"].as_str().unwrap() {
        "windows" => Platform::Windows,
        _ => Platform::Unix,
    };
    let found = FileLocations::resolve(env, platform);
    equal(&found.config.path(), &case["configLocation"].as_str())?;
    equal(&found.credentials.path(), &case["credentialsLocation"].as_str())?;
    equal(&found.profile.name(), &case.get("profile").map_or("default", |name| name.as_str().unwrap()))
}

fn role_chain(case: &Value) -> Result<(), Failed> {
    let mut config = String::new();
    for (prefix, key) in [("profile", "profiles"), ("sso-session", "sso_sessions")] {
        let sections: BTreeMap<String, BTreeMap<String, String>> =
            case["input"].get(key).map(|all| serde_json::from_value(all.clone()).unwrap()).unwrap_or_default();
        for (name, properties) in sections {
            writeln!(config, "[{prefix} {name}]").unwrap();
            for (key, value) in properties {
                writeln!(config, "{key} = {value}").unwrap();
            }
        }
    }
    let selected = case["input"]["selected_profile"].as_str().unwrap();
    let files = [ProfileFile::new(FileKind::Config, "config", config.as_bytes())];
    let set = ProfileSet::parse(SelectedProfile::explicit(selected), &files)?;
    let resolved = resolve_chain(&set, selected);
    if let Some(expected) = case["output"].get("Error") {
        let error = resolved.err().ok_or("it was accepted")?;
        let expected = expected.as_str().unwrap();
        return if corresponds(expected, &error) { Ok(()) } else { Err(format!("`{expected}` was {error:?}").into()) };
    }
    equal(&described(&resolved?), &case["output"]["ProfileChain"])
}

/// Whether this is our error for AWS's message.
fn corresponds(expected: &str, error: &ProfileError) -> bool {
    match expected {
        "profile must contain `source_profile`" => matches!(error, ProfileError::MissingSource { name } if name == "A"),
        "profile contained both source_profile and credential_source" => {
            matches!(error, ProfileError::BothSources { name } if name == "A")
        }
        "profile missing aws_secret_access_key" => {
            matches!(error, ProfileError::PartialKeys { missing: "aws_secret_access_key", .. })
        }
        "profile missing aws_access_key_id" => {
            matches!(error, ProfileError::PartialKeys { missing: "aws_access_key_id", .. })
        }
        "profile `B` did not contain credential information" => {
            matches!(error, ProfileError::SourceWithoutCredentials { name, from } if name == "B" && from == "A")
        }
        "profile `A` did not contain credential information" => {
            matches!(error, ProfileError::NoCredentials { name } if name == "A")
        }
        "could not find source profile B referenced from A" => {
            matches!(error, ProfileError::SourceNotFound { name, from, .. } if name == "B" && from == "A")
        }
        "No profiles were defined" => matches!(error, ProfileError::NoProfiles),
        "profile formed an infinite loop" => matches!(error, ProfileError::Loop { path } if path == &["A", "B", "A"]),
        "`role_arn` was missing" => matches!(error, ProfileError::MissingRoleArn { name } if name == "A"),
        "if `sso_role_name` is set, then `sso_account_id` must also be set" => {
            matches!(error, ProfileError::IncompleteSso { present: "sso_role_name", missing: "sso_account_id", .. })
        }
        "if `sso_account_id` is set, then `sso_role_name` must also be set" => {
            matches!(error, ProfileError::IncompleteSso { present: "sso_account_id", missing: "sso_role_name", .. })
        }
        "`sso_region` can only be specified in the [sso-session] config when a session name is given" => {
            matches!(error, ProfileError::IncompleteSsoSession { missing: "sso_region", .. })
        }
        "sso-session named `oops` (referenced by profile `A`) was not found" => {
            matches!(error, ProfileError::SsoSessionNotFound { session, name } if session == "oops" && name == "A")
        }
        other => panic!("no error corresponds to `{other}`"),
    }
}

/// A chain in the words of AWS's cases.
fn described(chain: &RoleChain) -> Value {
    let base = match chain.base() {
        BaseSource::Keys(keys) => json!({"AccessKey": object(&[
            ("access_key_id", Some(keys.access_key_id())),
            ("secret_access_key", Some(keys.secret_access_key())),
            ("account_id", keys.account_id()),
        ])}),
        BaseSource::Named(source) => json!({"NamedSource": source.as_str()}),
        BaseSource::WebIdentity(source) => json!({"WebIdentityToken": object(&[
            ("role_arn", Some(&source.role_arn)),
            ("web_identity_token_file", Some(&source.token_file)),
            ("role_session_name", source.session_name.as_deref()),
        ])}),
        BaseSource::Sso(source) => json!({"Sso": object(&[
            ("sso_session", source.session.as_deref()),
            ("sso_region", Some(&source.region)),
            ("sso_start_url", Some(&source.start_url)),
            ("sso_account_id", source.role.as_ref().map(|role| role.account_id.as_str())),
            ("sso_role_name", source.role.as_ref().map(|role| role.role_name.as_str())),
        ])}),
        other => panic!("no case has the source {other:?}"),
    };
    let roles = chain.roles().iter().map(|role| {
        json!({"AssumeRole": object(&[
            ("role_arn", Some(&role.role_arn)),
            ("external_id", role.external_id.as_deref()),
            ("role_session_name", role.session_name.as_deref()),
        ])})
    });
    [base].into_iter().chain(roles).collect()
}

fn object(fields: &[(&str, Option<&str>)]) -> Value {
    let given = fields.iter().filter_map(|(key, value)| Some(((*key).to_owned(), Value::from((*value)?))));
    Value::Object(given.collect::<Map<_, _>>())
}
