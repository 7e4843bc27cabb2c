//! `ValidationError` as AWS words it: every broken constraint of a request, in one message.
//!
//! Owns the wording. Which constraints there are is decided by each service.

use crate::aws_error::AwsError;

/// The constraints that a request breaks.
#[derive(Debug, Default)]
pub(crate) struct Constraints {
    broken: Vec<String>,
}

impl Constraints {
    /// Adds a complaint about a member's value; a sensitive one is given as `None` and not
    /// repeated.
    pub(crate) fn broken(&mut self, value: Option<&str>, member: &str, complaint: &str) {
        let value = value.map_or_else(|| "Value".to_owned(), |value| format!("Value '{value}'"));
        self.broken.push(format!("{value} at '{member}' failed to satisfy constraint: {complaint}"));
    }

    /// Adds a member that is required and absent.
    #[cfg(feature = "identity")]
    pub(crate) fn absent(&mut self, member: &str) {
        self.broken.push(format!("Value null at '{member}' failed to satisfy constraint: Member must not be null"));
    }

    /// Are all kept?
    pub(crate) fn finish(self) -> Result<(), AwsError> {
        let plural = match self.broken.len() {
            0 => return Ok(()),
            1 => "",
            _ => "s",
        };
        Err(AwsError::validation(format!(
            "{} validation error{plural} detected: {}",
            self.broken.len(),
            self.broken.join("; ")
        )))
    }
}
