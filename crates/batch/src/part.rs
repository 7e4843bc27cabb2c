//! A part of a batch's results: an object that is written once, as a whole.
//!
//! Owns its form: a head with the lines that it has, and then each result with its line's number.
//! The generation of the lease under which it was written is in its name, so that two processes
//! never write the same object. A part whose size is not what its head says counts as absent.

use std::{io::Write as _, sync::Arc};

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use object_store::{ObjectStore, ObjectStoreExt as _, path::Path};
use serde::{Deserialize, Serialize};

use crate::{BatchError, ranges::Ranges};

/// How many bytes are read to find a head.
const HEAD: u64 = 64 * 1024;

/// How many heads are read at the same time.
const AT_ONCE: usize = 16;

/// The result of one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The line's number, from 0.
    pub(crate) number: u64,
    /// Whether it belongs to the output file, and not to the error file.
    pub(crate) is_answered: bool,
    pub(crate) json: Bytes,
}

/// What is known of a part.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) path: Path,
    pub(crate) first: u64,
    /// Where its results begin.
    pub(crate) from: u64,
    pub(crate) lines: Ranges,
    pub(crate) answered: u64,
}

#[derive(Serialize, Deserialize)]
struct Head {
    lines: Vec<(u64, u64)>,
    answered: u64,
    bytes: u64,
}

/// Writes a part's bytes. `entries` are in any order, and none is there twice.
pub(crate) fn write(folder: &Path, generation: u64, sequence: u64, mut entries: Vec<Entry>) -> Option<(Part, Bytes)> {
    entries.sort_unstable_by_key(|entry| entry.number);
    let (first, last) = (entries.first()?.number, entries.last()?.number);
    let room = entries.iter().map(|entry| entry.json.len() + 16).sum();
    let (mut lines, mut answered, mut body) = (Ranges::default(), 0, Vec::with_capacity(room));
    for Entry { number, is_answered, json } in &entries {
        lines.insert(*number, *number);
        answered += u64::from(*is_answered);
        // Nothing that is written to a vector fails.
        let _ = write!(body, "{number} {} ", if *is_answered { 'o' } else { 'e' });
        body.extend_from_slice(json);
        body.push(b'\n');
    }
    let head = Head { lines: lines.iter().collect(), answered, bytes: body.len() as u64 };
    let mut bytes = serde_json::to_vec(&head).ok()?;
    bytes.push(b'\n');
    let from = bytes.len() as u64;
    bytes.append(&mut body);
    let path = folder.clone().join(format!("{first:016x}-{last:016x}-{generation:08x}-{sequence:08x}"));
    Some((Part { path, first, from, lines, answered }, bytes.into()))
}

/// A result of a part, from its line.
pub(crate) fn read_entry(line: &Bytes) -> Option<Entry> {
    let end = memchr::memchr(b' ', line)?;
    let number = std::str::from_utf8(line.get(..end)?).ok()?.parse().ok()?;
    let is_answered = match line.get(end + 1..end + 3)? {
        b"o " => true,
        b"e " => false,
        _ => return None,
    };
    Some(Entry { number, is_answered, json: line.slice(end + 3..) })
}

/// The whole parts of a folder.
pub(crate) async fn list(objects: &Arc<dyn ObjectStore>, folder: &Path) -> Result<Vec<Part>, BatchError> {
    let failed = BatchError::store("lists results");
    let found: Vec<_> =
        objects.list(Some(folder)).map_ok(|meta| (meta.location, meta.size)).try_collect().await.map_err(failed)?;
    let parts = stream::iter(found).map(|(path, size)| read_head(objects, path, size)).buffer_unordered(AT_ONCE);
    parts.try_filter_map(|part| async move { Ok(part) }).try_collect().await
}

async fn read_head(objects: &Arc<dyn ObjectStore>, path: Path, size: u64) -> Result<Option<Part>, BatchError> {
    for length in [HEAD.min(size), size] {
        if length == 0 {
            break;
        }
        let bytes = objects.get_range(&path, 0..length).await.map_err(BatchError::store("reads results"))?;
        let Some(end) = memchr::memchr(b'\n', &bytes) else { continue };
        let from = end as u64 + 1;
        let head: Option<Head> = bytes.get(..end).and_then(|head| serde_json::from_slice(head).ok());
        let Some(Head { lines, answered, .. }) = head.filter(|head| head.bytes.checked_add(from) == Some(size)) else {
            break;
        };
        let mut ranges = Ranges::default();
        for (first, last) in lines {
            ranges.insert(first, last);
        }
        let Some((first, _)) = ranges.iter().next() else { break };
        return Ok(Some(Part { path, first, from, lines: ranges, answered }));
    }
    tracing::warn!(target: "sagewire::batch", part = %path, "a part of results is damaged; its lines are asked again");
    Ok(None)
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;

    pub(crate) fn entry(number: u64, is_answered: bool) -> Entry {
        Entry { number, is_answered, json: format!("{{\"n\":{number}}}").into() }
    }

    #[tokio::test]
    async fn a_part_is_read_as_it_was_written_and_a_torn_one_is_absent() {
        let objects: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let folder = Path::from("parts");
        // A head longer than what is read at once.
        let many: Vec<_> = (0..20_000).rev().map(|number| entry(2 * number, number % 3 == 0)).collect();
        for (sequence, entries) in [(0, vec![entry(7, true), entry(5, false), entry(6, true)]), (1, many)] {
            let (part, bytes) = write(&folder, 3, sequence, entries).unwrap();
            objects.put(&part.path, bytes.clone().into()).await.unwrap();
            objects.put(&Path::from("torn/part"), bytes.slice(..bytes.len() - 1).into()).await.unwrap();
            let found = list(&objects, &folder).await.unwrap();
            let found = found.iter().find(|found| found.path == part.path).unwrap();
            assert_eq!((found.first, found.from, found.answered), (part.first, part.from, part.answered));
            assert_eq!(found.lines, part.lines);
            assert!(list(&objects, &Path::from("torn")).await.unwrap().is_empty());
            let line = bytes.slice(usize::try_from(part.from).unwrap()..);
            let line = line.slice(..memchr::memchr(b'\n', &line).unwrap());
            assert_eq!(read_entry(&line).unwrap().number, part.first);
        }
        assert!(write(&folder, 0, 0, Vec::new()).is_none());
        for broken in ["", "7", "7 x {}", "a o {}", "7 o"] {
            assert_eq!(read_entry(&Bytes::from(broken)), None, "{broken}");
        }
    }
}
