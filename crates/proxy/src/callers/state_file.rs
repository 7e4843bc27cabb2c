//! A ledger whose budgets outlive the process, in a file: for a single proxy.
//!
//! Owns the file's form and when it is written. Keys are named as the configuration names them.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use async_trait::async_trait;
use sagewire::credentials::seam::SystemFiles;
use sagewire_router::ledger::{BudgetUse, KeyLimits, KeyRefusal, Ledger, MemoryLedger, Reservation, Standing};
use serde::{Deserialize, Serialize};

use crate::clock::Clock;

/// What the file holds.
#[derive(Debug, Default, Deserialize, Serialize)]
struct Contents {
    version: u32,
    keys: BTreeMap<String, Spent>,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
struct Spent {
    tokens: u64,
    /// When the budget's period began, in seconds since 1970.
    began: u64,
}

/// The form that this proxy writes and reads.
const VERSION: u32 = 1;

/// The largest state file that is read, in bytes: some hundred bytes for each of a hundred thousand
/// keys.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// A [`MemoryLedger`] that keeps what is used of budgets in a file.
#[derive(Debug)]
pub(crate) struct FileLedger {
    memory: MemoryLedger,
    path: PathBuf,
    clock: Clock,
    has_changed: AtomicBool,
}

/// Why a state file is of no use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateFileError {
    /// It cannot be read or written.
    #[error("cannot read or write the state file {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It holds something else.
    #[error("{path} is not a state file of this version; move it away, or set another `state_file`")]
    Contents {
        /// The file.
        path: PathBuf,
    },
}

impl FileLedger {
    /// The ledger of this file; a new one if there is no file.
    pub(crate) fn open(path: &Path, clock: Clock) -> Result<Self, StateFileError> {
        let contents = match SystemFiles::read_blocking(path, MAX_BYTES) {
            Ok(bytes) => serde_json::from_slice::<Contents>(&bytes)
                .ok()
                .filter(|contents| contents.version == VERSION)
                .ok_or_else(|| StateFileError::Contents { path: path.to_owned() })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Contents::default(),
            Err(source) => return Err(StateFileError::File { path: path.to_owned(), source }),
        };
        let now = clock.unix();
        let budgets = contents.keys.into_iter().map(|(name, spent)| BudgetUse {
            name,
            spent: spent.tokens,
            began_ago: Duration::from_secs(now.saturating_sub(spent.began)),
        });
        Ok(Self {
            memory: MemoryLedger::with_budgets(budgets),
            path: path.to_owned(),
            clock,
            has_changed: AtomicBool::new(false),
        })
    }

    /// Writes what has changed since it was last written. A reader sees the old file or the new
    /// one, whole.
    pub(crate) fn write(&self) -> Result<(), StateFileError> {
        if !self.has_changed.swap(false, Relaxed) {
            return Ok(());
        }
        let now = self.clock.unix();
        let spent =
            |budget: &BudgetUse| Spent { tokens: budget.spent, began: now.saturating_sub(budget.began_ago.as_secs()) };
        let keys = self.memory.budgets().into_iter().map(|budget| (budget.name.clone(), spent(&budget))).collect();
        self.replace(&Contents { version: VERSION, keys }).map_err(|source| {
            self.has_changed.store(true, Relaxed);
            StateFileError::File { path: self.path.clone(), source }
        })
    }

    fn replace(&self, contents: &Contents) -> io::Result<()> {
        let mut name = self.path.as_os_str().to_owned();
        name.push(".new");
        let new = PathBuf::from(name);
        std::fs::write(&new, serde_json::to_vec(contents)?)?;
        std::fs::File::open(&new)?.sync_all()?;
        std::fs::rename(&new, &self.path)
    }
}

#[async_trait]
impl Ledger for FileLedger {
    async fn begin(&self, key: &KeyLimits<'_>, tokens: u64) -> Result<Reservation, KeyRefusal> {
        self.memory.begin(key, tokens).await
    }

    fn settle(&self, key: &KeyLimits<'_>, reservation: Reservation, used: u64) {
        self.memory.settle(key, reservation, used);
        self.has_changed.store(true, Relaxed);
    }

    async fn standing(&self, key: &KeyLimits<'_>) -> Standing {
        self.memory.standing(key).await
    }

    fn known(&self, key: &KeyLimits<'_>, at_most: Duration) -> Option<Standing> {
        self.memory.known(key, at_most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(unix: u64) -> Clock {
        Clock::new(move || std::time::UNIX_EPOCH + Duration::from_secs(unix))
    }

    const DAILY: KeyLimits<'static> = KeyLimits {
        name: "team-a",
        rpm: None,
        tpm: None,
        token_budget: Some(100),
        budget_duration: Some(Duration::from_secs(86_400)),
    };

    #[tokio::test(start_paused = true)]
    async fn a_budget_goes_on_after_a_restart_until_its_period_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        let first = FileLedger::open(&path, clock(1_000_000)).unwrap();
        first.write().unwrap();
        assert!(!path.exists(), "nothing has changed");
        let reservation = first.begin(&DAILY, 10).await.unwrap();
        first.settle(&DAILY, reservation, 100);
        first.write().unwrap();

        let second = FileLedger::open(&path, clock(1_000_600)).unwrap();
        let standing = second.standing(&DAILY).await;
        assert_eq!((standing.spent, standing.budget_resets_in), (100, Some(Duration::from_secs(85_800))));
        second.begin(&DAILY, 10).await.unwrap_err();
        let third = FileLedger::open(&path, clock(1_086_400)).unwrap();
        third.begin(&DAILY, 10).await.unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no half-written file is left");
    }

    #[test]
    fn a_file_of_something_else_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        for text in ["my notes", r#"{"version": 2, "keys": {}}"#] {
            std::fs::write(&path, text).unwrap();
            let error = FileLedger::open(&path, clock(0)).unwrap_err();
            assert!(
                matches!(error, StateFileError::Contents { .. }) && error.to_string().contains("notes.txt"),
                "{error}"
            );
        }
    }

    #[test]
    fn only_a_regular_file_is_read() {
        let folder = tempfile::tempdir().unwrap();
        for path in [Path::new("/dev/zero"), folder.path()] {
            assert!(matches!(FileLedger::open(path, clock(0)), Err(StateFileError::File { .. })));
        }
    }
}
