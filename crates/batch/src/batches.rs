//! The batches of an owner: creating, finding and cancelling them.
//!
//! Owns where a batch's objects are, and its state as it is stored. What is done with its lines is
//! `run`'s.

use std::path::PathBuf;

use object_store::{UpdateVersion, path::Path};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    Batch, BatchError, Endpoint, Page, Paged, Status,
    files::{self, content_path},
    input::Source,
    page,
    store::{NotAllowed, Owner, Store, is_id},
};

/// What identifiers of batches begin with.
pub(crate) const ID: &str = "batch_";

/// How many entries `metadata` may have, and how long their keys and values may be.
const METADATA: (usize, usize, usize) = (16, 64, 512);

/// A batch to be created.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewBatch {
    /// Where its lines are.
    pub input: Input,
    /// The route that every line asks; `None` if each may ask its own.
    pub endpoint: Option<Endpoint>,
    /// How long it may take, as it is shown, and in seconds.
    pub window: Option<(String, u64)>,
    /// What its creator notes.
    pub metadata: Option<Map<String, Value>>,
    /// The most lines that it may have.
    pub most_lines: Option<u64>,
    /// After how many seconds its results are deleted; `None` if they stay.
    pub results_lifetime: Option<u64>,
    /// The most bytes that its owner may have stored for it to be created.
    pub quota: Option<u64>,
    /// What must be the same when it is gone on with, such as the model's name.
    pub settings: String,
}

/// Where the lines of a batch are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// A file of the store, by its id.
    File(String),
    /// A file of this machine.
    Path(PathBuf),
}

impl NewBatch {
    /// A batch over this input, without limits.
    #[must_use]
    pub fn new(input: Input) -> Self {
        Self {
            input,
            endpoint: None,
            window: None,
            metadata: None,
            most_lines: None,
            results_lifetime: None,
            quota: None,
            settings: String::new(),
        }
    }
}

/// A batch as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) batch: Batch,
    pub(crate) input: Input,
    pub(crate) endpoint: Option<Endpoint>,
    pub(crate) most_lines: Option<u64>,
    pub(crate) results_lifetime: Option<u64>,
    /// The digest of the input, once it was read.
    pub(crate) digest: Option<String>,
    /// The generation that wrote this.
    pub(crate) generation: u64,
    settings: String,
}

/// Where the objects of a batch are.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    pub(crate) owner: Owner,
    pub(crate) id: String,
}

impl Folder {
    pub(crate) fn new(owner: &Owner, id: &str) -> Result<Self, BatchError> {
        if is_id(id, ID) { Ok(Self { owner: owner.clone(), id: id.to_owned() }) } else { Err(not_found(id)) }
    }

    pub(crate) fn path(&self) -> Path {
        self.owner.folder().join("batches").join(self.id.as_str())
    }

    pub(crate) fn state(&self) -> Path {
        self.path().join("state.json")
    }

    pub(crate) fn lease(&self) -> Path {
        self.path().join("lease.json")
    }

    pub(crate) fn parts(&self) -> Path {
        self.path().join("parts")
    }

    /// Its presence says that the batch is to be cancelled, in any process that works on it.
    pub(crate) fn cancelled(&self) -> Path {
        self.path().join("cancelled.json")
    }

    /// Its presence says that the batch has not ended.
    pub(crate) fn active(&self) -> Path {
        Path::from("active").join(format!("{}.{}", self.owner.as_str(), self.id))
    }
}

fn not_found(id: &str) -> BatchError {
    BatchError::NotFound { kind: "batch", id: id.chars().take(64).collect() }
}

impl Store {
    /// Creates a batch. It is answered when it is run.
    ///
    /// # Errors
    /// [`BatchError::NotFound`] if its input is not there, [`BatchError::NotAllowed`] if it is not
    /// for batches.
    pub async fn create(&self, owner: &Owner, new: NewBatch) -> Result<Batch, BatchError> {
        if let Some(metadata) = &new.metadata {
            check_metadata(metadata)?;
        }
        if let Some(quota) = new.quota
            && self.bytes(&owner.folder()).await? > quota
        {
            return Err(files::over_quota("input_file_id", quota));
        }
        let input = match &new.input {
            Input::File(id) => {
                let file = self.file(owner, id).await?;
                if file.purpose != "batch" {
                    let reason = format!("the purpose of the file is `{}`; upload it with `batch`", file.purpose);
                    return Err(NotAllowed::new("input_file_id", reason).into());
                }
                id.clone()
            }
            Input::Path(path) => path.display().to_string(),
        };
        let folder = Folder { owner: owner.clone(), id: self.new_id(ID)? };
        let now = self.now();
        let mut batch = Batch::new(folder.id.clone(), new.endpoint, input, now);
        batch.metadata = new.metadata;
        if let Some((window, seconds)) = new.window {
            batch.completion_window = window;
            batch.expires_at = Some(now.saturating_add(seconds));
        }
        let state = State {
            batch,
            input: new.input,
            endpoint: new.endpoint,
            most_lines: new.most_lines,
            results_lifetime: new.results_lifetime,
            digest: None,
            generation: 0,
            settings: new.settings,
        };
        // Where it is found comes first: without a state it is forgotten.
        self.write(&folder.active(), &now, None).await?;
        self.write(&folder.state(), &state, None).await?;
        Ok(state.batch)
    }

