//! The choice of FIPS and dual-stack hosts, from the environment and the profile.

use super::error::EndpointError;
use crate::env_vars::{AWS_USE_DUALSTACK_ENDPOINT, AWS_USE_FIPS_ENDPOINT};
use crate::profile::Profile;

/// Which of a service's hosts to use. The default is neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EndpointSettings {
    /// Hosts whose cryptography is validated under
    /// [FIPS 140](https://docs.aws.amazon.com/sdkref/latest/guide/feature-endpoints.html).
    pub use_fips: bool,
    /// Hosts that answer over IPv4 and IPv6.
    pub use_dual_stack: bool,
}

impl EndpointSettings {
    /// `AWS_USE_FIPS_ENDPOINT` and `AWS_USE_DUALSTACK_ENDPOINT`, else the profile's
    /// `use_fips_endpoint` and `use_dualstack_endpoint`.
    ///
    /// # Errors
    /// [`EndpointError::NotBoolean`] if one of them is neither `true` nor `false`, so that
    /// `yes` for FIPS does not select other hosts.
    pub fn resolve(env: impl Fn(&str) -> Option<String>, profile: Option<&Profile>) -> Result<Self, EndpointError> {
        let flag = |variable, key| Ok(boolean(&env, variable, profile, key)?.unwrap_or(false));
        Ok(Self {
            use_fips: flag(AWS_USE_FIPS_ENDPOINT, "use_fips_endpoint")?,
            use_dual_stack: flag(AWS_USE_DUALSTACK_ENDPOINT, "use_dualstack_endpoint")?,
        })
    }
}

/// A setting that is true or false: the variable's, else the profile's. A blank one counts as
/// unset.
pub(super) fn boolean(
    env: impl Fn(&str) -> Option<String>,
    variable: &str,
    profile: Option<&Profile>,
    key: &str,
) -> Result<Option<bool>, EndpointError> {
    if let Some(value) = env(variable).filter(|value| !value.trim().is_empty()) {
        return parse(&value).ok_or_else(|| EndpointError::NotBoolean { setting: variable.to_owned() }).map(Some);
    }
    let Some(property) = profile.and_then(|profile| profile.property(key)) else { return Ok(None) };
    if property.value().trim().is_empty() {
        return Ok(None);
    }
    let setting = || format!("{key} ({})", property.origin());
    parse(property.value()).ok_or_else(|| EndpointError::NotBoolean { setting: setting() }).map(Some)
}

fn parse(value: &str) -> Option<bool> {
    let value = value.trim();
    if value.eq_ignore_ascii_case("true") {
        Some(true)
    } else if value.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::EndpointSettings;
    use crate::endpoint::EndpointError;
    use crate::profile::{FileKind, ProfileFile, ProfileSet, SelectedProfile};
    use crate::seam::{Env, MapEnv};

    fn resolve(env: &MapEnv, profile: &str) -> Result<EndpointSettings, EndpointError> {
        let text = format!("[default]\n{profile}");
        let file = ProfileFile::new(FileKind::Config, "config", text.as_bytes());
        let set = ProfileSet::parse(SelectedProfile::default(), &[file]).unwrap();
        EndpointSettings::resolve(|name| env.var(name), set.selected())
    }

    #[test]
    fn the_environment_comes_before_the_profile() {
        let profile = "use_fips_endpoint = true\nuse_dualstack_endpoint = True\n";
        let both = EndpointSettings { use_fips: true, use_dual_stack: true };
        assert_eq!(resolve(&MapEnv::new(), profile), Ok(both));
        let env = MapEnv::from([("AWS_USE_FIPS_ENDPOINT", "FALSE"), ("AWS_USE_DUALSTACK_ENDPOINT", " ")]);
        assert_eq!(resolve(&env, profile), Ok(EndpointSettings { use_fips: false, use_dual_stack: true }));
        assert_eq!(resolve(&MapEnv::new(), ""), Ok(EndpointSettings::default()));
    }

    #[test]
    fn anything_else_than_true_and_false_is_refused() {
        let error = resolve(&MapEnv::from([("AWS_USE_FIPS_ENDPOINT", "yes")]), "").unwrap_err();
        assert_eq!(error.to_string(), "invalid AWS_USE_FIPS_ENDPOINT: expected true or false");
        let error = resolve(&MapEnv::new(), "use_dualstack_endpoint = 1\n").unwrap_err();
        assert_eq!(error.to_string(), "invalid use_dualstack_endpoint (config:2): expected true or false");
    }
}
