//! What a connection is doing, seen from outside.
//!
//! Owns telling an idle connection from a slow one. Each event is an atomic store: one timer for
//! each connection looks at them now and then, so that a busy connection pays nothing for its
//! limits. Where the events are seen is `watched`.

use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::time::Instant;

use crate::Limits;

/// No time, in milliseconds since the connection began.
const NEVER: u64 = u64::MAX;

/// What a connection is doing.
#[derive(Debug)]
pub(super) struct Pulse {
    began: Instant,
    requests: AtomicUsize,
    idle_since: AtomicU64,
    /// When a request's head began to come.
    head_since: AtomicU64,
    /// Since when the peer takes no bytes.
    blocked_since: AtomicU64,
    /// On HTTP/2 bytes come between requests, too.
    http2: AtomicBool,
    /// On HTTP/1.1: whether all of the current request has arrived.
    request_is_whole: AtomicBool,
    /// On HTTP/1.1: whether a byte of the answer to the current request was written.
    answer_has_begun: AtomicBool,
    /// For each answer under way on HTTP/2: since when its peer takes nothing of it. There the peer
    /// says by itself how much it takes, so that the socket tells nothing.
    answers: Mutex<Vec<Arc<AtomicU64>>>,
    /// The last words of a connection that is given up in the middle of a head.
    last_words: OnceLock<Bytes>,
}

/// What to do with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Wait,
    /// Nobody asks for anything: it can end in good order.
    Idle,
    /// A part of a request's head came, and the rest did not: nothing has been answered yet, so
    /// there is room for an answer.
    SlowHead,
    /// The peer is too slow.
    Stuck(&'static str),
}

/// What it means that the peer will send nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PeerClosed {
    /// The connection has ended.
    Ended,
    /// The current request was not read to its end yet, if it has one.
    Unread,
    /// An answer is being written. If the peer has gone, writing fails.
    TakesAnswer,
    /// A whole request came, and nothing of its answer was written.
    AwaitsAnswer,
}

/// A request at work on a connection, until it is dropped.
#[derive(Debug)]
pub(super) struct Beat {
    pulse: Arc<Pulse>,
    /// On HTTP/2: since when the peer takes nothing of the answer.
    untaken: Option<Arc<AtomicU64>>,
}

impl Beat {
    /// Whether the peer says by itself how much of the answer it takes.
    pub(super) fn has_flow_control(&self) -> bool {
        self.untaken.is_some()
    }

    /// There is something of the answer to take.
    pub(super) fn offers(&self) {
        if let Some(untaken) = &self.untaken {
            untaken.store(self.pulse.now(), Relaxed);
        }
    }

    /// The peer has taken all that there is, and waits.
    pub(super) fn waits(&self) {
        if let Some(untaken) = &self.untaken {
            untaken.store(NEVER, Relaxed);
        }
    }
}

impl Drop for Beat {
    fn drop(&mut self) {
        if let Some(untaken) = &self.untaken {
            self.pulse.answers().retain(|answer| !Arc::ptr_eq(answer, untaken));
        }
        if self.pulse.requests.fetch_sub(1, Relaxed) == 1 {
            self.pulse.idle_since.store(self.pulse.now(), Relaxed);
        }
    }
}

