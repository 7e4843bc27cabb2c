//! What happened within the last minute.
//!
//! Owns the sliding count of requests and tokens, to the second. It rounds towards caution: what it
//! counts is never older than 61 seconds, and nothing younger than 60 is ever missing.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

const WINDOW_SECONDS: u64 = 60;

/// Requests and tokens of the last minute.
#[derive(Debug)]
pub(super) struct MinuteWindow {
    base: Instant,
    /// One for each second in which something happened, oldest first.
    seconds: VecDeque<Second>,
    requests: u64,
    tokens: u64,
}

#[derive(Debug)]
struct Second {
    /// Seconds since the base.
    at: u64,
    requests: u64,
    tokens: u64,
}

impl MinuteWindow {
    pub(super) fn new(now: Instant) -> Self {
        Self { base: now, seconds: VecDeque::new(), requests: 0, tokens: 0 }
    }

    pub(super) fn add(&mut self, now: Instant, requests: u64, tokens: u64) {
        self.advance(now);
        if requests == 0 && tokens == 0 {
            return;
        }
        self.requests += requests;
        self.tokens = self.tokens.saturating_add(tokens);
        let at = self.second_of(now);
        match self.seconds.back_mut() {
            Some(last) if last.at == at => {
                last.requests += requests;
                last.tokens = last.tokens.saturating_add(tokens);
            }
            _ => self.seconds.push_back(Second { at, requests, tokens }),
        }
    }

    /// Requests and tokens that count now.
    pub(super) fn totals(&mut self, now: Instant) -> (u64, u64) {
        self.advance(now);
        (self.requests, self.tokens)
    }

    /// How soon the oldest no longer counts; zero where nothing does.
    pub(super) fn room_in(&self, now: Instant) -> Duration {
        let Some(oldest) = self.seconds.front() else { return Duration::ZERO };
        let leaves = self.base + Duration::from_secs(oldest.at + WINDOW_SECONDS + 1);
        leaves.saturating_duration_since(now)
    }

    fn second_of(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.base).as_secs()
    }

    fn advance(&mut self, now: Instant) {
        let now = self.second_of(now);
        while let Some(oldest) = self.seconds.front().filter(|oldest| now.saturating_sub(oldest.at) > WINDOW_SECONDS) {
            self.requests -= oldest.requests;
            self.tokens = self.tokens.saturating_sub(oldest.tokens);
            self.seconds.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_minute_old_no_longer_counts_and_nothing_younger_is_missing() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut window = MinuteWindow::new(start);
        window.add(at(900), 1, 10);
        window.add(at(30_000), 2, 5);
        assert_eq!(window.totals(at(60_899)), (3, 15));
        assert_eq!(window.room_in(at(60_000)), Duration::from_secs(1));
        assert_eq!(window.totals(at(61_000)), (2, 5));
        assert_eq!(window.totals(at(91_000)), (0, 0));
        assert_eq!(window.room_in(at(91_000)), Duration::ZERO);
        window.add(at(91_000), 0, 0);
        assert_eq!(window.room_in(at(91_000)), Duration::ZERO, "nothing is counted, so there is nothing to wait for");
    }

    #[test]
    fn one_second_is_one_entry_however_much_happens() {
        let start = Instant::now();
        let mut window = MinuteWindow::new(start);
        for _ in 0..1000 {
            window.add(start, 1, 1);
        }
        assert_eq!((window.seconds.len(), window.totals(start)), (1, (1000, 1000)));
    }
}
