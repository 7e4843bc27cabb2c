//! Credentials that a program prints: `credential_process`.

use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;

use crate::seam::{ProcessLimits, World};
use crate::timestamp::parse_rfc3339;
use crate::{Credentials, CredentialsError, ProvideCredentials, Secret};

const NAME: &str = "Process";

/// A program may open a browser for its user, but a service must not wait for ever.
const LIMITS: ProcessLimits = ProcessLimits { timeout: Duration::from_secs(60), max_stdout: 64 * 1024 };

/// Runs a command line in the system's shell and reads the credentials that it prints. The command
/// line, its output and its error output are never logged or quoted, since they may contain
/// secrets.
///
/// The shell is that of AWS's Rust SDK; boto3 runs the command without one. The command comes from
/// the operator's own files, never from a request.
///
/// See [the
/// format](https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html).
#[derive(Clone, Debug)]
pub struct ProcessCredentials {
    world: World,
    command: Secret,
    account_id: Option<String>,
    limits: ProcessLimits,
}

impl ProcessCredentials {
    /// Runs `command` at each call, for at most a minute.
    #[must_use]
    pub fn new(world: &World, command: impl Into<Secret>) -> Self {
        Self { world: world.clone(), command: command.into(), account_id: None, limits: LIMITS }
    }

    /// The account of the credentials where the program does not print one.
    #[must_use]
    pub fn with_account_id(mut self, account_id: impl Into<String>) -> Self {
        self.account_id = Some(account_id.into());
        self
    }

    /// Ends the program after `timeout` in place of a minute.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.limits.timeout = timeout;
        self
    }

    async fn run(&self) -> Result<Credentials, CredentialsError> {
        let output = self.world.processes().run(self.command.expose(), self.limits).await.map_err(|error| {
            let message = "`credential_process` failed";
            match error.kind() {
                std::io::ErrorKind::TimedOut => CredentialsError::timeout(message),
                _ => CredentialsError::provider(message),
            }
            .with_cause(error)
        })?;
        if output.exit_code != Some(0) {
            let how = output
                .exit_code
                .map_or("was ended by a signal".to_owned(), |code| format!("failed with exit code {code}"));
            return Err(CredentialsError::provider(format!(
                "`credential_process` {how}; run it yourself to see its messages, which are not shown here"
            )));
        }
        self.read(&output.stdout)
    }

    fn read(&self, stdout: &[u8]) -> Result<Credentials, CredentialsError> {
        let printed: Printed = serde_json::from_slice(stdout).map_err(|error| {
            CredentialsError::provider(format!(
                "invalid output of `credential_process`: expected the JSON of credentials (line {}, column {})",
                error.line(),
                error.column()
            ))
        })?;
        if printed.version != Some(1.0) {
            return Err(CredentialsError::provider(
                "invalid `Version` in the output of `credential_process`: expected 1",
            ));
        }
        let missing =
            |what: &str| CredentialsError::provider(format!("missing `{what}` in the output of `credential_process`"));
        let key_id = printed.access_key_id.filter(|id| !id.is_empty()).ok_or_else(|| missing("AccessKeyId"))?;
        let secret = printed.secret_access_key.filter(|secret| !secret.expose().is_empty());
        let secret = secret.ok_or_else(|| missing("SecretAccessKey"))?;
        let mut credentials = Credentials::new(key_id, secret.expose());
        if let Some(token) = printed.session_token.filter(|token| !token.expose().is_empty()) {
            credentials = credentials.with_session_token(token.expose());
        }
        if let Some(expiration) = printed.expiration {
            let expiry = parse_rfc3339(&expiration).ok_or_else(|| {
                CredentialsError::provider(
                    "invalid `Expiration` in the output of `credential_process`: expected a time such as \
                     2026-01-31T12:00:00Z",
                )
            })?;
            credentials = credentials.with_expiry(expiry);
        }
        if let Some(account) = printed.account_id.or_else(|| self.account_id.clone()) {
            credentials = credentials.with_account_id(account);
        }
        Ok(credentials)
    }
}

/// What the program prints. Without an expiration the credentials are long-lived.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    /// Some programs print `1.0`.
    version: Option<f64>,
    access_key_id: Option<String>,
    secret_access_key: Option<Secret>,
    session_token: Option<Secret>,
    expiration: Option<String>,
    account_id: Option<String>,
}

#[async_trait]
impl ProvideCredentials for ProcessCredentials {
    async fn provide_credentials(&self) -> Result<Credentials, CredentialsError> {
        let credentials = self.run().await.map_err(|error| error.with_provider(NAME))?;
        Ok(credentials.with_source(NAME))
    }
}

#[cfg(test)]
mod tests;
