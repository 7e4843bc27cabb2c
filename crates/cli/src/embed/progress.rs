//! How far the work is: a bar on a terminal, and one line at the end.
//!
//! Owns how both look. On a pipe there is no bar.

use std::{
    fmt::Write as _,
    io::{IsTerminal, Write},
    time::Duration,
};

use tokio::time::Instant;

/// How often the bar is drawn at most.
const INTERVAL: Duration = Duration::from_millis(100);

const WIDTH: u64 = 30;

/// A bar, and the counts behind it.
pub(super) struct Progress {
    bar: Option<Box<dyn Write + Send>>,
    total: u64,
    before: u64,
    now: u64,
    begun: Instant,
    drawn: Option<Instant>,
}

impl Progress {
    /// On standard error, where that is a terminal.
    pub(super) fn on_stderr(total: u64, before: u64, quiet: bool) -> Self {
        let shown = !quiet && std::io::stderr().is_terminal();
        Self::new(shown.then(|| Box::new(std::io::stderr()) as _), total, before)
    }

    pub(super) fn new(bar: Option<Box<dyn Write + Send>>, total: u64, before: u64) -> Self {
        Self { bar, total, before, now: 0, begun: Instant::now(), drawn: None }
    }

    /// Counts lines that are done.
    pub(super) fn add(&mut self, lines: u64) {
        self.now += lines;
        let now = Instant::now();
        if self.drawn.is_none_or(|drawn| now.duration_since(drawn) >= INTERVAL) {
            self.drawn = Some(now);
            self.draw();
        }
    }

    fn draw(&mut self) {
        let text = self.text();
        if let Some(bar) = &mut self.bar {
            // Nobody is helped by an error about a bar.
            let _ = write!(bar, "\r\x1b[2K{text}").and_then(|()| bar.flush());
        }
    }

    fn text(&self) -> String {
        let done = self.before + self.now;
        let total = self.total.max(1);
        let filled = (WIDTH * done / total).min(WIDTH);
        let mut text = "[".to_owned();
        for place in 0..WIDTH {
            text.push(if place < filled { '=' } else { ' ' });
        }
        let _ = write!(text, "] {done}/{} ({} %)", self.total, 100 * done / total);
        if let Some(speed) = self.speed() {
            #[expect(clippy::cast_precision_loss, reason = "nobody waits for 2^52 lines")]
            let left = self.total.saturating_sub(done) as f64 / speed;
            let _ = write!(text, ", {speed:.0} lines/s, {} to go", Clock(left));
        }
        text
    }

    fn speed(&self) -> Option<f64> {
        let seconds = self.begun.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "nobody waits for 2^52 lines")]
        let speed = self.now as f64 / seconds;
        (self.now > 0 && seconds > 0.0).then_some(speed)
    }

    /// Says something to whoever watches the bar.
    pub(super) fn say(&mut self, text: impl std::fmt::Display) {
        if let Some(bar) = &mut self.bar {
            let _ = writeln!(bar, "\r\x1b[2K{text}");
        }
        self.draw();
    }

    /// Takes the bar away.
    pub(super) fn clear(&mut self) {
        if let Some(bar) = &mut self.bar {
            let _ = write!(bar, "\r\x1b[2K").and_then(|()| bar.flush());
        }
    }

    /// What was done, in one line.
    pub(super) fn summary(&self, tokens: u64) -> String {
        let mut text = format!("{} of {} lines embedded", self.before + self.now, self.total);
        if self.before > 0 {
            let _ = write!(text, " ({} by runs before)", self.before);
        }
        if tokens > 0 {
            let _ = write!(text, ", {tokens} tokens");
        }
        let _ = write!(text, ", {:.1} s", self.begun.elapsed().as_secs_f64());
        if let Some(speed) = self.speed() {
            let _ = write!(text, ", {speed:.0} lines/s");
        }
        text
    }
}

/// Seconds as people read them.
struct Clock(f64);

impl std::fmt::Display for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
        let seconds = self.0.ceil() as u64;
        match seconds {
            0..=59 => write!(f, "{seconds} s"),
            60..=3599 => write!(f, "{} min {} s", seconds / 60, seconds % 60),
            _ => write!(f, "{} h {} min", seconds / 3600, seconds % 3600 / 60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_bar_shows_runs_before_the_speed_of_this_one_and_what_is_left() {
        let mut progress = Progress::new(None, 1000, 400);
        assert_eq!(progress.text(), "[============                  ] 400/1000 (40 %)");
        tokio::time::advance(Duration::from_secs(10)).await;
        progress.add(100);
        assert_eq!(progress.text(), "[===============               ] 500/1000 (50 %), 10 lines/s, 50 s to go");
        assert_eq!(
            progress.summary(7),
            "500 of 1000 lines embedded (400 by runs before), 7 tokens, 10.0 s, 10 lines/s"
        );
        assert_eq!(Clock(3725.0).to_string(), "1 h 2 min");
        assert_eq!(Clock(61.2).to_string(), "1 min 2 s");
    }

    #[tokio::test]
    async fn nothing_to_do_is_no_division() {
        assert_eq!(Progress::new(None, 0, 0).text(), "[                              ] 0/0 (0 %)");
    }
}
