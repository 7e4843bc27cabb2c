//! Which lines are done: a set of numbers that is mostly without gaps.

use std::collections::BTreeMap;

/// A set of line numbers, as ranges. Its size goes by the gaps and not by the numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ranges {
    /// The last number of each range, by its first.
    ranges: BTreeMap<u64, u64>,
    len: u64,
}

impl Ranges {
    /// Adds the numbers from `first` to `last`.
    pub(crate) fn insert(&mut self, first: u64, last: u64) {
        let (mut first, mut last) = (first, last.max(first));
        let mut known = 0;
        // What touches or overlaps from the left, and then all that begins within.
        if let Some((&start, &end)) = self.ranges.range(..first).next_back()
            && end.saturating_add(1) >= first
        {
            first = start;
            last = last.max(end);
        }
        while let Some((&start, &end)) = self.ranges.range(first..=last.saturating_add(1)).next() {
            last = last.max(end);
            known += end - start + 1;
            self.ranges.remove(&start);
        }
        self.ranges.insert(first, last);
        self.len += last - first + 1 - known;
    }

    pub(crate) fn contains(&self, number: u64) -> bool {
        self.ranges.range(..=number).next_back().is_some_and(|(_, last)| *last >= number)
    }

    /// How many numbers there are.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.ranges.iter().map(|(first, last)| (*first, *last))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn it_is_the_set_of_what_was_inserted() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..200 {
            let (mut ranges, mut set) = (Ranges::default(), BTreeSet::new());
            for _ in 0..40 {
                let first = random.u64(0..100);
                let last = first + random.u64(0..6);
                ranges.insert(first, last);
                set.extend(first..=last);
            }
            assert_eq!(ranges.len(), set.len() as u64);
            assert!((0..110).all(|number| ranges.contains(number) == set.contains(&number)));
            let ends: Vec<_> = ranges.iter().collect();
            assert!(ends.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0), "{ends:?}");
        }
    }
}
