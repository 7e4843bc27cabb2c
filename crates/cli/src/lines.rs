//! Work through the lines of a file, which may take hours: `embed` and `batch run`.
//!
//! Owns what both do about Ctrl-C, and what they say of files that are in the way and of lines
//! without a result.

use std::path::Path;

use futures_util::{Stream, stream};

use crate::{
    Failure, interrupt,
    progress::Progress,
    terminal::{Colour, note},
};

/// What helps after a run that did not come to its end.
pub(crate) const RESUMES: &str = "what is done is kept; run the same command again to continue";

/// Every press of Ctrl-C: the first one lets the requests in flight finish, the second one ends at
/// once.
pub(crate) fn presses() -> impl Stream<Item = ()> {
    stream::unfold((), |()| async { Some((interrupt::ctrl_c().await, ())) })
}

/// Says what the first press does.
pub(crate) fn say_finishing(progress: &Progress) {
    progress.say("waiting for the requests in flight; press Ctrl-C again to end at once");
}

/// Refuses an output that would overwrite the input.
pub(crate) fn refuse_same_file(input: &Path, output: &Path) -> Result<(), Failure> {
    match (std::fs::canonicalize(input), std::fs::canonicalize(output)) {
        (Ok(input), Ok(output)) if input == output => {
            Err(Failure::usage("input and output are the same file; choose another `--output`"))
        }
        _ => Ok(()),
    }
}

/// Names a line that has no result, and why.
pub(crate) fn report(problem: &str, place: impl std::fmt::Display, why: impl std::fmt::Display) {
    note(Some((Colour::Red, &format!("{problem}:"))), format_args!("{place}: {why}"));
}
