use super::{FileLocations, Platform, ProfileChoice, SelectedProfile};
use crate::seam::{Env, MapEnv};

fn resolve<const N: usize>(variables: [(&str, &str); N], platform: Platform) -> FileLocations {
    let env = MapEnv::from(variables);
    FileLocations::resolve(|name| env.var(name), platform)
}

#[test]
fn a_leading_tilde_is_the_home_folder() {
    let path = |value: &str, platform, home: &str| {
        let found = resolve([("HOME", home), ("AWS_CONFIG_FILE", value)], platform);
        assert_eq!(found.config.variable(), Some("AWS_CONFIG_FILE"));
        found.config.path().map(str::to_owned).unwrap()
    };
    assert_eq!(path("~/other", Platform::Unix, "/home/me/"), "/home/me/other");
    assert_eq!(path("~", Platform::Unix, "/home/me"), "/home/me");
    assert_eq!(path("~you/x", Platform::Unix, "/home/me"), "~you/x");
    assert_eq!(path("a/~/b", Platform::Unix, "/home/me"), "a/~/b");
    assert_eq!(path(r"~\x", Platform::Unix, "/home/me"), r"~\x");
    assert_eq!(path(r"~\x", Platform::Windows, r"C:\me"), r"C:\me\x");
    assert_eq!(path("~/x", Platform::Windows, r"C:\me"), r"C:\me/x");
}

#[test]
fn without_a_home_folder_only_a_full_path_is_known() {
    let found = resolve([("AWS_CONFIG_FILE", "~/config"), ("USERPROFILE", r"C:\me")], Platform::Unix);
    assert_eq!((found.config.path(), found.credentials.path()), (None, None));
    assert_eq!((found.config.variable(), found.credentials.variable()), (Some("AWS_CONFIG_FILE"), None));
    let found = resolve([("AWS_CONFIG_FILE", "/etc/aws"), ("HOMEDRIVE", "C:")], Platform::Windows);
    assert_eq!((found.config.path(), found.credentials.path()), (Some("/etc/aws"), None));
}

#[test]
fn a_blank_variable_is_unset() {
    let found = resolve([("HOME", "/"), ("AWS_CONFIG_FILE", " "), ("AWS_PROFILE", "")], Platform::Unix);
    assert_eq!(found.config.path(), Some("/.aws/config"));
    assert_eq!(found.profile, SelectedProfile::default());
}

#[test]
fn who_chose_the_profile_is_known() {
    let found = resolve([("AWS_DEFAULT_PROFILE", "b"), ("AWS_PROFILE", "a")], Platform::Unix).profile;
    assert_eq!((found.name(), found.choice()), ("a", ProfileChoice::Variable("AWS_PROFILE")));
    let found = resolve([("AWS_DEFAULT_PROFILE", "b")], Platform::Unix).profile;
    assert_eq!((found.name(), found.choice()), ("b", ProfileChoice::Variable("AWS_DEFAULT_PROFILE")));
    assert_eq!(SelectedProfile::explicit("c").choice(), ProfileChoice::Explicit);
    assert_eq!(SelectedProfile::default().choice(), ProfileChoice::Default);
}
