//! Who calls, what they may, and what they use.
//!
//! Owns keys, their comparison and their limits, places at work, and what a caller may set. A key
//! is judged by a request's head, before its body is read; so are its limits as far as they are
//! known to be used up.

pub use key_digest::KeyDigest;
pub use sagewire::sagemaker::CallerParameters;
pub use sagewire_router::ledger::{
    KeyAdmission, KeyLimit, KeyLimits, KeyRefusal, Ledger, MemoryLedger, Reached, Reservation, Standing,
};

pub use state_file::StateFileError;

pub(crate) use self::{
    admission::Admission,
    booking::{Booking, Count, Wanted},
    expected_output::{ExpectedOutput, ExpectedOutputs},
    key_in_url::refuse_key_in_url,
    keyring::{Caller, Keyring, MASTER},
    state_file::FileLedger,
    wrong_keys::WrongKeys,
};

mod admission;
mod booking;
mod expected_output;
mod key_digest;
mod key_in_url;
mod keyring;
pub(crate) mod parameters;
mod state_file;
mod wrong_keys;
