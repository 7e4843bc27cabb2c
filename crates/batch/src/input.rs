//! The lines of an input, of any size: a file, or an object of the store.
//!
//! Owns reading them one at a time. Blank lines are not requests, and are counted.

use std::{
    fmt, io,
    path::{Path as FilePath, PathBuf},
    sync::Arc,
};

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, TryStreamExt as _, stream, stream::BoxStream};
use object_store::{ObjectStore, ObjectStoreExt as _, path::Path};
use tokio::io::AsyncReadExt as _;

use crate::BatchError;

/// The longest line in bytes.
pub const LONGEST_LINE: usize = 64 * 1024 * 1024;

/// How many bytes are read at once.
const BLOCK: usize = 128 * 1024;

/// What editors of Windows put before a text in UTF-8. It is not part of the first line.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Where an input is.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// A file of this machine.
    File(PathBuf),
    /// An object, from this byte on.
    Object { objects: Arc<dyn ObjectStore>, path: Path, from: u64 },
}

impl Source {
    pub(crate) async fn lines(&self) -> Result<Lines, BatchError> {
        let pieces: BoxStream<'static, io::Result<Bytes>> = match self {
            Self::File(path) => return Lines::of_file(path).await.map_err(BatchError::Input),
            Self::Object { objects, path, from } => {
                let size = objects.head(path).await.map_err(BatchError::store("reads an input"))?.size;
                let (objects, path) = (Arc::clone(objects), path.clone());
                // By ranges, so that a reader that waits holds no connection.
                let pieces = stream::try_unfold(*from, move |from| {
                    let (objects, path) = (Arc::clone(&objects), path.clone());
                    async move {
                        if from >= size {
                            return Ok::<_, object_store::Error>(None);
                        }
                        let end = size.min(from + BLOCK as u64);
                        let piece = objects.get_range(&path, from..end).await?;
                        Ok(Some((piece, end)))
                    }
                });
                pieces.map_err(io::Error::other).boxed()
            }
        };
        Ok(Lines { pieces, piece: Bytes::new(), number: 0 })
    }
}

/// The lines of an input of any size, in their order. One of them is in memory at a time.
pub struct Lines {
    pieces: BoxStream<'static, io::Result<Bytes>>,
    piece: Bytes,
    number: u64,
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Lines {
    /// The lines of a file of this machine.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub async fn of_file(path: &FilePath) -> io::Result<Self> {
        let file = tokio::fs::File::open(path).await?;
        let pieces = stream::try_unfold(file, |mut file| async move {
            let mut piece = BytesMut::with_capacity(BLOCK);
            let length = file.read_buf(&mut piece).await?;
            Ok((length > 0).then(|| (piece.freeze(), file)))
        });
        Ok(Self { pieces: pieces.boxed(), piece: Bytes::new(), number: 0 })
    }

    /// The lines of a text in memory.
    #[must_use]
    pub fn of_text(text: Bytes) -> Self {
        Self { pieces: stream::empty().boxed(), piece: text, number: 0 }
    }

    /// The next line that is not blank, without its end, and its number from 0. A byte order mark
    /// is not part of the first line.
    ///
    /// # Errors
    /// [`BatchError::Input`] if the input cannot be read, [`BatchError::LongLine`] for a line of more
    /// than [`LONGEST_LINE`] bytes.
    pub async fn next(&mut self) -> Result<Option<(u64, Bytes)>, BatchError> {
        loop {
            let Some(line) = self.any().await? else { return Ok(None) };
            let number = self.number;
            self.number += 1;
            let line = match line.strip_prefix(BYTE_ORDER_MARK) {
                Some(rest) if number == 0 => line.slice_ref(rest),
                _ => line,
            };
            if !line.trim_ascii().is_empty() {
                return Ok(Some((number, line)));
            }
        }
    }

    async fn any(&mut self) -> Result<Option<Bytes>, BatchError> {
        let mut begun = BytesMut::new();
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.piece) {
                let line = self.piece.split_to(end);
                let _ = self.piece.split_to(1);
                if begun.is_empty() {
                    return Ok(Some(line));
                }
                begun.extend_from_slice(&line);
                return Ok(Some(begun.freeze()));
            }
            begun.extend_from_slice(&std::mem::take(&mut self.piece));
            if begun.len() > LONGEST_LINE {
                return Err(BatchError::LongLine { line: self.number + 1 });
            }
            match self.pieces.next().await {
                Some(piece) => self.piece = piece.map_err(BatchError::Input)?,
                None => return Ok((!begun.is_empty()).then(|| begun.freeze())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;

    async fn read(text: &str) -> Vec<(u64, String)> {
        let objects: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let path = Path::from("input");
        objects.put(&path, text.to_owned().into()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("in put#1.jsonl");
        std::fs::write(&file, text).unwrap();
        let mut all = Vec::new();
        let object = Source::Object { objects, path, from: 0 }.lines().await.unwrap();
        let file = Source::File(file).lines().await.unwrap();
        for mut lines in [object, file, Lines::of_text(text.to_owned().into())] {
            let mut found = Vec::new();
            while let Some((number, line)) = lines.next().await.unwrap() {
                found.push((number, String::from_utf8(line.to_vec()).unwrap()));
            }
            all.push(found);
        }
        assert!(all.iter().all(|lines| *lines == all[0]));
        all.remove(0)
    }

    #[tokio::test]
    async fn lines_keep_their_numbers_over_blank_ones_and_pieces() {
        let long = "x".repeat(3 * BLOCK);
        let found = read(&format!("\u{feff}a\n\n \r\n{long}\nlast")).await;
        assert_eq!(found, [(0, "a".to_owned()), (3, long), (4, "last".to_owned())]);
        assert!(read("").await.is_empty() && read("\n\n").await.is_empty());
    }
}
