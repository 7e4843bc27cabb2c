#![doc = include_str!("../README.md")]
//!
//! # Where things are
//! - [`Store`] has files and batches: a directory or a bucket. Each belongs to an [`Owner`].
//! - [`Runner`] answers a batch's lines with an [`Engine`]; [`RunOptions`] says how many at a
//!   time, and [`Stop`] ends it early.
//! - [`Batch`] and [`File`] are OpenAI's objects; [`Lines`] reads inputs of any size.

pub use batches::{Input, NewBatch};
#[cfg(feature = "s3")]
pub use buckets::Buckets;
pub use endpoint::{Endpoint, UnknownEndpoint};
pub use engine::{Engine, MOST_TRIES, Outcome, Response};
pub use error::BatchError;
pub use files::{NewFile, PURPOSES, Upload};
pub use input::{LONGEST_LINE, Lines};
pub use line::{Line, Problem};
pub use object::{Batch, Counts, File, Problems, Status};
pub use page::{Page, Paged};
pub use provider::ProviderEngine;
pub use run::{End, RunOptions, Runner, Stop};
#[cfg(feature = "s3")]
pub use s3::{S3Location, open_bucket};
pub use store::{NotAllowed, Owner, Store};

mod batches;
#[cfg(test)]
mod bench;
#[cfg(feature = "s3")]
mod buckets;
mod check;
mod endpoint;
mod engine;
mod error;
mod files;
mod input;
mod lease;
mod line;
mod merge;
mod object;
mod output;
mod page;
mod part;
mod provider;
mod ranges;
mod run;
#[cfg(feature = "s3")]
mod s3;
mod store;
mod sweep;
