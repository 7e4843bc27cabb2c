//! sagemaker-core makes the same bearer tokens for the same keys and times.
//!
//! `SAGEWIRE_BOTOCORE_PYTHON` names a Python with botocore, `SAGEWIRE_SAGEMAKER_CORE` a folder with
//! the package `sagemaker-core`. Without them, the case is ignored.

use std::{
    path::Path,
    process::{Command, ExitCode},
    time::{Duration, UNIX_EPOCH},
};

use libtest_mimic::{Arguments, Failed};
use sagewire_credentials::{BearerToken, Credentials, Region};
use serde_json::json;

/// Keys with every kind of character, with and without a session.
const KEYS: [(&str, &str, Option<&str>); 4] = [
    ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", None),
    ("ASIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", Some("IQoJb3JpZ2luX2VjEXAMPLE//////+/==")),
    ("ASIA", "a+b/c=~ d-_.", Some("token~+/=&?%41-_.")),
    ("AKID", "é", Some("x")),
];
const REGIONS: [&str; 4] = ["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1"];
/// Seconds since 1970, and how long the token lasts.
const TIMES: [(u64, u64); 4] = [(0, 1), (951_782_399, 900), (1_796_083_199, 3_600), (4_102_444_800, 43_200)];

fn main() -> ExitCode {
    let prepared = sagewire_test_programs::sagemaker_core();
    let trial = prepared.trial("tokens", |(python, package)| tokens(python, package));
    libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit_code()
}

fn tokens(python: &Path, package: &Path) -> Result<(), Failed> {
    let (mut cases, mut ours) = (Vec::new(), Vec::new());
    for (id, secret, session) in KEYS {
        for region in REGIONS {
            for (time, ttl) in TIMES {
                cases.push(json!({
                    "access_key_id": id, "secret_access_key": secret, "session_token": session, "region": region,
                    "time": time, "ttl": ttl,
                }));
                let mut keys = Credentials::new(id, secret);
                if let Some(session) = session {
                    keys = keys.with_session_token(session);
                }
                let now = UNIX_EPOCH + Duration::from_secs(time);
                let token = BearerToken::mint(&keys, &Region::new(region)?, Duration::from_secs(ttl), now)?;
                ours.push(token.token.expose().to_owned());
            }
        }
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sagemaker_core/mint.py");
    let output = Command::new(python).arg(script).arg(package).arg(json!(cases).to_string()).env_clear().output()?;
    let theirs: Vec<String> = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(&output.stderr)))?;
    assert_eq!(ours.len(), KEYS.len() * REGIONS.len() * TIMES.len());
    for ((case, ours), theirs) in cases.iter().zip(&ours).zip(&theirs) {
        assert_eq!(ours, theirs, "{case}");
    }
    assert_eq!(theirs.len(), ours.len());
    Ok(())
}
