//! What a request and a connection may use.
//!
//! Owns the numbers. They are enforced where the bytes pass: bodies in `body`, connections in `server`.

use std::time::Duration;

/// What one request, and all requests together, may use. They change with a reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestLimits {
    /// The largest body, in bytes. SageMaker itself takes 25 MiB.
    pub body_bytes: usize,
    /// How deep lists and objects may be nested.
    pub json_depth: usize,
    /// How many requests at once are worked on.
    pub concurrent: usize,
    /// How many requests wait for their turn.
    pub queued: usize,
    /// How long a request waits for its turn.
    pub queue_timeout: Duration,
    /// How long a body may take to come.
    pub body_timeout: Duration,
}

impl RequestLimits {
    /// The parser itself goes no deeper than 128.
    pub const MAX_JSON_DEPTH: usize = 120;
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self {
            body_bytes: 25 * 1024 * 1024,
            json_depth: 64,
            concurrent: 10_000,
            queued: 0,
            queue_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(60),
        }
    }
}

/// What one connection, and all connections together, may use. They are fixed when the server starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionLimits {
    /// The largest request head, in bytes.
    pub header_bytes: usize,
    /// How many connections are open at once.
    pub connections: usize,
    /// How long a request's head may take to come.
    pub header_timeout: Duration,
    /// How long a caller may take no bytes of its answer.
    pub write_timeout: Duration,
    /// How long a connection may be open without a request.
    pub idle_timeout: Duration,
    /// How long running requests may go on after the server was told to stop.
    pub drain_timeout: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            header_bytes: 64 * 1024,
            connections: 20_000,
            header_timeout: Duration::from_secs(15),
            write_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(90),
            drain_timeout: Duration::from_secs(60),
        }
    }
}
