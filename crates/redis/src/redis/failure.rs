//! Why a call of Redis failed, and which failures are the server's refusals.

use std::fmt;

use redis::{ErrorKind, RedisError};

/// Why a call failed.
pub(super) enum Failure {
    Late,
    Redis(RedisError),
    Unreadable,
}

impl Failure {
    /// Whether the server is there and does not do what it was asked: it is out of memory, or the
    /// value is of no use to it, or to us.
    pub(super) fn is_refusal(&self) -> bool {
        use redis::ServerErrorKind::{NoPerm, ReadOnly, ResponseError};
        match self {
            Self::Late => false,
            Self::Unreadable => true,
            Self::Redis(error) => matches!(
                error.kind(),
                ErrorKind::Extension
                    | ErrorKind::Parse
                    | ErrorKind::UnexpectedReturnType
                    | ErrorKind::Server(NoPerm | ReadOnly | ResponseError)
            ),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Late => f.write_str("no answer in time"),
            // The server's own words may repeat what was sent.
            Self::Redis(error) => match error.code() {
                Some(code) => write!(f, "{}: {code}", error.category()),
                None => f.write_str(error.category()),
            },
            Self::Unreadable => f.write_str("an answer that cannot be read"),
        }
    }
}
