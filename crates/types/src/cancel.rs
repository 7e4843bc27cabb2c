//! Giving up a call from outside.
//!
//! Owns the signal. Dropping a call's future or stream gives it up too; this is for callers that do not hold it.

use std::{
    convert::Infallible,
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use futures_channel::oneshot;
use futures_util::future::{FutureExt, Shared};

/// Gives up the calls that hold its [`Cancellation`], when [`cancel`](Self::cancel) is called or when it is dropped.
///
/// ```
/// use sagewire_types::CancelHandle;
///
/// let (handle, cancellation) = CancelHandle::new();
/// assert!(!cancellation.is_cancelled());
/// handle.cancel();
/// assert!(cancellation.is_cancelled());
/// ```
#[must_use = "dropping the handle gives the call up"]
pub struct CancelHandle {
    _sender: oneshot::Sender<Infallible>,
}

impl CancelHandle {
    /// A handle and the signal that it raises.
    pub fn new() -> (Self, Cancellation) {
        let (sender, receiver) = oneshot::channel();
        (Self { _sender: sender }, Cancellation { raised: receiver.shared() })
    }

    /// Gives up every call that holds the signal.
    pub fn cancel(self) {}
}

impl fmt::Debug for CancelHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CancelHandle")
    }
}

/// A signal that its call shall be given up: a future that ends when it is raised.
#[derive(Clone)]
pub struct Cancellation {
    raised: Shared<oneshot::Receiver<Infallible>>,
}

impl Cancellation {
    /// Whether the signal has been raised.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.raised.clone().now_or_never().is_some()
    }
}

impl Future for Cancellation {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.raised.poll_unpin(cx).map(|_| ())
    }
}

impl fmt::Debug for Cancellation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancellation").field("cancelled", &self.is_cancelled()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_clone_sees_the_signal_and_dropping_raises_it() {
        let (handle, first) = CancelHandle::new();
        let second = first.clone();
        assert!(first.clone().now_or_never().is_none());
        drop(handle);
        assert!(first.is_cancelled() && second.is_cancelled());
        assert!(second.now_or_never().is_some());
    }
}
