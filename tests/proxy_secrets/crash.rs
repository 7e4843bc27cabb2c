//! What a process leaves behind that goes down with all its secrets in memory: its standard output
//! and error, with every backtrace.

use std::process::{Command, Output};

use sagewire_tests::deployment::{Outputs, SECRETS, search};

/// Lets a deployment go down in this way.
fn crash(way: &str) -> (Output, Outputs) {
    let output = Command::new(env!("CARGO_BIN_EXE_crash")).arg(way).env("RUST_BACKTRACE", "full").output().unwrap();
    let outputs = vec![
        ("standard output".to_owned(), output.stdout.clone()),
        ("standard error".to_owned(), output.stderr.clone()),
    ];
    (output, outputs)
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_panic_in_a_request_tells_no_secret() {
    let (output, outputs) = crash("panic");
    let stderr = stderr(&output);
    assert!(output.status.success(), "{stderr}");
    // All three requests came as far as the transport, each with other credentials, and were shown.
    assert_eq!(stderr.matches("the transport breaks down on Request {").count(), 3, "{stderr}");
    assert!(stderr.contains("stack backtrace:") && stderr.contains("x-amz-security-token"), "{stderr}");
    assert_eq!(search(&outputs, &SECRETS), Ok(()));
}

#[test]
fn an_abort_tells_no_secret() {
    use std::os::unix::process::ExitStatusExt as _;

    let (output, outputs) = crash("abort");
    let stderr = stderr(&output);
    // SIGABRT.
    assert_eq!(output.status.signal(), Some(6), "{stderr}");
    assert!(stderr.contains("and once more on Request {") && stderr.contains("x-amz-security-token"), "{stderr}");
    assert_eq!(search(&outputs, &SECRETS), Ok(()));
}

#[test]
fn a_secret_in_a_panic_is_found() {
    let (output, outputs) = crash("plant");
    assert!(output.status.success(), "{}", stderr(&output));
    let found = search(&outputs, &SECRETS).unwrap_err();
    assert!(found.starts_with("standard error, line "), "{found}");
}
