//! The results of a batch as its output file and its error file.
//!
//! Owns what becomes of lines that were not answered before their batch ended.

use std::sync::Arc;

use bytes::Bytes;
use object_store::buffered::BufWriter;
use tokio::io::AsyncWriteExt as _;

use crate::{
    BatchError, Status,
    batches::Folder,
    files::{self, content_path},
    input::{Lines, Source},
    line::Line,
    merge::Merge,
    output,
    part::{Entry, Part},
    store::Store,
};

/// How many bytes are written at once.
const BLOCK: usize = 256 * 1024;

/// Why lines have no result, and what is written in its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Missing {
    pub(super) status: Status,
    code: &'static str,
    message: &'static str,
}

impl Missing {
    pub(super) const EXPIRED: Self = Self {
        status: Status::Expired,
        code: "batch_expired",
        message: "this request could not be executed before the completion window expired",
    };
    pub(super) const CANCELLED: Self = Self {
        status: Status::Cancelled,
        code: "batch_cancelled",
        message: "this request was not executed before the batch was cancelled",
    };
}

/// What was written.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) answered: u64,
    pub(super) failed: u64,
    pub(super) output: Option<String>,
    pub(super) errors: Option<String>,
}

/// A file that is made when its first line is written.
struct Results<'a> {
    store: &'a Store,
    folder: &'a Folder,
    name: &'static str,
    id: String,
    writer: Option<BufWriter>,
    buffer: Vec<u8>,
    lines: u64,
    bytes: u64,
}

impl<'a> Results<'a> {
    fn new(store: &'a Store, folder: &'a Folder, name: &'static str) -> Result<Self, BatchError> {
        let id = store.new_id(files::ID)?;
        Ok(Self { store, folder, name, id, writer: None, buffer: Vec::new(), lines: 0, bytes: 0 })
    }

    async fn line(&mut self, json: &[u8]) -> Result<(), BatchError> {
        self.lines += 1;
        self.buffer.extend_from_slice(json);
        self.buffer.push(b'\n');
        if self.buffer.len() >= BLOCK { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<(), BatchError> {
        let path = || content_path(&self.folder.owner, &self.id);
        let writer = self.writer.get_or_insert_with(|| BufWriter::new(Arc::clone(&self.store.objects), path()));
        let block = Bytes::from(std::mem::take(&mut self.buffer));
        self.bytes += block.len() as u64;
        writer.put(block).await.map_err(BatchError::store("writes results"))
    }

    /// The file's id, if it has any line.
    async fn finish(mut self, lifetime: Option<u64>) -> Result<Option<String>, BatchError> {
        if self.lines == 0 {
            return Ok(None);
        }
        self.flush().await?;
        if let Some(mut writer) = self.writer {
            writer.shutdown().await.map_err(BatchError::writer("writes a file"))?;
        }
        let (owner, purpose) = (&self.folder.owner, files::OUTPUT.to_owned());
        let name = format!("{}_{}.jsonl", self.folder.id, self.name);
        let file = self.store.keep_file(owner, self.id, name, purpose, self.bytes, lifetime).await?;
        Ok(Some(file.id))
    }
}

/// Writes the files of all results. If lines are missing, their place is taken by an error.
pub(super) async fn write(
    store: &Store,
    folder: &Folder,
    parts: &[Part],
    missing: Option<(Missing, Source)>,
    lifetime: Option<u64>,
) -> Result<Found, BatchError> {
    let mut merge = Merge::new(&store.objects, parts);
    let mut answers = Results::new(store, folder, "output")?;
    let mut errors = Results::new(store, folder, "error")?;
    let mut gaps = match missing {
        Some((missing, source)) => Some((missing, source.lines().await?)),
        None => None,
    };
    while let Some(Entry { number, is_answered, json }) = merge.next().await? {
        if let Some((missing, lines)) = &mut gaps {
            fill(lines, Some(number), *missing, &mut errors).await?;
        }
        if is_answered { answers.line(&json).await? } else { errors.line(&json).await? }
    }
    if let Some((missing, lines)) = &mut gaps {
        fill(lines, None, *missing, &mut errors).await?;
    }
    let (answered, failed) = (answers.lines, errors.lines);
    Ok(Found { answered, failed, output: answers.finish(lifetime).await?, errors: errors.finish(lifetime).await? })
}

/// Writes an error for each line before this one, which is read as well.
async fn fill(
    lines: &mut Lines,
    until: Option<u64>,
    missing: Missing,
    errors: &mut Results<'_>,
) -> Result<(), BatchError> {
    while let Some((number, text)) = lines.next().await? {
        if until == Some(number) {
            break;
        }
        let custom_id = Line::parse(&text, None).map(|line| line.custom_id).unwrap_or_default();
        errors.line(&output::failed(&custom_id, missing.code, missing.message)).await?;
    }
    Ok(())
}
