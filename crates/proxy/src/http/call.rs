//! What is kept of a request until its answer has ended.
//!
//! Owns that a call is settled before its record is written, however it ends.

use crate::{callers::Booking, telemetry::CallRecord};

/// A request's record, and what it holds of its key's limits. Dropped before its end, it says that
/// the caller went away.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) record: CallRecord,
    /// Present if the route asks a model.
    pub(crate) booking: Option<Booking>,
}

impl Call {
    pub(super) fn new(record: CallRecord) -> Self {
        Self { record, booking: None }
    }

    /// Gives back the place at work and books what was used. What happens to the call afterwards
    /// counts no more.
    pub(super) fn settle(&mut self) {
        if let Some(count) = self.booking.take().and_then(Booking::settle) {
            self.record.counted(count);
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.settle();
    }
}
