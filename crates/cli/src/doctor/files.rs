//! The shared AWS config files: which of them are ignored, and which of their lines.

use sagewire::credentials::{SharedConfig, seam::World};

use super::{report::Step, subject::Subject};

const NAME: &str = "files";

/// `None` if nothing is ignored.
pub(super) async fn look(subject: &Subject, world: &World) -> Option<Step> {
    let config = SharedConfig::load(world, subject.aws().profile_name(world).as_deref()).await;
    let mut ignored: Vec<_> = config.problems().map(|problem| super::with_causes(&problem)).collect();
    ignored.extend(config.profiles().warnings().iter().map(ToString::to_string));
    let more = config.profiles().more_warnings();
    if more > 0 {
        ignored.push(format!("and {more} more lines"));
    }
    if ignored.is_empty() {
        return None;
    }
    let fix = "correct the lines named here if you need what they configure";
    Some(Step::warning(NAME, "parts of the AWS config files are ignored", fix).with_details(ignored))
}
