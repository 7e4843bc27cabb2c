//! Settings of faults and of the control port.

use super::EmulatorBuilder;
use crate::{control::Access, fault::Chaos};

impl EmulatorBuilder {
    /// Opens the control port under `/_sagewire/` to every program on this machine: scripts,
    /// faults, settings and the log of requests over HTTP. Browsers are refused.
    pub fn control(mut self) -> Self {
        self.control = Access::ThisMachine;
        self
    }

    /// Opens the control port to anyone who sends `authorization: Bearer TOKEN`.
    pub fn control_with_token(mut self, token: impl Into<String>) -> Self {
        self.control = Access::Token(token.into());
        self
    }

    /// Lets things go wrong by a schedule from the start.
    pub fn chaos(self, chaos: Chaos) -> Self {
        self.prepared.set_chaos(Some(chaos));
        self
    }
}
