//! This machine's clock compared with AWS's, by the `Date` header of the answers.

use std::time::Duration;

use super::{report::Step, skipped, watch::Log};

const NAME: &str = "clock";

/// AWS refuses signatures that differ by more.
const TOLERATED: Duration = Duration::from_secs(5 * 60);

/// The `Date` header has whole seconds, and the answer takes some.
const NOTICED: Duration = Duration::from_secs(30);

pub(super) fn look(log: &Log) -> Step {
    let Some((theirs, ours)) = log.first_date() else {
        return skipped(NAME, "no answer with a `Date` header");
    };
    let (off, side) = match theirs.duration_since(ours) {
        Ok(behind) => (behind, "behind"),
        Err(ahead) => (ahead.duration(), "ahead of"),
    };
    let fix = "set this machine's clock, and keep it set (`sudo timedatectl set-ntp true`, or the time settings of the virtual machine's host). \
                sagewire signs by AWS's time once it knows it; other tools do not";
    let summary = format!("{} seconds {side} AWS's", off.as_secs());
    match off {
        off if off >= TOLERATED => {
            Step::failed(NAME, format!("{summary}: AWS refuses signatures that are more than 5 minutes off"), fix)
        }
        off if off >= NOTICED => Step::warning(NAME, summary, fix),
        _ => Step::ok(NAME, "agrees with AWS's"),
    }
}
