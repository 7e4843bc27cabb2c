//! Calls that their caller can give up.
//!
//! Owns the end of such a call. It is a type of its own, as an `async fn` around a future keeps that twice: once as it is given, once as it is
//! waited for.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;
use sagewire_types::{CallContext, Cancellation, Error, ErrorKind};

pin_project! {
    /// A call, until it is done or given up.
    pub(crate) struct Cancellable<F> {
        #[pin]
        call: F,
        cancellation: Option<Cancellation>,
    }
}

/// This call, until its context says that it is given up.
pub(crate) fn unless_cancelled<F>(context: &CallContext, call: F) -> Cancellable<F> {
    Cancellable { call, cancellation: context.cancellation.clone() }
}

impl<T, F: Future<Output = Result<T, Error>>> Future for Cancellable<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if let Poll::Ready(result) = this.call.poll(cx) {
            return Poll::Ready(result);
        }
        match this.cancellation {
            Some(cancellation) => Pin::new(cancellation).poll(cx).map(|()| Err(cancelled())),
            None => Poll::Pending,
        }
    }
}

/// The error of a call that was given up.
pub(crate) fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "the call was given up by its caller")
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use sagewire_types::CancelHandle;

    use super::*;

    #[tokio::test]
    async fn a_call_ends_when_it_is_done_or_given_up() {
        let (cancel, cancellation) = CancelHandle::new();
        let context = CallContext::new().with_cancellation(cancellation);
        assert_eq!(unless_cancelled(&context, ready(Ok(1))).await.unwrap(), 1);
        assert_eq!(unless_cancelled(&CallContext::new(), ready(Ok(2))).await.unwrap(), 2);
        let call = unless_cancelled(&context, pending::<Result<(), Error>>());
        let (result, ()) = tokio::join!(call, async { cancel.cancel() });
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Cancelled);
        // What is done when it is given up is done.
        assert!(unless_cancelled(&context, ready(Ok(()))).await.is_ok());
    }

    #[test]
    fn a_call_is_kept_once() {
        let call = async {
            let large = [0_u8; 4096];
            tokio::task::yield_now().await;
            Ok::<_, Error>(large.len())
        };
        let alone = size_of_val(&call);
        assert!(size_of_val(&unless_cancelled(&CallContext::new(), call)) < alone + 64);
    }
}
