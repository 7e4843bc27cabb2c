//! Log lines on their way to standard error.
//!
//! Owns that a log that is read slowly, or not at all, never delays a request: lines go into a
//! buffer of bounded size, and a thread of its own writes it. What does not fit is dropped, counted
//! and reported. `tracing-appender` bounds the lines and not their bytes.

use std::{
    io::{self, Write},
    mem,
    sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use prometheus_client::metrics::counter::Counter;
use tracing_subscriber::fmt::MakeWriter;

/// The bytes that wait at most: some twenty thousand lines.
const CAPACITY: usize = 8 * 1024 * 1024;

/// How long the end of the process waits for the last lines to be written.
const PATIENCE: Duration = Duration::from_secs(1);

/// The number of lines that this process has dropped.
pub(super) fn dropped() -> &'static Counter {
    static DROPPED: LazyLock<Counter> = LazyLock::new(Counter::default);
    &DROPPED
}

/// Takes lines and returns at once. Clones share one buffer.
#[derive(Clone, Debug)]
pub(super) struct LogWriter(Arc<LogQueue>);

#[derive(Debug)]
struct LogQueue {
    capacity: usize,
    waiting: Mutex<WaitingLines>,
    filled: Condvar,
    written: Condvar,
}

#[derive(Debug, Default)]
struct WaitingLines {
    lines: Vec<u8>,
    /// Lines dropped since the last report.
    dropped: u64,
    /// Whether the thread is writing what it has taken.
    is_writing: bool,
}

/// Writes the lines that still wait when it is dropped, for a second at most.
#[derive(Debug)]
#[must_use = "log lines may be lost at the end of the process if this is dropped early"]
pub struct LogGuard(LogWriter);

impl LogWriter {
    pub(super) fn new() -> Self {
        Self::with_capacity(CAPACITY)
    }

    fn with_capacity(capacity: usize) -> Self {
        let (waiting, filled, written) = Default::default();
        Self(Arc::new(LogQueue { capacity, waiting, filled, written }))
    }

    /// Starts the thread that writes to `target`, and reports how many lines were dropped.
    ///
    /// # Errors
    /// The system has no thread left.
    pub(super) fn start(
        &self,
        mut target: impl Write + Send + 'static,
        report: impl Fn(u64) + Send + 'static,
    ) -> io::Result<LogGuard> {
        let shared = Arc::clone(&self.0);
        std::thread::Builder::new().name("sagewire-log".to_owned()).spawn(move || {
            loop {
                let (lines, dropped) = shared.take();
                // A target that has gone takes no report of it either.
                let _ = target.write_all(&lines).and_then(|()| target.flush());
                if dropped > 0 {
                    report(dropped);
                }
            }
        })?;
        Ok(LogGuard(self.clone()))
    }

    fn push(&self, line: &[u8]) {
        let mut waiting = self.0.lock();
        if waiting.lines.len() + line.len() > self.0.capacity {
            waiting.dropped += 1;
            dropped().inc();
        } else {
            waiting.lines.extend_from_slice(line);
            self.0.filled.notify_one();
        }
    }
}

impl LogQueue {
    fn lock(&self) -> MutexGuard<'_, WaitingLines> {
        // Every line is whole in the buffer, so a panic elsewhere leaves it usable.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for lines, and takes all of them with the number of those that were dropped.
    fn take(&self) -> (Vec<u8>, u64) {
        let mut waiting = self.lock();
        waiting.is_writing = false;
        self.written.notify_all();
        while waiting.lines.is_empty() {
            waiting = self.filled.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.is_writing = true;
        (mem::take(&mut waiting.lines), mem::take(&mut waiting.dropped))
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        let shared = &self.0.0;
        let is_busy = |waiting: &mut WaitingLines| waiting.is_writing || !waiting.lines.is_empty();
        drop(shared.written.wait_timeout_while(shared.lock(), PATIENCE, is_busy));
    }
}

impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Standard error without the lock that Rust's own has: a panic in another thread must not wait for
/// a reader of the log.
pub(super) fn standard_error() -> Box<dyn Write + Send> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        if let Ok(own) = io::stderr().as_fd().try_clone_to_owned() {
            return Box::new(std::fs::File::from(own));
        }
    }
    Box::new(io::stderr())
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader},
        sync::mpsc,
        thread,
    };

    use super::*;

    #[test]
    fn lines_of_many_threads_come_whole_through_a_pipe() {
        let (reader, pipe) = io::pipe().unwrap();
        let writer = LogWriter::new();
        let guard = writer.start(pipe, |_| {}).unwrap();
        let lengths = [10, 511, 512, 5000, 200_000];
        let threads: Vec<_> = lengths
            .into_iter()
            .zip(b'a'..)
            .map(|(length, letter)| {
                let mut writer = writer.clone();
                thread::spawn(move || {
                    let mut line = vec![letter; length];
                    line.push(b'\n');
                    for _ in 0..5 {
                        writer.write_all(&line).unwrap();
                    }
                })
            })
            .collect();
        let mut counts = [0; 5];
        for line in BufReader::new(reader).lines().take(25) {
            let line = line.unwrap();
            let letter = line.bytes().next().unwrap();
            let place = usize::from(letter - b'a');
            assert_eq!(line.len(), lengths[place]);
            assert!(line.bytes().all(|other| other == letter), "a line of `{}` is torn", char::from(letter));
            counts[place] += 1;
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(counts, [5; 5]);
        drop(guard);
    }

    /// A log that nobody reads until the test lets it go.
    struct Unread {
        entered: mpsc::SyncSender<()>,
        go: mpsc::Receiver<()>,
        written: mpsc::Sender<Vec<u8>>,
    }

    impl Write for Unread {
        fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
            self.entered.send(()).unwrap();
            self.go.recv().unwrap();
            self.written.send(lines.to_vec()).unwrap();
            Ok(lines.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_log_that_nobody_reads_stalls_nothing_and_its_losses_are_reported() {
        let (entered, has_entered) = mpsc::sync_channel(0);
        let (release, go) = mpsc::channel();
        let (written, output) = mpsc::channel();
        let (report, reported) = mpsc::channel();
        let mut writer = LogWriter::with_capacity(10);
        let _guard = writer.start(Unread { entered, go, written }, move |count| report.send(count).unwrap()).unwrap();
        let before = dropped().get();
        writer.write_all(b"first\n").unwrap();
        has_entered.recv().unwrap();
        // The thread is stuck. Ten bytes wait; the rest is dropped, and none of these calls waits.
        for line in [b"12345\n".as_slice(), b"12345\n", b"abc\n", b"x\n"] {
            writer.write_all(line).unwrap();
        }
        release.send(()).unwrap();
        has_entered.recv().unwrap();
        release.send(()).unwrap();
        assert_eq!(output.recv().unwrap(), b"first\n");
        assert_eq!(output.recv().unwrap(), b"12345\nabc\n");
        assert_eq!(reported.recv().unwrap(), 2);
        assert_eq!(dropped().get() - before, 2);
    }
}
