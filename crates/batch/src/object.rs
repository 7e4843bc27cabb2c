//! Batches and files as OpenAI's API shows them.
//!
//! <https://platform.openai.com/docs/api-reference/batch/object>, <https://platform.openai.com/docs/api-reference/files/object>

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Endpoint, line::Problem};

/// Where a batch stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Status {
    /// Its input is being read.
    Validating,
    /// Its input cannot be used; `errors` says why.
    Failed,
    /// Its lines are being answered.
    InProgress,
    /// Its results are being put together.
    Finalizing,
    /// Every line has a result.
    Completed,
    /// Its time was over before all lines had been answered; the results there are can be read.
    Expired,
    /// It was cancelled, and requests in flight end.
    Cancelling,
    /// It was cancelled; the results there are can be read.
    Cancelled,
}

impl Status {
    /// Whether nothing will change any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Failed | Self::Completed | Self::Expired | Self::Cancelled)
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Validating => "validating",
            Self::Failed => "failed",
            Self::InProgress => "in_progress",
            Self::Finalizing => "finalizing",
            Self::Completed => "completed",
            Self::Expired => "expired",
            Self::Cancelling => "cancelling",
            Self::Cancelled => "cancelled",
        }
    }
}

/// How many lines a batch has, and what came of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// All of them.
    pub total: u64,
    /// Those with an answer in the output file.
    pub completed: u64,
    /// Those with an entry in the error file.
    pub failed: u64,
}

/// A batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Batch {
    /// `batch_...`
    pub id: String,
    /// `batch`
    pub object: String,
    /// The route that every line asks. Empty if lines may ask any: only the command line has such
    /// batches.
    pub endpoint: String,
    /// What is wrong with the input of a batch that has failed.
    pub errors: Option<Problems>,
    /// The input's file, or its path for a batch of the command line.
    pub input_file_id: String,
    /// How long the batch may take, as it was asked for.
    pub completion_window: String,
    /// Where it stands.
    pub status: Status,
    /// The answers, one on each line, in the order of the input.
    pub output_file_id: Option<String>,
    /// What became of the lines without an answer, in the order of the input.
    pub error_file_id: Option<String>,
    /// Seconds since 1970, as every time here.
    pub created_at: u64,
    /// When its lines began to be answered.
    pub in_progress_at: Option<u64>,
    /// When its time is over.
    pub expires_at: Option<u64>,
    /// When its results began to be put together.
    pub finalizing_at: Option<u64>,
    /// When it was completed.
    pub completed_at: Option<u64>,
    /// When it failed.
    pub failed_at: Option<u64>,
    /// When its time was over.
    pub expired_at: Option<u64>,
    /// When it was asked to be cancelled.
    pub cancelling_at: Option<u64>,
    /// When it was cancelled.
    pub cancelled_at: Option<u64>,
    /// How far it is.
    pub request_counts: Counts,
    /// What its creator noted.
    pub metadata: Option<Map<String, Value>>,
}

/// A list of problems, in OpenAI's form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Problems {
    /// `list`
    pub object: String,
    /// They.
    pub data: Vec<Problem>,
}

impl Batch {
    pub(crate) fn new(id: String, endpoint: Option<Endpoint>, input: String, created_at: u64) -> Self {
        Self {
            id,
            object: "batch".to_owned(),
            endpoint: endpoint.map_or("", Endpoint::as_str).to_owned(),
            errors: None,
            input_file_id: input,
            completion_window: String::new(),
            status: Status::Validating,
            output_file_id: None,
            error_file_id: None,
            created_at,
            in_progress_at: None,
            expires_at: None,
            finalizing_at: None,
            completed_at: None,
            failed_at: None,
            expired_at: None,
            cancelling_at: None,
            cancelled_at: None,
            request_counts: Counts::default(),
            metadata: None,
        }
    }

    /// Notes that it stands there from now on.
    pub(crate) fn enter(&mut self, status: Status, now: u64) {
        self.status = status;
        let at = match status {
            Status::Validating => return,
            Status::Failed => &mut self.failed_at,
            Status::InProgress => &mut self.in_progress_at,
            Status::Finalizing => &mut self.finalizing_at,
            Status::Completed => &mut self.completed_at,
            Status::Expired => &mut self.expired_at,
            Status::Cancelling => &mut self.cancelling_at,
            Status::Cancelled => &mut self.cancelled_at,
        };
        at.get_or_insert(now);
    }

    pub(crate) fn fail(&mut self, problems: Vec<Problem>, now: u64) {
        self.errors = Some(Problems { object: "list".to_owned(), data: problems });
        self.enter(Status::Failed, now);
    }
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct File {
    /// `file-...`
    pub id: String,
    /// `file`
    pub object: String,
    /// Its size.
    pub bytes: u64,
    /// Seconds since 1970.
    pub created_at: u64,
    /// When it is deleted by itself, in seconds since 1970.
    pub expires_at: Option<u64>,
    /// Its name, as it was uploaded. It is never a path.
    pub filename: String,
    /// What it is for: `batch`, `batch_output` or another of OpenAI's.
    pub purpose: String,
    /// Always `processed`.
    pub status: String,
    /// Always nothing.
    pub status_details: Option<String>,
}
