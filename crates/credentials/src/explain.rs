//! [`Explanation`]: a report of how a chain or a set of parameters looked for credentials. It
//! contains no secret.

use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

use crate::error::describe;
use crate::seam::Look;
use crate::timestamp::format_rfc3339;
use crate::{Credentials, CredentialsError, ErrorKind};

/// The sources that were tried, in order, with what each looked at and its outcome.
///
/// `Display` writes it as indented lines.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// One entry for each source, in order.
    pub steps: Vec<Step>,
}

/// One source in an [`Explanation`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// The source's name.
    pub source: Cow<'static, str>,
    /// The variables, files, URLs and processes it looked at.
    pub looked_at: Vec<Look>,
    /// The outcome.
    pub outcome: Outcome,
}

/// The outcome of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It gave credentials.
    Found {
        /// The source that the credentials name, which may be another one that the asked source
        /// uses.
        source: String,
        /// The last four characters of a long access key id.
        key_id_hint: Option<String>,
        /// The account, if it is known.
        account_id: Option<String>,
        /// When they expire, if they do.
        expiry: Option<SystemTime>,
        /// Whether they are expired already.
        expired: bool,
    },
    /// The parameters decided where to look.
    Decided {
        /// Where.
        what: String,
    },
    /// It is not configured.
    PassedOver {
        /// Why.
        reason: String,
    },
    /// It is configured and failed. No source after it was tried.
    Failed {
        /// What went wrong.
        kind: ErrorKind,
        /// Why, with the reasons behind it.
        reason: String,
    },
    /// An earlier source ended the search.
    NotReached,
}

impl Explanation {
    /// The step that ended the search: the one that found credentials or failed. `None` if no
    /// source is configured.
    #[must_use]
    pub fn conclusion(&self) -> Option<&Step> {
        self.steps.iter().rfind(|step| matches!(step.outcome, Outcome::Found { .. } | Outcome::Failed { .. }))
    }
}

impl Outcome {
    pub(crate) fn of(result: Result<Credentials, CredentialsError>, now: SystemTime) -> Self {
        match result {
            Ok(credentials) => Self::Found {
                source: credentials.source().to_owned(),
                key_id_hint: credentials.key_id_hint(),
                account_id: credentials.account_id().map(str::to_owned),
                expiry: credentials.expiry(),
                expired: credentials.is_expired_at(now),
            },
            Err(error) if error.kind() == ErrorKind::NotConfigured => Self::PassedOver { reason: describe(&error) },
            Err(error) => Self::Failed { kind: error.kind(), reason: describe(&error) },
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Found { source, key_id_hint, account_id, expiry, expired } => {
                write!(f, "found credentials ({source})")?;
                if let Some(hint) = key_id_hint {
                    write!(f, ", key id ..{hint}")?;
                }
                if let Some(account) = account_id {
                    write!(f, ", account {account}")?;
                }
                match (expiry, expired) {
                    (Some(expiry), true) => {
                        write!(f, ", EXPIRED at {}; renew them or correct the clock", format_rfc3339(*expiry))
                    }
                    (Some(expiry), false) => write!(f, ", valid until {}", format_rfc3339(*expiry)),
                    (None, _) => write!(f, ", without expiry"),
                }
            }
            Self::Decided { what } => write!(f, "decided: {what}"),
            Self::PassedOver { reason } => write!(f, "not configured: {reason}"),
            Self::Failed { kind, reason } => write!(f, "{}: {reason}", kind.as_str()),
            Self::NotReached => f.write_str("not reached"),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            writeln!(f, "{}: {}", step.source, step.outcome)?;
            for look in &step.looked_at {
                writeln!(f, "  {look}")?;
            }
        }
        Ok(())
    }
}
