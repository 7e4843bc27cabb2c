//! All results of a batch in the order of its input, each line's once.
//!
//! Owns reading parts side by side: only those are open in which the next result may be, so that
//! memory goes by how far results overtook each other and not by how many there are.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    sync::Arc,
};

use object_store::{ObjectStore, path::Path};

use crate::{
    BatchError,
    input::{Lines, Source},
    part::{Entry, Part, read_entry},
};

/// Results that are read in their order.
pub(crate) struct Merge {
    objects: Arc<dyn ObjectStore>,
    /// Parts that are not open, the one with the lowest first line at the end.
    waiting: Vec<(u64, u64, Path)>,
    /// The next number of each open part.
    heads: BinaryHeap<Reverse<(u64, usize)>>,
    open: BTreeMap<usize, (Entry, Lines, Path)>,
    last: Option<u64>,
}

impl Merge {
    pub(crate) fn new(objects: &Arc<dyn ObjectStore>, parts: &[Part]) -> Self {
        let mut waiting: Vec<_> = parts.iter().map(|part| (part.first, part.from, part.path.clone())).collect();
        waiting.sort_unstable_by(|a, b| b.cmp(a));
        Self { objects: Arc::clone(objects), waiting, heads: BinaryHeap::new(), open: BTreeMap::new(), last: None }
    }

    /// The next result.
    pub(crate) async fn next(&mut self) -> Result<Option<Entry>, BatchError> {
        loop {
            while let Some((first, ..)) = self.waiting.last()
                && self.heads.peek().is_none_or(|Reverse((number, _))| first <= number)
            {
                let Some((_, from, path)) = self.waiting.pop() else { break };
                let source = Source::Object { objects: Arc::clone(&self.objects), path: path.clone(), from };
                self.advance(self.waiting.len(), source.lines().await?, path).await?;
            }
            let Some(Reverse((number, place))) = self.heads.pop() else { return Ok(None) };
            let Some((entry, lines, path)) = self.open.remove(&place) else { continue };
            self.advance(place, lines, path).await?;
            if self.last.replace(number) != Some(number) {
                return Ok(Some(entry));
            }
        }
    }

    async fn advance(&mut self, place: usize, mut lines: Lines, path: Path) -> Result<(), BatchError> {
        let Some((_, line)) = lines.next().await? else { return Ok(()) };
        let entry = read_entry(&line).ok_or_else(|| BatchError::Damaged { name: path.to_string() })?;
        self.heads.push(Reverse((entry.number, place)));
        self.open.insert(place, (entry, lines, path));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use object_store::{ObjectStoreExt as _, memory::InMemory};

    use super::*;
    use crate::part;

    #[tokio::test]
    async fn every_line_comes_once_and_in_order_whatever_overtook_what() {
        let mut random = fastrand::Rng::with_seed(3);
        for _ in 0..20 {
            let objects: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
            let folder = Path::from("parts");
            let mut numbers: Vec<u64> = (0..300).chain(40..60).collect();
            // Neighbours change places, and some lines come much later; some were asked twice.
            for _ in 0..400 {
                let (a, b) = (random.usize(0..numbers.len()), random.usize(0..numbers.len()));
                numbers.swap(a, b);
            }
            let mut parts = Vec::new();
            for (sequence, some) in numbers.chunks(17).enumerate() {
                let mut some = some.to_vec();
                some.sort_unstable();
                some.dedup();
                let entries = some.into_iter().map(|number| Entry {
                    number,
                    is_answered: true,
                    json: format!("{{\"part\":{sequence}}}").into(),
                });
                let (part, bytes) = part::write(&folder, 1, sequence as u64, entries.collect()).unwrap();
                objects.put(&part.path, bytes.into()).await.unwrap();
                parts.push(part);
            }
            let mut merge = Merge::new(&objects, &parts);
            let mut found = Vec::new();
            while let Some(entry) = merge.next().await.unwrap() {
                found.push(entry.number);
            }
            assert_eq!(found, (0..300).collect::<Vec<_>>());
        }
    }
}
