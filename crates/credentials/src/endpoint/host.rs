//! The host of a service in a region, and the URL to use.

use super::configured::ConfiguredUrl;
use super::error::EndpointError;
use super::partition::Partition;
use super::service::Service;
use super::settings::EndpointSettings;
use crate::region::Region;

/// The pseudo-region of hosts without a region.
const AWS_GLOBAL: &str = "aws-global";
/// The region to sign for when calling such hosts.
const AWS_GLOBAL_SIGNING_REGION: &str = "us-east-1";

/// The host of `service` in `region`, such as `runtime.sagemaker.us-east-1.amazonaws.com`.
///
/// An unknown region counts as one of `aws`, so that new regions work.
///
/// # Errors
/// [`EndpointError::InvalidRegion`] if the region cannot be part of a host's name. This prevents a
/// region such as `x.example.com/` from sending credentials elsewhere.
pub fn service_host(service: Service, region: &str, settings: EndpointSettings) -> Result<String, EndpointError> {
    let Ok(valid) = Region::new(region) else {
        return Err(EndpointError::InvalidRegion { region: region.to_owned() });
    };
    let region = valid.as_str();
    if is_global_sts(service, region, settings) {
        return Ok("sts.amazonaws.com".to_owned());
    }
    let partition = Partition::of_region(region);
    if service == Service::S3 {
        // Its hosts are older than the rule: <https://docs.aws.amazon.com/general/latest/gr/s3.html>
        let fips = if settings.use_fips { "-fips" } else { "" };
        let dual_stack = if settings.use_dual_stack { ".dualstack" } else { "" };
        return Ok(format!("s3{fips}{dual_stack}.{region}.{}", partition.dns_suffix()));
    }
    let suffix = if settings.use_dual_stack { partition.dual_stack_dns_suffix() } else { partition.dns_suffix() };
    Ok(format!("{}.{region}.{suffix}", prefix(service, partition, settings)))
}

/// The region to sign for when calling [`service_host`]'s host: the region itself, except for STS
/// in `aws-global`.
#[must_use]
pub fn signing_region(service: Service, region: &str, settings: EndpointSettings) -> &str {
    if is_global_sts(service, region, settings) { AWS_GLOBAL_SIGNING_REGION } else { region }
}

/// The URL to call `service` at: the configured one as it is, or `https://` and [`service_host`].
///
/// # Errors
/// [`EndpointError::FipsWithConfiguredUrl`] and [`EndpointError::DualStackWithConfiguredUrl`] if
/// they are requested together with a configured URL; [`EndpointError::MissingRegion`] if neither
/// URL nor region is known; and those of [`service_host`].
pub fn service_url(
    service: Service,
    region: Option<&str>,
    settings: EndpointSettings,
    configured: Option<&ConfiguredUrl>,
) -> Result<String, EndpointError> {
    if let Some(configured) = configured {
        let url_source = || configured.source().clone();
        if settings.use_fips {
            return Err(EndpointError::FipsWithConfiguredUrl { url_source: url_source() });
        }
        if settings.use_dual_stack {
            return Err(EndpointError::DualStackWithConfiguredUrl { url_source: url_source() });
        }
        return Ok(configured.url().to_owned());
    }
    let region = region.ok_or(EndpointError::MissingRegion)?;
    Ok(format!("https://{}", service_host(service, region, settings)?))
}

/// The part of the host's name before the region. The names of FIPS hosts follow no single rule.
fn prefix(service: Service, partition: &Partition, settings: EndpointSettings) -> String {
    let plain = service.host_prefix();
    match (settings.use_fips, settings.use_dual_stack, partition.id(), service) {
        (false, ..) => plain.to_owned(),
        (true, _, _, Service::InferenceRouterRuntime | Service::GatewayRuntime) => format!("{plain}-fips"),
        (true, false, "aws" | "aws-us-gov", Service::SageMaker) => "api-fips.sagemaker".to_owned(),
        // Every host of GovCloud meets FIPS.
        (true, false, "aws-us-gov", _) => plain.to_owned(),
        (true, false, "aws", Service::SageMakerRuntime) => "runtime-fips.sagemaker".to_owned(),
        (true, ..) => format!("{plain}-fips"),
    }
}

fn is_global_sts(service: Service, region: &str, settings: EndpointSettings) -> bool {
    service == Service::Sts && region == AWS_GLOBAL && settings == EndpointSettings::default()
}

