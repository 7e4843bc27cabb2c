//! Without the feature `faults`, nothing is prepared for a request. No value of these types exists.

use http::Response;

use crate::{
    aws_error::Place,
    body::{Body, BrokenOff},
    operation::Operation,
    signature::Caller,
    socket::Ending,
    state::State,
};

/// Nothing.
#[derive(Debug, Default)]
pub(crate) struct Prepared(());

impl Prepared {
    #[expect(clippy::unused_self, reason = "with the feature it is a method")]
    pub(crate) const fn next_script(&self, _: Option<&str>, _: Operation) -> Option<Scripted> {
        None
    }

    #[expect(clippy::unused_self, reason = "with the feature it is a method")]
    pub(crate) const fn next_fault(&self, _: Option<&str>, _: Operation) -> Option<Fault> {
        None
    }
}

/// A scripted answer.
#[derive(Clone, Debug)]
pub(crate) enum Scripted {}

impl Scripted {
    pub(crate) async fn play(self, _: &Place<'_>, _: Ending) -> Result<Response<Body>, BrokenOff> {
        match self {}
    }
}

/// A fault.
#[derive(Clone, Debug)]
pub(crate) enum Fault {}

impl Fault {
    pub(crate) fn strikes_caller(&self, _: &State, _: Option<&Caller>) -> bool {
        match *self {}
    }

    pub(crate) async fn strikes_port(&self, _: &State) {
        match *self {}
    }

    pub(crate) fn instead(&self, _: &Place<'_>, _: &Ending) -> Option<Result<Response<Body>, BrokenOff>> {
        match *self {}
    }

    pub(crate) fn spoil(self, _: Response<Body>, _: Ending) -> Response<Body> {
        match self {}
    }
}
