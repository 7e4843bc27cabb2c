//! The region: its value, its source, and the other places that set one.

use sagewire::credentials::{LocatedRegion, RegionError, SharedConfig, locate_region, seam::World};

use super::{report::Step, subject::Subject};

const NAME: &str = "region";

pub(super) async fn look(subject: &Subject, world: &World) -> (Step, Option<LocatedRegion>) {
    let aws = subject.aws();
    match locate_region(world, aws.aws_region_name.as_deref(), aws.profile_name(world).as_deref()).await {
        Ok(found) => {
            let passed_over = found.passed_over.iter().map(|place| format!("{}: {}", place.source, place.reason));
            let mut details: Vec<_> = passed_over.collect();
            details.extend(
                others(&found, subject, world)
                    .await
                    .into_iter()
                    .map(|(source, region)| format!("{source}: {region}, not used")),
            );
            let step = Step::ok(NAME, format!("{}, from {}", found.region, found.source)).with_looked_at(details);
            (step, Some(found))
        }
        Err(error) => {
            let fix = "set AWS_REGION (`export AWS_REGION=us-east-1`), `--region`, or `region` in the profile, to the region of the endpoint";
            let step = match error {
                RegionError::NotFound { attempts } => Step::failed(NAME, "no AWS region is set", fix)
                    .with_looked_at(attempts.iter().map(|place| format!("{}: {}", place.source, place.reason))),
                error => Step::failed(NAME, super::with_causes(&error), fix),
            };
            (step, None)
        }
    }
}

/// The other places that set another region, which is the most frequent reason why an endpoint is
/// not found.
pub(super) async fn others(found: &LocatedRegion, subject: &Subject, world: &World) -> Vec<(String, String)> {
    let mut others = Vec::new();
    for variable in ["AWS_REGION_NAME", "AWS_REGION", "AWS_DEFAULT_REGION"] {
        others.extend(world.var(variable).map(|region| (variable.to_owned(), region)));
    }
    let config = SharedConfig::load(world, subject.aws().profile_name(world).as_deref()).await;
    let region = config.profile().and_then(|profile| profile.setting("region"));
    let name = config.profiles().selected_name();
    others.extend(region.map(|region| (format!("profile `{name}`"), region.trim().to_owned())));
    others.retain(|(_, region)| region.trim() != found.region.as_str());
    others
}
