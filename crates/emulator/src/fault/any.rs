//! Any fault at all, from a number.
//!
//! Owns the values that faults take in random runs: offsets inside heads, frames and bodies,
//! lengths around their limits, short and long waits. The same number always gives the same fault.

use std::time::Duration;

use super::{Fault, chaos::mixed};
use crate::{aws_error::AwsError, frame::Frame};

/// About as many bytes as a short streamed answer has.
const SHORT_ANSWER: usize = 900;

/// Numbers that follow from one number.
struct Numbers(u64);

impl Numbers {
    /// The next one, below `limit`.
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = mixed(self.0);
        // A remainder is all but even where the limit is this small.
        self.0.checked_rem(limit).unwrap_or_default()
    }

    fn index(&mut self, limit: usize) -> usize {
        usize::try_from(self.below(u64::try_from(limit).unwrap_or(u64::MAX))).unwrap_or_default()
    }

    fn frame(&mut self) -> usize {
        self.index(8)
    }

    /// Most waits are short, some are longer than any limit.
    fn time(&mut self) -> Duration {
        let most = if self.below(8) == 0 { 200_000 } else { 50 };
        Duration::from_millis(self.below(most))
    }

    /// A frame's length, mostly about one of its limits.
    fn length(&mut self) -> u32 {
        let around: [u32; 8] = [0, 12, 15, 16, 100, 24 * 1024 * 1024, 24 * 1024 * 1024 + 128 * 1024 + 16, u32::MAX];
        let near = u32::try_from(self.below(3)).unwrap_or_default();
        around.get(self.index(around.len())).copied().unwrap_or_default().saturating_add(near)
    }

    /// A frame that no client need know.
    fn stranger(&mut self) -> Frame {
        match self.below(3) {
            0 => Frame::initial_response(),
            1 => Frame::event("Surprise", "application/json", "{}"),
            _ => Frame::event("Surprise", "application/octet-stream", Vec::from([0xff; 40])),
        }
    }

    /// A frame that tells of a failure.
    fn report(&mut self) -> Frame {
        match self.below(5) {
            0 => Frame::error("InternalError", "The stream failed."),
            1 => Frame::exception("ModelStreamError", Some("ModelInvocationTimeExceeded"), "The model took too long."),
            2 => Frame::exception("ModelStreamError", Some("StreamBroken"), "The model's stream broke."),
            3 => Frame::exception("InternalStreamFailure", None, "The stream failed."),
            _ => Frame::exception("SomethingNewException", None, "Nobody has heard of this one."),
        }
    }

    fn content_type(&mut self) -> &'static str {
        let types =
            ["text/html", "application/json", "text/event-stream", "nonsense", "", "text/plain; charset=utf-16"];
        types.get(self.index(types.len())).copied().unwrap_or_default()
    }

    fn error(&mut self) -> AwsError {
        let mut errors = AwsError::catalog();
        let at = self.index(errors.len());
        // The catalog is not empty, so the place is one of it.
        errors.swap_remove(at)
    }
}

impl Fault {
    /// Any fault, with any values: what [`Chaos::any`](super::Chaos::any) draws. Every kind comes,
    /// at every frame and byte of a short answer; the frames that are huge and the bodies that
    /// expand stay small enough for many runs.
    #[must_use]
    pub fn any(number: u64) -> Self {
        let mut numbers = Numbers(mixed(number));
        let numbers = &mut numbers;
        match numbers.below(38) {
            0 => Self::RefuseConnections(numbers.time()),
            1 => Self::ExpireCredentials,
            2 => Self::RevokeCredentials,
            3 => {
                let seconds = i64::try_from(numbers.below(86_400)).unwrap_or_default();
                Self::ClockSkew(if numbers.below(2) == 0 { seconds } else { -seconds })
            }
            4 => Self::ResetBeforeHeaders,
            5 => Self::ResetInHeaders(numbers.index(300)),
            6 => Self::ResetAfterHeaders,
            7 => Self::SlowHeaders(numbers.time()),
            8 => Self::Stall { at: numbers.index(SHORT_ANSWER), time: numbers.time() },
            9 => Self::StallBefore { frame: numbers.frame(), time: numbers.time() },
            10 => Self::Pieces(1 + numbers.index(40)),
            11..=13 => Self::CutAt(numbers.index(SHORT_ANSWER)),
            14..=16 => Self::EndAt(numbers.index(SHORT_ANSWER)),
            17 => Self::CorruptPrelude(numbers.frame()),
            18 => Self::CorruptMessage(numbers.frame()),
            19 => Self::TotalLength { frame: numbers.frame(), length: numbers.length() },
            20 => Self::HeadersLength { frame: numbers.frame(), length: numbers.length() },
            21 => Self::Insert { before: numbers.frame(), frame: numbers.stranger() },
            22 => {
                // One in 32 is above what AWS allows.
                let most = if numbers.below(32) == 0 { 32 * 1024 * 1024 } else { 200_000 };
                Self::HugeFrame { before: numbers.frame(), length: numbers.index(most) }
            }
            23..=25 => Self::Instead { of: numbers.frame(), frame: numbers.report() },
            26 => Self::InvalidUtf8(numbers.frame()),
            27 => Self::EmptyParts,
            28 => Self::ContentType(numbers.content_type().to_owned()),
            29 => Self::Redirect("http://127.0.0.1:9/".to_owned()),
            30 => Self::GzipBomb(numbers.index(4 * 1024 * 1024)),
            31 => Self::JsonBomb(1 + numbers.index(20_000)),
            32 => Self::CloseAfterAnswer,
            33 => Self::CloseOnReuse,
            _ => Self::Error(numbers.error()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, mem::discriminant};

    use super::*;

    #[test]
    fn every_kind_and_every_error_comes_and_the_number_decides() {
        let drawn: Vec<Fault> = (0..5_000).map(Fault::any).collect();
        assert!(drawn.iter().enumerate().all(|(number, fault)| *fault == Fault::any(number as u64)));
        let kinds: HashSet<_> = drawn.iter().map(discriminant).collect();
        let all: HashSet<_> = Fault::catalog().iter().map(discriminant).collect();
        assert_eq!(kinds, all);
        for error in AwsError::catalog() {
            assert!(drawn.contains(&Fault::Error(error.clone())), "{error:?} never came");
        }
    }

    #[test]
    fn every_byte_of_a_short_answer_is_cut_at() {
        let mut numbers = Numbers(0);
        let cuts: HashSet<usize> = (0..20_000).map(|_| numbers.index(SHORT_ANSWER)).collect();
        assert_eq!(cuts.len(), SHORT_ANSWER);
    }
}
