//! The lines that have been embedded, now and by runs before.
//!
//! Owns the form of a line, what of a file begun earlier can be kept, and that a line is whole
//! before the next begins.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions, TryLockError},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::Path,
    sync::Arc,
};

use sagewire::Vector;
use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::{Value, value::RawValue};

use super::input::Record;
use crate::Failure;

/// What an output holds already: the hash of each line's text, by its index.
pub(super) type Done = HashMap<u64, Box<str>>;

/// A line as it is written.
#[derive(Debug, Serialize)]
struct Line<'a> {
    index: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a Value>,
    hash: &'a str,
    embedding: &'a RawValue,
}

/// A line as it is read again.
#[derive(Debug, Deserialize)]
struct Written {
    index: u64,
    hash: Box<str>,
    #[serde(rename = "embedding")]
    _embedding: IgnoredAny,
}

/// One line, with its end.
pub(super) fn line(record: &Record, hash: &str, vector: &Vector) -> Result<Vec<u8>, serde_json::Error> {
    let mut numbers = serde_json::to_string(vector)?;
    // A vector is the container's own text, which may be spread over many lines; numbers hold no
    // blanks.
    numbers.retain(|c| !c.is_ascii_whitespace());
    let embedding = RawValue::from_string(numbers)?;
    let mut line =
        serde_json::to_vec(&Line { index: record.index, id: record.id.as_ref(), hash, embedding: &embedding })?;
    line.push(b'\n');
    Ok(line)
}

/// The longest line of an output in bytes: a vector of a million numbers is shorter. A file of
/// anything else is not read into memory.
const LONGEST: u64 = 32 * 1024 * 1024;

/// Reads what an output holds, and where its last whole line ends. What follows is a torn line.
pub(super) fn read(output: impl BufRead) -> Result<(Done, u64), Failure> {
    read_lines(output, LONGEST)
}

fn read_lines(mut output: impl BufRead, longest: u64) -> Result<(Done, u64), Failure> {
    let mut done = Done::default();
    let (mut end, mut number, mut line) = (0, 0_u64, Vec::new());
    loop {
        line.clear();
        let length = output.by_ref().take(longest).read_until(b'\n', &mut line).map_err(Failure::work)?;
        number += 1;
        let is_last = output.fill_buf().map_err(Failure::work)?.is_empty();
        if length == 0 || is_last && !line.ends_with(b"\n") {
            return Ok((done, end));
        }
        match serde_json::from_slice::<Written>(&line) {
            Ok(Written { index, hash, .. }) => {
                done.insert(index, hash);
            }
            // A power cut may leave anything in the last line; in the middle it is not ours.
            Err(_) if is_last => return Ok((done, end)),
            Err(_) => {
                let failure =
                    Failure::usage(format!("line {number} of the output was not written by `sagewire embed`"));
                return Err(failure.with_hint("choose another `--output`, or overwrite this one with `--restart`"));
            }
        }
        end += length as u64;
    }
}

/// Where lines go: standard output, a pipe or a device, which cannot be read again, or a file, which
/// the next run continues.
pub(super) struct Output {
    out: Box<dyn Write + Send>,
    file: Option<Arc<File>>,
}

impl Output {
    pub(super) fn stdout() -> Self {
        Self { out: Box::new(io::stdout()), file: None }
    }

    /// A file, to be continued behind its last whole line, or whatever else stands at that path.
    pub(super) fn open(path: &Path, restart: bool) -> Result<(Self, Done), Failure> {
        let named = |error: io::Error| Failure::usage(format!("cannot write `{}`: {error}", path.display()));
        if path.metadata().is_ok_and(|at| !at.is_file()) {
            let device = OpenOptions::new().write(true).open(path).map_err(named)?;
            return Ok((Self { out: Box::new(device), file: None }, Done::default()));
        }
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(named)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::usage(format!(
                    "another run is writing to `{}`; wait until it ends",
                    path.display()
                )));
            }
            // Not every file system can lock.
            Err(TryLockError::Error(_)) => {}
        }
        if restart {
            file.set_len(0).map_err(named)?;
        }
        let (done, end) = read(BufReader::new(&file))?;
        file.set_len(end).and_then(|()| file.seek(SeekFrom::Start(end))).map_err(named)?;
        let file = Arc::new(file);
        Ok((Self { out: Box::new(Arc::clone(&file)), file: Some(file) }, done))
    }

    /// Whether another run can continue it.
    pub(super) fn is_resumable(&self) -> bool {
        self.file.is_some()
    }

    /// Makes sure that what has been written survives the machine.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.out.flush()?;
        self.file.as_ref().map_or(Ok(()), |file| file.sync_all())
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_end_is_not_read_into_memory() {
        let endless = BufReader::new(io::repeat(b'x'));
        let failure = read_lines(endless, 1000).unwrap_err();
        assert!(format!("{failure:?}").contains("line 1 of the output"), "{failure:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_written_to_and_not_read() {
        let (mut output, done) = Output::open(Path::new("/dev/zero"), false).unwrap();
        assert_eq!((done.len(), output.is_resumable()), (0, false));
        output.write_all(b"line\n").unwrap();
        output.sync().unwrap();
    }
}
