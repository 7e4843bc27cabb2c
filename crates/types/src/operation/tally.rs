//! How many tokens a text has, before or without anyone counting them.
//!
//! Owns a guess from the length of the text, good enough to compare with a limit and never used in
//! place of a count that a model reports.

use crate::Usage;

/// English text has about four bytes to a token and so, at three bytes to a character, has text of
/// other scripts, within a factor of two.
const BYTES_PER_TOKEN: usize = 4;

/// What a whole answer, or a piece of one, tells about its tokens.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Tally<'a> {
    /// The tokens that the model reported, if it did.
    pub usage: Option<&'a Usage>,
    /// The generated text in bytes, from which tokens are estimated where none are reported.
    pub text_bytes: usize,
}

impl<'a> Tally<'a> {
    /// This usage, and this much generated text.
    #[must_use]
    pub fn new(usage: Option<&'a Usage>, text_bytes: usize) -> Self {
        Self { usage, text_bytes }
    }

    /// The generated tokens: as reported, else estimated from the text.
    #[must_use]
    pub fn generated(&self) -> u64 {
        self.usage.map_or_else(|| tokens(in_bytes(self.text_bytes)), |usage| usage.completion_tokens)
    }

    /// The tokens of request and answer, if they were reported.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.usage.map(|usage| usage.total_tokens.max(usage.prompt_tokens.saturating_add(usage.completion_tokens)))
    }
}

/// About how many tokens a text of this length has.
pub(super) fn in_bytes(bytes: usize) -> usize {
    bytes.div_ceil(BYTES_PER_TOKEN)
}

/// A count of tokens.
pub(super) fn tokens(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reported_counts_and_the_rest_is_estimated() {
        let mut usage = Usage::reported(3, 4);
        assert_eq!((Tally::new(Some(&usage), 400).generated(), Tally::new(Some(&usage), 400).total()), (4, Some(7)));
        usage.total_tokens = 9;
        assert_eq!(Tally::new(Some(&usage), 0).total(), Some(9));
        assert_eq!((Tally::new(None, 9).generated(), Tally::new(None, 9).total()), (3, None));
    }
}
