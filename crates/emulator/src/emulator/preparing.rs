//! How a Rust program prepares answers and faults for the requests to come.

use super::Emulator;
use crate::{
    fault::{Chaos, Fault},
    operation::Operation,
    prepared::Line,
    scripted::Scripted,
};

impl Emulator {
    /// Lets the next request to this endpoint get this answer instead of its container's. Several
    /// wait in line.
    ///
    /// The request must pass everything that SageMaker checks first: signature and header limits.
    /// The endpoint need not exist.
    pub fn enqueue(&self, endpoint: &str, reply: Scripted) {
        self.state.prepared.scripts.push(Line::Endpoint(endpoint.to_owned()), reply);
    }

    /// How many scripted answers still wait for a request to this endpoint.
    #[must_use]
    pub fn enqueued(&self, endpoint: &str) -> usize {
        self.state.prepared.scripts.len(&Line::Endpoint(endpoint.to_owned()))
    }

    /// Forgets the scripted answers and the faults that still wait for a request to this endpoint.
    pub fn clear_enqueued(&self, endpoint: &str) {
        let line = Line::Endpoint(endpoint.to_owned());
        self.state.prepared.scripts.clear(&line);
        self.state.prepared.faults.clear(&line);
    }

    /// Lets the next request for this operation get this answer instead of its own. Several wait in
    /// line.
    ///
    /// An answer that waits for the request's endpoint comes first. A request that must be signed
    /// must be signed well.
    pub fn enqueue_for(&self, operation: Operation, reply: Scripted) {
        self.state.prepared.scripts.push(Line::Operation(operation), reply);
    }

    /// Lets this go wrong with the next accepted request to this endpoint. Several wait in line.
    pub fn inject(&self, endpoint: &str, fault: Fault) {
        self.state.prepared.faults.push(Line::Endpoint(endpoint.to_owned()), fault);
    }

    /// Lets this go wrong with the next accepted request for this operation. A fault that waits for
    /// its endpoint comes first.
    pub fn inject_for(&self, operation: Operation, fault: Fault) {
        self.state.prepared.faults.push(Line::Operation(operation), fault);
    }

    /// Lets things go wrong by a schedule from now on, or no longer. What [`inject`](Self::inject)
    /// has put in line comes first.
    pub fn set_chaos(&self, chaos: Option<Chaos>) {
        self.state.prepared.set_chaos(chaos);
    }
}
