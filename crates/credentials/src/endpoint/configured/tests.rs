use super::{ConfiguredUrl, UrlSource, configured_endpoint_url};
use crate::endpoint::{EndpointError, EndpointSettings, Service, service_url};
use crate::profile::{FileKind, ProfileFile, ProfileSet, SelectedProfile};
use crate::seam::{Env, MapEnv};

const CONFIG: &str = "[default]
services = local
endpoint_url = http://profile
[services local]
sagemaker_runtime =
  endpoint_url = http://services/path
sts =
  region = us-east-1
sso =
  endpoint_url =
[profile lost]
services = nowhere
[profile silent]
services = local
endpoint_url = http://profile
ignore_configured_endpoint_urls = true
";

fn profiles(selected: &str) -> ProfileSet {
    let file = ProfileFile::new(FileKind::Config, "config", CONFIG.as_bytes());
    ProfileSet::parse(SelectedProfile::explicit(selected), &[file]).unwrap()
}

fn find(service: Service, explicit: Option<&str>, env: &MapEnv, profile: &str) -> Option<(String, String)> {
    let set = profiles(profile);
    let found = configured_endpoint_url(service, explicit, |name| env.var(name), Some(&set)).unwrap();
    found.map(|found| (found.url().to_owned(), found.source().to_string()))
}

fn both(url: &str, source: &str) -> Option<(String, String)> {
    Some((url.to_owned(), source.to_owned()))
}

#[test]
fn each_setting_comes_before_the_next() {
    use Service::{SageMakerRuntime, Sso, Sts};
    let env =
        || MapEnv::from([("AWS_ENDPOINT_URL", "http://all"), ("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", "http://one")]);
    assert_eq!(
        find(SageMakerRuntime, Some(" http://mine/x?y=1 "), &env(), "default"),
        both("http://mine/x?y=1", "the program's configuration")
    );
    assert_eq!(
        find(SageMakerRuntime, Some(" "), &env(), "default"),
        both("http://one", "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME")
    );
    assert_eq!(find(Sts, None, &env(), "default"), both("http://all", "AWS_ENDPOINT_URL"));
    assert_eq!(
        find(SageMakerRuntime, None, &MapEnv::new(), "default"),
        both("http://services/path", "[services local] (config:5)")
    );
    // A section without a URL for the service, or with an empty one, leaves it to the profile.
    for service in [Sts, Sso, Service::SsoOidc] {
        assert_eq!(
            find(service, None, &MapEnv::new(), "default"),
            both("http://profile", "profile `default` (config:3)")
        );
    }
    assert_eq!(find(Sts, None, &MapEnv::new(), "absent"), None);
    let none = configured_endpoint_url(Sts, None, |_| None, None).unwrap();
    assert_eq!(none, None);
}

#[test]
fn every_service_has_its_own_variable() {
    for service in Service::ALL {
        let name = format!("AWS_ENDPOINT_URL_{}", service.config_key().to_uppercase());
        assert_eq!(service.endpoint_variable(), name);
        let env = MapEnv::new().with(name.clone(), "http://one").with("AWS_ENDPOINT_URL", "http://all");
        assert_eq!(find(service, None, &env, "default"), both("http://one", &name));
    }
}

#[test]
fn configured_urls_can_be_ignored() {
    let ignore = |value: &str| {
        MapEnv::from([("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", value), ("AWS_ENDPOINT_URL", "http://all")])
    };
    assert_eq!(find(Service::Sts, None, &ignore("true"), "default"), None);
    assert_eq!(find(Service::Sts, Some("http://mine"), &ignore("true"), "default").unwrap().0, "http://mine");
    // The profile's word counts for the environment's URLs too, but the environment's word comes
    // first.
    assert_eq!(find(Service::Sts, None, &MapEnv::from([("AWS_ENDPOINT_URL", "http://all")]), "silent"), None);
    assert_eq!(find(Service::Sts, None, &ignore("false"), "silent").unwrap().0, "http://all");
}

#[test]
fn a_services_section_that_is_not_there_is_an_error() {
    let set = profiles("lost");
    let error = configured_endpoint_url(Service::Sts, None, |_| None, Some(&set)).unwrap_err();
    assert_eq!(error, EndpointError::ServicesNotFound { profile: "lost".into(), services: "nowhere".into() });
    // It does not matter to someone whose URL comes from elsewhere.
    let env = |_: &str| Some("http://all".to_owned());
    let ignore = |name: &str| if name.contains("IGNORE") { None } else { env(name) };
    assert!(configured_endpoint_url(Service::Sts, None, ignore, Some(&set)).unwrap().is_some());
}

#[test]
fn a_url_that_cannot_be_called_is_refused_and_not_shown() {
    for url in [
        "example.com",
        "localhost:8080",
        "//example.com",
        "ftp://example.com",
        "https://",
        "https:///path",
        "http://a b",
        "https://me:s3cr3t@example.com",
        "https://example.com/#s3cr3t",
        "s3cr3t",
        "http://:80",
    ] {
        let error = configured_endpoint_url(Service::Sts, Some(url), |_| None, None).unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(matches!(error, EndpointError::InvalidUrl { .. }) && !text.contains("s3cr3t"), "{url}: {text}");
    }
    for url in ["http://[::1]:8080", "https://example.com/a/b", "HTTP://EXAMPLE.com", "http://127.0.0.1:1/?key=s3cr3t"]
    {
        let found = configured_endpoint_url(Service::Sts, Some(url), |_| None, None).unwrap().unwrap();
        assert_eq!(found.url(), url);
        assert!(!format!("{found:?} {found:#?}").contains("s3cr3t"));
    }
}

#[test]
fn a_configured_url_goes_with_neither_fips_nor_dual_stack() {
    let url = ConfiguredUrl::parse("https://example.com", UrlSource::Variable("AWS_ENDPOINT_URL")).unwrap();
    let resolve = |use_fips, use_dual_stack| {
        service_url(Service::Sts, None, EndpointSettings { use_fips, use_dual_stack }, Some(&url))
    };
    assert_eq!(resolve(false, false).unwrap(), "https://example.com");
    let fips = resolve(true, true).unwrap_err();
    assert!(fips.to_string().contains("AWS_ENDPOINT_URL sets a URL"), "{fips}");
    assert!(matches!(resolve(false, true).unwrap_err(), EndpointError::DualStackWithConfiguredUrl { .. }));
}
