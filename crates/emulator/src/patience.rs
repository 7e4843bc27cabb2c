//! How long a client may keep the emulator waiting.

use std::{
    future::Future as _,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::Sleep;

/// The time that a client has for its first request, for the head of each other one, for a body,
/// and for reading what is written. Then its connection is closed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// Runs while a client keeps the emulator waiting, by tokio's clock.
#[derive(Debug, Default)]
pub(crate) struct Patience(Option<Pin<Box<Sleep>>>);

impl Patience {
    /// The client has done what it was waited for.
    pub(crate) fn restart(&mut self) {
        self.0 = None;
    }

    /// The error of a connection that has been waited for too long.
    pub(crate) fn poll<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(tokio::time::sleep(PATIENCE)));
        ready!(sleep.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}
