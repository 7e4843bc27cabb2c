//! What the measurements share: the bodies that are sent and answered, AWS's frames around them,
//! a client that counts nothing but time, and the memory of a process.
//!
//! Owns these fixed bytes. What is measured with them is each program's under `src/bin`, and
//! `micro` for single functions:
//!
//! - `compare` measures the proxy and the library beside a bare forwarder and other gateways, and
//!   writes `docs/performance.md`;
//! - `replicas` measures one, two and four proxies, and what limits that they share through Redis cost;
//! - `instructions` counts, under callgrind, the instructions of one request and of one token;
//! - `upstream`, `forwarder`, `library` and `paths` are what these two start;
//! - `guided` builds the command line by what a first build of it counted under such a load.

pub mod bodies;
pub mod client;
pub mod config;
pub mod frame;
pub mod process;
pub mod upstream;