#[cfg(test)]
mod tests {
    use super::{service_host, signing_region};
    use crate::endpoint::{EndpointError, EndpointSettings, Service};

    fn settings(use_fips: bool, use_dual_stack: bool) -> EndpointSettings {
        EndpointSettings { use_fips, use_dual_stack }
    }

    #[test]
    fn each_service_has_its_hosts() {
        let plain = settings(false, false);
        let fips = settings(true, false);
        let both = settings(true, true);
        for (service, region, settings, host) in [
            (Service::SageMakerRuntime, "us-east-1", plain, "runtime.sagemaker.us-east-1.amazonaws.com"),
            (Service::SageMakerRuntime, "us-east-1", fips, "runtime-fips.sagemaker.us-east-1.amazonaws.com"),
            (Service::SageMakerRuntime, "us-east-1", both, "runtime.sagemaker-fips.us-east-1.api.aws"),
            (Service::SageMakerRuntime, "us-gov-west-1", fips, "runtime.sagemaker.us-gov-west-1.amazonaws.com"),
            (Service::SageMakerRuntime, "cn-north-1", fips, "runtime.sagemaker-fips.cn-north-1.amazonaws.com.cn"),
            (Service::SageMaker, "eusc-de-east-1", plain, "api.sagemaker.eusc-de-east-1.amazonaws.eu"),
            (Service::SageMaker, "us-east-1", fips, "api-fips.sagemaker.us-east-1.amazonaws.com"),
            (Service::SageMaker, "us-gov-west-1", fips, "api-fips.sagemaker.us-gov-west-1.amazonaws.com"),
            (Service::SageMaker, "us-gov-west-1", both, "api.sagemaker-fips.us-gov-west-1.api.aws"),
            (Service::SageMaker, "cn-north-1", fips, "api.sagemaker-fips.cn-north-1.amazonaws.com.cn"),
            (Service::S3, "eu-west-1", plain, "s3.eu-west-1.amazonaws.com"),
            (Service::S3, "us-gov-west-1", fips, "s3-fips.us-gov-west-1.amazonaws.com"),
            (Service::S3, "us-east-1", both, "s3-fips.dualstack.us-east-1.amazonaws.com"),
            (Service::S3, "cn-north-1", plain, "s3.cn-north-1.amazonaws.com.cn"),
            (Service::Sts, "eu-west-1", plain, "sts.eu-west-1.amazonaws.com"),
            (Service::Sts, "eu-west-1", fips, "sts-fips.eu-west-1.amazonaws.com"),
            (Service::Sts, "us-gov-west-1", fips, "sts.us-gov-west-1.amazonaws.com"),
            (Service::Sts, "us-gov-west-1", both, "sts-fips.us-gov-west-1.api.aws"),
            (Service::Sso, "us-east-2", both, "portal.sso-fips.us-east-2.api.aws"),
            (Service::Sso, "us-iso-east-1", plain, "portal.sso.us-iso-east-1.c2s.ic.gov"),
            (Service::SsoOidc, "eusc-de-east-1", plain, "oidc.eusc-de-east-1.amazonaws.eu"),
            (Service::SsoOidc, "us-east-1", fips, "oidc-fips.us-east-1.amazonaws.com"),
        ] {
            assert_eq!(service_host(service, region, settings).unwrap(), host);
            assert_eq!(signing_region(service, region, settings), region);
        }
    }

    #[test]
    fn the_global_host_of_sts_is_signed_for_us_east_1() {
        let plain = settings(false, false);
        assert_eq!(service_host(Service::Sts, "aws-global", plain).unwrap(), "sts.amazonaws.com");
        assert_eq!(signing_region(Service::Sts, "aws-global", plain), "us-east-1");
        let fips = settings(true, false);
        assert_eq!(service_host(Service::Sts, "aws-global", fips).unwrap(), "sts-fips.aws-global.amazonaws.com");
        assert_eq!(signing_region(Service::Sts, "aws-global", fips), "aws-global");
    }

    #[test]
    fn a_region_that_could_change_the_host_is_refused() {
        let long = "a".repeat(64);
        for region in
            ["", "us-east-1.evil.example", "us east", "x/", "x#", "x@y", "-x", "x-", "é", "x:80", long.as_str()]
        {
            let error = service_host(Service::Sts, region, settings(false, false)).unwrap_err();
            assert_eq!(error, EndpointError::InvalidRegion { region: region.to_owned() });
        }
    }
}
