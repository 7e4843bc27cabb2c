//! How far the work is: a bar on a terminal, and one line at the end.
//!
//! Owns what both say. On a pipe there is no bar.

use std::{fmt::Write as _, io::IsTerminal, time::Duration};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use tokio::time::Instant;

/// As wide as the terminal.
const BAR: &str = "[{wide_bar}] {pos}/{len} ({percent} %), {rate}, {eta} left";

/// Lines per second. Without fractions, the numbers fit a terminal of 40 columns.
fn rate(state: &ProgressState, out: &mut dyn std::fmt::Write) {
    // Writing a number cannot fail.
    let _ = write!(out, "{:.0}/s", state.per_sec());
}

/// A bar, and the counts behind it.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    total: u64,
    before: u64,
    now: u64,
    begun: Instant,
}

impl Progress {
    /// On standard error, if that is a terminal.
    pub(crate) fn on_stderr(total: u64, before: u64, quiet: bool) -> Self {
        let progress = Self::hidden(total, before);
        if !quiet && std::io::stderr().is_terminal() {
            progress.bar.set_draw_target(ProgressDrawTarget::stderr());
            progress.bar.enable_steady_tick(Duration::from_secs(1));
        }
        progress
    }

    /// Without a bar.
    pub(crate) fn hidden(total: u64, before: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden()).with_position(before);
        if let Ok(style) = ProgressStyle::with_template(BAR) {
            bar.set_style(style.with_key("rate", rate).progress_chars("=> "));
        }
        // The lines of runs before say nothing about the speed of this one.
        bar.reset_eta();
        Self { bar, total, before, now: 0, begun: Instant::now() }
    }

    /// Counts lines that are done.
    pub(crate) fn add(&mut self, lines: u64) {
        self.now += lines;
        self.bar.inc(lines);
    }

    /// Says something to people who watch the bar.
    pub(crate) fn say(&self, text: impl std::fmt::Display) {
        self.bar.println(text.to_string());
    }

    /// Removes the bar.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    /// Says how many lines are done, those of earlier runs included.
    pub(crate) fn set(&mut self, done: u64) {
        self.now = done.saturating_sub(self.before);
        self.bar.set_position(done);
    }

    /// What was done to the lines, in one line.
    pub(crate) fn summary(&self, did: &str, tokens: u64) -> String {
        let mut text = format!("{} of {} lines {did}", self.before + self.now, self.total);
        if self.before > 0 {
            let _ = write!(text, " ({} by earlier runs)", self.before);
        }
        if tokens > 0 {
            let _ = write!(text, ", {tokens} tokens");
        }
        let seconds = self.begun.elapsed().as_secs_f64();
        let _ = write!(text, ", {seconds:.1} s");
        if self.now > 0 && seconds > 0.0 {
            #[expect(clippy::cast_precision_loss, reason = "no input has 2^52 lines")]
            let speed = self.now as f64 / seconds;
            let _ = write!(text, ", {speed:.0} lines/s");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_summary_tells_earlier_runs_from_this_one() {
        let mut progress = Progress::hidden(1000, 400);
        assert_eq!(progress.summary("embedded", 0), "400 of 1000 lines embedded (400 by earlier runs), 0.0 s");
        tokio::time::advance(Duration::from_secs(10)).await;
        progress.add(100);
        assert_eq!(
            progress.summary("embedded", 7),
            "500 of 1000 lines embedded (400 by earlier runs), 7 tokens, 10.0 s, 10 lines/s"
        );
    }
}
