//! How many tokens an answer had, and how fast they came: the line below it.

use std::{fmt, time::Duration};

use sagewire::Usage;

/// What is known of one answer's pace.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Speed {
    /// The tokens, where the container or we have counted them.
    pub(super) usage: Option<Usage>,
    /// From the request to the first piece; `None` where the answer came whole.
    pub(super) first: Option<Duration>,
    /// From the request to the end.
    pub(super) total: Duration,
}

impl Speed {
    /// Tokens of the answer for each second: of its stream where there is one, else of the whole
    /// call.
    fn tokens_per_second(&self) -> Option<f64> {
        let tokens = self.usage.as_ref()?.completion_tokens;
        // The first token's time is the prompt's: the speed is that of the tokens after it.
        let (tokens, time) = match self.first {
            Some(first) if tokens > 1 => (tokens - 1, self.total.saturating_sub(first)),
            _ => (tokens, self.total),
        };
        let seconds = time.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "no answer has 2^52 tokens")]
        let tokens = tokens as f64;
        (tokens > 0.0 && seconds > 0.0).then(|| tokens / seconds)
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(usage) = &self.usage {
            let about = if usage.estimated { "about " } else { "" };
            write!(
                f,
                "{about}{} + {} = {} tokens, ",
                usage.prompt_tokens, usage.completion_tokens, usage.total_tokens
            )?;
        }
        if let Some(first) = self.first {
            write!(f, "{} to the first, ", Seconds(first))?;
        }
        write!(f, "{} in all", Seconds(self.total))?;
        match self.tokens_per_second() {
            Some(speed) => write!(f, ", {speed:.1} tokens/s"),
            None => Ok(()),
        }
    }
}

/// A duration as people read it.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs_f64() {
            seconds if seconds < 0.1 => write!(f, "{:.0} ms", seconds * 1000.0),
            seconds => write!(f, "{seconds:.2} s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_speed_is_that_of_the_tokens_after_the_first() {
        let speed = Speed {
            usage: Some(Usage::reported(10, 21)),
            first: Some(Duration::from_millis(500)),
            total: Duration::from_millis(2500),
        };
        assert_eq!(speed.to_string(), "10 + 21 = 31 tokens, 0.50 s to the first, 2.50 s in all, 10.0 tokens/s");
    }

    #[test]
    fn a_whole_answer_counts_the_whole_time_and_an_estimate_says_so() {
        let speed = Speed { usage: Some(Usage::estimated(10, 20)), first: None, total: Duration::from_secs(2) };
        assert_eq!(speed.to_string(), "about 10 + 20 = 30 tokens, 2.00 s in all, 10.0 tokens/s");
    }

    #[test]
    fn nothing_is_divided_by_nothing() {
        let speed = Speed { usage: Some(Usage::reported(1, 0)), first: None, total: Duration::ZERO };
        assert_eq!(speed.to_string(), "1 + 0 = 1 tokens, 0 ms in all");
        assert_eq!(Speed::default().to_string(), "0 ms in all");
    }
}
