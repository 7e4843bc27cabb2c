//! How long a call may go on, and how it ends before its answer.
//!
//! Owns the deadline of a call with all its attempts: this is the one place that ends it. What
//! comes after a stream's first chunk is bounded where the stream is read. A caller that gives up
//! drops the call.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
};

use pin_project_lite::pin_project;
use sagewire_types::{CallContext, Error, ErrorKind};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::{reply::secrets::Secrets, settings::Settings};

/// What is known of a call while it goes on, and what its error tells.
#[derive(Debug)]
pub(crate) struct Limits {
    begun: Instant,
    /// When the whole call, with its stream, must have ended.
    pub(crate) deadline: Option<Instant>,
    /// When the answer, or a stream's first chunk, must be there.
    answer_by: Option<Instant>,
    attempts: AtomicU32,
    secrets: Mutex<Secrets>,
}

impl Limits {
    pub(crate) fn new(context: &CallContext, settings: &Settings) -> Self {
        let begun = Instant::now();
        let total = settings.timeouts.total.and_then(|total| begun.checked_add(total));
        let given = context.deadline.map(Instant::from_std);
        let deadline = [total, given].into_iter().flatten().min();
        let answer_by = [deadline, context.answer_by.map(Instant::from_std)].into_iter().flatten().min();
        Self { begun, deadline, answer_by, attempts: AtomicU32::new(0), secrets: Mutex::default() }
    }

    /// Whether a wait until then would outlast the call.
    pub(crate) fn are_over_at(&self, then: Instant) -> bool {
        self.answer_by.is_some_and(|end| then >= end)
    }

    /// When the answer must be there.
    pub(crate) fn end(&self) -> Option<Instant> {
        self.answer_by
    }

    /// Notes that another attempt begins.
    pub(crate) fn count_attempt(&self) {
        self.attempts.fetch_add(1, Ordering::Relaxed);
    }

    /// Keeps what the latest attempt was signed with.
    pub(crate) fn keep_secrets(&self, secrets: Secrets) {
        *self.secrets.lock().unwrap_or_else(PoisonError::into_inner) = secrets;
    }

    /// This call, until it is answered or out of time. Its error says after how many attempts and
    /// how long, and nothing of its secrets.
    pub(crate) fn bound<F>(&self, call: F) -> Bounded<'_, F> {
        Bounded { call, limits: self, timer: None }
    }

    fn described(&self, error: Error) -> Error {
        let attempts = error.attempts().max(self.attempts.load(Ordering::Relaxed));
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        error.with_attempts(attempts).with_elapsed(self.begun.elapsed()).with_texts(|text| secrets.hide(text))
    }
}

pin_project! {
    /// A call within its limits. It is a type of its own, as an `async fn` around a future keeps that twice: once as it is given, once as it is
    /// waited for.
    pub(crate) struct Bounded<'a, F> {
        #[pin]
        call: F,
        limits: &'a Limits,
        // Made when the call first has to wait.
        timer: Option<Pin<Box<Sleep>>>,
    }
}

impl<T, F: Future<Output = Result<T, Error>>> Future for Bounded<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        // An answer that is ready wins over an end that comes at the same time.
        if let Poll::Ready(result) = this.call.poll(cx) {
            return Poll::Ready(result.map_err(|error| this.limits.described(error)));
        }
        let Some(end) = this.limits.answer_by else { return Poll::Pending };
        let timer = this.timer.get_or_insert_with(|| Box::pin(sleep_until(end)));
        timer.as_mut().poll(cx).map(|()| Err(this.limits.described(out_of_time())))
    }
}

/// The error of a call whose time is over.
pub(crate) fn out_of_time() -> Error {
    Error::new(ErrorKind::Timeout, "the call exceeded its time limit (`timeout`); raise it or request fewer tokens")
        .with_retryable(false)
}

#[cfg(test)]
mod tests {
    use std::{
        future::{pending, ready},
        time::Duration,
    };

    use super::*;

    fn limits(context: &CallContext) -> Limits {
        Limits::new(context, &Settings::default())
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_ends_when_it_is_done_or_out_of_time() {
        assert_eq!(limits(&CallContext::new()).bound(ready(Ok(1))).await.unwrap(), 1);
        let second = Duration::from_secs(1);
        let context = CallContext::new().with_deadline((Instant::now() + 9 * second).into_std());
        for (context, seconds) in
            [(context.clone(), 9), (context.with_answer_by((Instant::now() + second).into_std()), 1)]
        {
            let begun = Instant::now();
            let bounds = limits(&context);
            bounds.count_attempt();
            let error = bounds.bound(pending::<Result<(), Error>>()).await.unwrap_err();
            assert_eq!((error.kind(), error.attempts()), (ErrorKind::Timeout, 1));
            assert_eq!((error.elapsed(), begun.elapsed()), (Some(seconds * second), seconds * second));
            tokio::time::advance(10 * second).await;
            if seconds == 9 {
                break;
            }
        }
    }

    #[test]
    fn a_call_is_kept_once() {
        let call = async {
            let large = [0_u8; 4096];
            tokio::task::yield_now().await;
            Ok::<_, Error>(large.len())
        };
        let alone = size_of_val(&call);
        assert!(size_of_val(&limits(&CallContext::new()).bound(call)) < alone + 64);
    }
}
