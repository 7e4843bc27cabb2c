//! Ctrl-C.
//!
//! Owns how a command waits for it, and the exit code of one that it ended.

/// The exit code of a command that Ctrl-C ended: 128 and the number of SIGINT, as shells have it.
pub(crate) const EXIT_CODE: u8 = 130;

/// Ends with the next Ctrl-C. If the system has no signals, never.
pub(crate) async fn ctrl_c() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