impl Pulse {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            requests: AtomicUsize::new(0),
            idle_since: AtomicU64::new(0),
            head_since: AtomicU64::new(NEVER),
            blocked_since: AtomicU64::new(NEVER),
            http2: AtomicBool::new(false),
            request_is_whole: AtomicBool::new(false),
            answer_has_begun: AtomicBool::new(false),
            answers: Mutex::default(),
            last_words: OnceLock::new(),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(NEVER - 1)
    }

    /// A request's head is there.
    pub(super) fn request(self: &Arc<Self>, version: http::Version) -> Beat {
        self.requests.fetch_add(1, Relaxed);
        self.head_since.store(NEVER, Relaxed);
        self.request_is_whole.store(false, Relaxed);
        self.answer_has_begun.store(false, Relaxed);
        let untaken = (version == http::Version::HTTP_2).then(|| {
            self.speaks_http2();
            let untaken = Arc::new(AtomicU64::new(NEVER));
            self.answers().push(Arc::clone(&untaken));
            untaken
        });
        Beat { pulse: Arc::clone(self), untaken }
    }

    /// The list is whole after every step, so a panic elsewhere leaves it usable.
    fn answers(&self) -> std::sync::MutexGuard<'_, Vec<Arc<AtomicU64>>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection began as HTTP/2 does: bytes between its requests begin no head.
    pub(super) fn speaks_http2(&self) {
        self.http2.store(true, Relaxed);
        self.head_since.store(NEVER, Relaxed);
    }

    /// Says this and nothing more, in place of whatever else would be read.
    pub(super) fn give_up_with(&self, words: Bytes) {
        // The first words were the last.
        let _ = self.last_words.set(words);
    }

    pub(super) fn last_words(&self) -> Option<&Bytes> {
        self.last_words.get()
    }

    /// The rest of the current request has arrived, or is not wanted.
    pub(super) fn request_is_whole(&self) {
        self.request_is_whole.store(true, Relaxed);
    }

    /// What it means that the peer has closed its sending side.
    pub(super) fn peer_closed(&self) -> PeerClosed {
        // On HTTP/2 neither side ends alone.
        if self.http2.load(Relaxed) {
            return PeerClosed::Ended;
        }
        if self.blocked_since.load(Relaxed) != NEVER {
            return PeerClosed::TakesAnswer;
        }
        if self.requests.load(Relaxed) == 0 {
            return PeerClosed::Ended;
        }
        if !self.request_is_whole.load(Relaxed) {
            return PeerClosed::Unread;
        }
        if self.answer_has_begun.load(Relaxed) { PeerClosed::TakesAnswer } else { PeerClosed::AwaitsAnswer }
    }

    pub(super) fn read(&self) {
        if self.requests.load(Relaxed) == 0 && self.head_since.load(Relaxed) == NEVER && !self.http2.load(Relaxed) {
            self.head_since.store(self.now(), Relaxed);
        }
    }

    /// A part of an answer is written.
    pub(super) fn answer_begins(&self) {
        if !self.answer_has_begun.load(Relaxed) {
            self.answer_has_begun.store(true, Relaxed);
        }
    }

    pub(super) fn wrote(&self) {
        if self.blocked_since.load(Relaxed) != NEVER {
            self.blocked_since.store(NEVER, Relaxed);
        }
    }

    pub(super) fn blocked(&self) {
        if self.blocked_since.load(Relaxed) == NEVER {
            self.blocked_since.store(self.now(), Relaxed);
        }
    }

    pub(super) fn verdict(&self, limits: &Limits) -> Verdict {
        let now = self.now();
        let over =
            |since: u64, limit: Duration| since != NEVER && u128::from(now.saturating_sub(since)) >= limit.as_millis();
        if over(self.blocked_since.load(Relaxed), limits.write_timeout) {
            return Verdict::Stuck("its peer takes no bytes");
        }
        if self.answers().iter().any(|untaken| over(untaken.load(Relaxed), limits.write_timeout)) {
            return Verdict::Stuck("its peer takes no bytes of an answer");
        }
        if self.requests.load(Relaxed) > 0 {
            return Verdict::Wait;
        }
        if over(self.head_since.load(Relaxed), limits.header_timeout) {
            // Behind an answer that is not out yet, other bytes would be taken for a part of it.
            match self.blocked_since.load(Relaxed) {
                NEVER => Verdict::SlowHead,
                _ => Verdict::Stuck("a request's head took too long"),
            }
        } else if over(self.idle_since.load(Relaxed), limits.idle_timeout) {
            Verdict::Idle
        } else {
            Verdict::Wait
        }
    }

    /// When to look again: no limit is missed by more than a quarter of the shortest, or a second.
    pub(super) fn next_check(limits: &Limits) -> Instant {
        let shortest = limits.header_timeout.min(limits.write_timeout).min(limits.idle_timeout);
        Instant::now() + (shortest / 4).clamp(Duration::from_millis(10), Duration::from_secs(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits {
            header_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(60),
            ..Limits::default()
        }
    }

    async fn after(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_requests_becomes_idle() {
        let pulse = Arc::new(Pulse::new());
        after(59).await;
        assert_eq!(pulse.verdict(&limits()), Verdict::Wait);
        let beat = pulse.request(http::Version::HTTP_11);
        after(1000).await;
        assert_eq!(pulse.verdict(&limits()), Verdict::Wait, "a long answer is not idle");
        drop(beat);
        after(59).await;
        assert_eq!(pulse.verdict(&limits()), Verdict::Wait);
        after(1).await;
        assert_eq!(pulse.verdict(&limits()), Verdict::Idle);
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_drips_in_is_not_waited_for() {
        let pulse = Arc::new(Pulse::new());
        after(30).await;
        pulse.read();
        after(9).await;
        pulse.read();
        assert_eq!(pulse.verdict(&limits()), Verdict::Wait);
        after(1).await;
        assert_eq!(pulse.verdict(&limits()), Verdict::SlowHead);
        pulse.blocked();
        assert!(matches!(pulse.verdict(&limits()), Verdict::Stuck(_)), "an older answer is still on its way");
        pulse.wrote();
        let _beat = pulse.request(http::Version::HTTP_11);
        assert_eq!(pulse.verdict(&limits()), Verdict::Wait, "the head is there");
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_nothing_is_given_up() {
        let pulse = Arc::new(Pulse::new());
        let _beat = pulse.request(http::Version::HTTP_11);
        pulse.blocked();
        after(19).await;
        pulse.wrote();
        pulse.blocked();
        after(19).await;
        assert_eq!(pulse.verdict(&limits()), Verdict::Wait);
        after(1).await;
        assert!(matches!(pulse.verdict(&limits()), Verdict::Stuck(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn on_http2_bytes_between_requests_begin_no_head() {
        let pulse = Arc::new(Pulse::new());
        drop(pulse.request(http::Version::HTTP_2));
        pulse.read();
        after(59).await;
        assert_eq!(pulse.verdict(&limits()), Verdict::Wait);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_begins_as_http2_has_no_head_to_wait_for() {
        let pulse = Arc::new(Pulse::new());
        pulse.read();
        pulse.speaks_http2();
        after(59).await;
        assert_eq!(pulse.verdict(&limits()), Verdict::Wait);
        after(1).await;
        assert_eq!(pulse.verdict(&limits()), Verdict::Idle);
    }

    #[tokio::test(start_paused = true)]
    async fn on_http2_an_answer_that_is_not_taken_ends_the_connection_and_one_that_waits_for_its_model_does_not() {
        let pulse = Arc::new(Pulse::new());
        let taken = pulse.request(http::Version::HTTP_2);
        taken.offers();
        taken.waits();
        after(1000).await;
        assert_eq!(pulse.verdict(&limits()), Verdict::Wait);
        let untaken = pulse.request(http::Version::HTTP_2);
        untaken.offers();
        after(19).await;
        assert_eq!(pulse.verdict(&limits()), Verdict::Wait);
        after(1).await;
        assert!(matches!(pulse.verdict(&limits()), Verdict::Stuck(_)));
        untaken.offers();
        assert_eq!(pulse.verdict(&limits()), Verdict::Wait, "a part was taken");
        drop(untaken);
        after(1000).await;
        assert_eq!(pulse.verdict(&limits()), Verdict::Wait);
    }
}