    /// A batch.
    ///
    /// # Errors
    /// [`BatchError::NotFound`] if the owner has none of this id.
    pub async fn batch(&self, owner: &Owner, id: &str) -> Result<Batch, BatchError> {
        let folder = Folder::new(owner, id)?;
        let (state, _) = self.state(&folder).await?;
        let mut batch = state.batch;
        if !batch.status.is_final()
            && let Some((at, _)) = self.read::<u64>(&folder.cancelled()).await?
        {
            batch.enter(Status::Cancelling, at);
        }
        Ok(batch)
    }

    /// Whether a batch was begun with these settings.
    ///
    /// # Errors
    /// [`BatchError::NotFound`] if the owner has none of this id.
    pub async fn has_settings(&self, owner: &Owner, id: &str, settings: &str) -> Result<bool, BatchError> {
        let (state, _) = self.state(&Folder::new(owner, id)?).await?;
        Ok(state.settings == settings)
    }

    pub(crate) async fn state(&self, folder: &Folder) -> Result<(State, UpdateVersion), BatchError> {
        self.read::<State>(&folder.state()).await?.ok_or_else(|| not_found(&folder.id))
    }

    /// A page of the owner's batches, the newest first.
    ///
    /// # Errors
    /// [`BatchError::NotAllowed`] for a page that is not there.
    pub async fn batches(&self, owner: &Owner, page: &Page) -> Result<Paged<Batch>, BatchError> {
        let names = self.names(&owner.folder().join("batches")).await?;
        page::of(names, page, ID, |id| async move {
            match self.batch(owner, &id).await {
                Ok(batch) => Ok(Some(batch)),
                Err(BatchError::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// Asks for a batch to be cancelled. Requests in flight end first.
    ///
    /// # Errors
    /// [`BatchError::NotFound`] if the owner has none of this id, [`BatchError::NotAllowed`] if it
    /// has ended.
    pub async fn cancel(&self, owner: &Owner, id: &str) -> Result<Batch, BatchError> {
        let folder = Folder::new(owner, id)?;
        let batch = self.batch(owner, id).await?;
        if batch.status.is_final() {
            let reason = format!("the batch is {} and cannot be cancelled", batch.status.as_str());
            return Err(NotAllowed::new("batch_id", reason).into());
        }
        if batch.status != Status::Cancelling {
            match self.write(&folder.cancelled(), &self.now(), None).await {
                // Someone else asked for it at the same time.
                Ok(_) | Err(BatchError::LeaseLost) => {}
                Err(error) => return Err(error),
            }
        }
        self.batch(owner, id).await
    }

    /// The batches that have not ended, of every owner.
    ///
    /// # Errors
    /// [`BatchError::Store`] if they cannot be listed.
    pub async fn active(&self) -> Result<Vec<(Owner, String)>, BatchError> {
        let names = self.names(&Path::from("active")).await?;
        let parts = names.into_iter().filter_map(|name| {
            let (owner, id) = name.split_once('.')?;
            Some((Owner::new(owner).ok()?, id.to_owned()))
        });
        Ok(parts.filter(|(_, id)| is_id(id, ID)).collect())
    }

    pub(crate) fn source(&self, owner: &Owner, input: &Input) -> Result<Source, BatchError> {
        match input {
            Input::Path(path) => Ok(Source::File(path.clone())),
            Input::File(id) if is_id(id, files::ID) => {
                Ok(Source::Object { objects: self.objects.clone(), path: content_path(owner, id), from: 0 })
            }
            Input::File(id) => Err(files::not_found(id)),
        }
    }
}

fn check_metadata(metadata: &Map<String, Value>) -> Result<(), NotAllowed> {
    let (entries, key, value) = METADATA;
    let fits = |(name, text): (&String, &Value)| {
        name.chars().count() <= key && text.as_str().is_some_and(|text| text.chars().count() <= value)
    };
    if metadata.len() <= entries && metadata.iter().all(fits) {
        return Ok(());
    }
    let reason = format!("expected at most {entries} strings of {value} characters, with keys of {key} characters");
    Err(NotAllowed::new("metadata", reason))
}

#[cfg(test)]
mod tests;
