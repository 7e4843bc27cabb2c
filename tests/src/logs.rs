//! Everything that this process logs, at its finest level: by `tracing` and by `log`, whatever the
//! target.

use std::{
    io,
    sync::{Arc, Mutex, OnceLock},
};

use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

static LOGS: OnceLock<Logs> = OnceLock::new();

/// What was logged since the first [`Logs::capture`] of the process.
#[derive(Clone, Debug, Default)]
pub struct Logs(Arc<Mutex<Vec<u8>>>);

impl Logs {
    /// Begins to capture, once for the whole process.
    ///
    /// # Panics
    /// Where someone else captures already.
    pub fn capture() -> Self {
        LOGS.get_or_init(|| {
            let logs = Self::default();
            tracing_subscriber::fmt()
                // The emulator runs in this process too, and its verifier logs what it verifies.
                .with_env_filter(EnvFilter::new("trace,aws_sigv4=off"))
                .with_ansi(false)
                .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
                .with_writer(logs.clone())
                .init();
            let old_style: &'static Self = Box::leak(Box::new(logs.clone()));
            log::set_logger(old_style).expect("only this logger is set");
            log::set_max_level(log::LevelFilter::Trace);
            logs
        })
        .clone()
    }

    /// All of it so far.
    ///
    /// # Panics
    /// After another thread has panicked.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl<'a> MakeWriter<'a> for Logs {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl io::Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl log::Log for Logs {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = format!("{} {} {}\n", record.level(), record.target(), record.args());
        self.0.lock().unwrap().extend_from_slice(line.as_bytes());
    }

    fn flush(&self) {}
}
