//! [`Found`]: deployments of one or several regions, under names that differ.

use std::collections::HashSet;

use crate::deployment::Deployment;

/// A deployment, where it is, and what callers know it by.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Found {
    /// Its region.
    pub region: String,
    /// Its name, which no other has.
    pub name: String,
    /// The deployment.
    pub deployment: Deployment,
}

impl Found {
    /// Names deployments, given with their regions. Of several with the same name, the later ones
    /// have their region in it, then a number: names do not change when others appear behind
    /// them.
    #[must_use]
    pub fn named(deployments: impl IntoIterator<Item = (String, Deployment)>) -> Vec<Self> {
        let mut taken = HashSet::new();
        let name = |(region, deployment): (String, Deployment)| {
            let own = deployment.name();
            let with_region = format!("{own}-{region}");
            let mut numbered = (2_u32..).map(|number| format!("{with_region}-{number}"));
            let name = [own, with_region.clone()]
                .into_iter()
                .find(|name| !taken.contains(name))
                .or_else(|| numbered.find(|name| !taken.contains(name)))
                .unwrap_or(with_region);
            taken.insert(name.clone());
            Self { region, name, deployment }
        };
        deployments.into_iter().map(name).collect()
    }

    /// Whether it can be called as it is.
    #[must_use]
    pub fn is_callable(&self) -> bool {
        self.deployment.obstacle.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EndpointFacts, read};

    #[test]
    fn no_two_have_the_same_name() {
        let mut facts = EndpointFacts::default();
        facts.endpoint.endpoint_name = "chat".to_owned();
        let [deployment] = <[_; 1]>::try_from(read(&facts)).unwrap();
        let regions = ["us-east-1", "eu-west-1", "eu-west-1", "eu-west-1"];
        let found = Found::named(regions.map(|region| (region.to_owned(), deployment.clone())));
        let names: Vec<_> = found.iter().map(|found| found.name.as_str()).collect();
        assert_eq!(names, ["chat", "chat-eu-west-1", "chat-eu-west-1-2", "chat-eu-west-1-3"]);
    }
}
