#![doc = include_str!("../README.md")]
//!
//! # Where things are
//! - [`ControlPlane`] calls AWS: one region, signed requests, pages, retries. [`description`] has
//!   the answers.
//! - [`Account`] reads a region's endpoints and keeps what has not changed. [`EndpointFacts`] are
//!   everything that is known of one.
//! - [`read`] makes [`Deployment`]s of the facts. It is pure: tables of images, variables and
//!   names, and nothing else.

mod account;
mod control_plane;
mod deployment;
pub mod description;
mod facts;
mod naming;
mod reading;

pub use account::{Account, Filter};
pub use control_plane::ControlPlane;
pub use deployment::{Certainty, Deployment, Hosting, NativeRoutes, Obstacle, Serves};
pub use facts::EndpointFacts;
pub use naming::Found;
pub use reading::read;
