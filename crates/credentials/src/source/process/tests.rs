//! What a program prints, fails with, and must not give away. Real processes are run in the tests
//! of the seam.

use std::io;
use std::time::Duration;

use async_trait::async_trait;
use zeroize::Zeroizing;

use super::ProcessCredentials;
use crate::seam::{ProcessLimits, ProcessOutput, Processes, World};
use crate::{Credentials, CredentialsError, ErrorKind, ProvideCredentials};

/// A program that always does the same.
enum Program {
    Prints(&'static str),
    Exits(Option<i32>),
    Fails(io::ErrorKind),
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Program")
    }
}

#[async_trait]
impl Processes for Program {
    async fn run(&self, command_line: &str, limits: ProcessLimits) -> io::Result<ProcessOutput> {
        assert_eq!(command_line, "print-keys --password hidden-argument");
        assert_eq!(limits.timeout, Duration::from_secs(60));
        let (exit_code, stdout) = match self {
            Self::Prints(text) => (Some(0), *text),
            Self::Exits(code) => (*code, "hidden-output"),
            Self::Fails(kind) => return Err((*kind).into()),
        };
        Ok(ProcessOutput { exit_code, stdout: Zeroizing::new(stdout.into()) })
    }
}

async fn run(program: Program) -> Result<Credentials, CredentialsError> {
    let world = World::builder().with_processes(program).build();
    let source =
        ProcessCredentials::new(&world, "print-keys --password hidden-argument").with_account_id("123456789012");
    assert!(!format!("{source:?} {source:#?}").contains("hidden"));
    source.provide_credentials().await
}

#[tokio::test]
async fn reads_what_is_printed() {
    let keys = run(Program::Prints(
        r#"{"Version": 1, "AccessKeyId": "id", "SecretAccessKey": "s", "SessionToken": "t",
            "Expiration": "2021-08-16T22:52:53+02:00", "AccountId": "210987654321"}"#,
    ))
    .await
    .unwrap();
    assert_eq!((keys.access_key_id(), keys.secret_access_key(), keys.session_token()), ("id", "s", Some("t")));
    assert_eq!((keys.account_id(), keys.source()), (Some("210987654321"), "Process"));
    assert!(keys.expiry().is_some());

    let keys = run(Program::Prints(r#"{"Version": 1.0, "AccessKeyId": "id", "SecretAccessKey": "s"}"#)).await.unwrap();
    assert_eq!((keys.session_token(), keys.expiry(), keys.account_id()), (None, None, Some("123456789012")));
}

#[tokio::test]
async fn garbage_is_an_error_that_quotes_none_of_it() {
    for (printed, word) in [
        ("hidden-output", "line 1"),
        ("", "line 1"),
        ("\u{0}\u{ff}hidden-output", "line 1"),
        (r#"["hidden-output"]"#, "line 1"),
        (r#"{"Version": "hidden-output"}"#, "line 1"),
        (r#"{"AccessKeyId": "hidden-output"}"#, "`Version`"),
        (r#"{"Version": 2, "AccessKeyId": "hidden-output"}"#, "`Version`"),
        (r#"{"Version": 1, "SecretAccessKey": "hidden-output"}"#, "`AccessKeyId`"),
        (r#"{"Version": 1, "AccessKeyId": "hidden-output", "SecretAccessKey": ""}"#, "`SecretAccessKey`"),
        (
            r#"{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "b", "Expiration": "hidden-output"}"#,
            "`Expiration`",
        ),
    ] {
        let error = run(Program::Prints(printed)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Provider, "{printed}");
        assert!(error.to_string().contains(word), "{printed}: {error}");
        assert!(!format!("{error} {error:?} {error:#?}").contains("hidden"), "{error:?}");
    }
}

#[tokio::test]
async fn failures_say_how_it_ended() {
    for (program, kind, word) in [
        (Program::Exits(Some(3)), ErrorKind::Provider, "exit code 3"),
        (Program::Exits(None), ErrorKind::Provider, "signal"),
        (Program::Fails(io::ErrorKind::TimedOut), ErrorKind::Timeout, "timed out"),
        (Program::Fails(io::ErrorKind::NotFound), ErrorKind::Provider, "not found"),
    ] {
        let error = run(program).await.unwrap_err();
        assert_eq!(error.kind(), kind);
        let text = crate::error::describe(&error);
        assert!(text.contains(word) && !text.contains("hidden"), "{text}");
    }
}
