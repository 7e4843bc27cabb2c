use super::{RoleChain, resolve_chain};
use crate::profile::{BaseSource, FileKind, NamedSource, ProfileError, ProfileFile, ProfileSet, SelectedProfile};

fn set(config: &str) -> ProfileSet {
    let file = ProfileFile::new(FileKind::Config, "config", config.as_bytes());
    ProfileSet::parse(SelectedProfile::default(), &[file]).unwrap()
}

fn resolve(config: &str, name: &str) -> Result<RoleChain, ProfileError> {
    resolve_chain(&set(config), name)
}

fn error(config: &str, name: &str) -> ProfileError {
    resolve(config, name).unwrap_err()
}

#[test]
fn a_role_keeps_all_its_settings_and_its_place() {
    let chain = resolve(
        "[profile a]\nrole_arn = arn:aws:iam::1:role/a\nsource_profile = b\nexternal_id = ext\nrole_session_name = me\nduration_seconds = 3600\n\
         [profile b]\naws_access_key_id = id\naws_secret_access_key = key\naws_session_token = token\naws_account_id = 1\n",
        "a",
    )
    .unwrap();
    let [role] = chain.roles() else { panic!("{chain:?}") };
    assert_eq!(role.profile, "a");
    assert_eq!(role.external_id.as_deref(), Some("ext"));
    assert_eq!(role.session_name.as_deref(), Some("me"));
    assert_eq!(role.duration_seconds, Some(3600));
    assert_eq!(role.origin.to_string(), "config:2");
    assert_eq!(chain.base_profile(), "b");
    let BaseSource::Keys(keys) = chain.base() else { panic!("{chain:?}") };
    assert_eq!((keys.session_token(), keys.account_id(), keys.source()), (Some("token"), Some("1"), "Profile"));
}

#[test]
fn nothing_printed_holds_a_key_or_a_command() {
    let chains = [
        resolve(
            "[default]\naws_access_key_id = 1DENT\naws_secret_access_key = s3cr3t\naws_session_token = t0k3n\n",
            "default",
        ),
        resolve("[default]\ncredential_process = /bin/keys --password p4ss\n", "default"),
    ];
    for chain in chains.map(Result::unwrap) {
        let text = format!("{chain:?} {chain:#?}");
        for hidden in ["1DENT", "s3cr3t", "t0k3n", "p4ss"] {
            assert!(!text.contains(hidden), "{text}");
        }
    }
}

#[test]
fn each_single_source_is_found() {
    let base = |config: &str| resolve(config, "default").unwrap().base().clone();
    let process = base("[default]\ncredential_process = keys --now\naws_account_id = 12\n");
    let BaseSource::Process(process) = process else { panic!("{process:?}") };
    assert_eq!((process.command(), process.account_id()), ("keys --now", Some("12")));
    assert_eq!(process.origin().line(), 2);

    let login = base("[default]\nlogin_session = arn:aws:iam::1:user/me\n");
    assert_eq!(login, BaseSource::Login { session: "arn:aws:iam::1:user/me".into() });

    let named = base("[default]\ncredential_source = ecscontainer\n");
    assert_eq!(named, BaseSource::Named(NamedSource::EcsContainer));
}

#[test]
fn sources_in_one_profile_have_an_order() {
    // Each section states what the next one states, and one thing more that comes before it.
    let keys = "aws_access_key_id = id\naws_secret_access_key = key\n";
    let process = format!("credential_process = p\n{keys}");
    let login = format!("login_session = s\n{process}");
    let sso = format!("sso_start_url = u\nsso_region = r\nsso_account_id = 1\nsso_role_name = n\n{login}");
    let web = format!("role_arn = arn\nweb_identity_token_file = t\n{sso}");
    let base = |text: &str| resolve(&format!("[default]\n{text}"), "default").unwrap().base().clone();
    assert!(matches!(base(keys), BaseSource::Keys(_)));
    assert!(matches!(base(&process), BaseSource::Process(_)));
    assert!(matches!(base(&login), BaseSource::Login { .. }));
    assert!(matches!(base(&sso), BaseSource::Sso(_)));
    assert!(matches!(base(&web), BaseSource::WebIdentity(_)));
}

#[test]
fn a_profile_may_name_itself_only_with_keys() {
    let config = "[profile a]\nrole_arn = arn:aws:iam::1:role/a\nsource_profile = a\n";
    assert_eq!(error(config, "a"), ProfileError::SelfSourceWithoutKeys { name: "a".into() });
    let partial = format!("{config}aws_access_key_id = id\n");
    assert!(matches!(error(&partial, "a"), ProfileError::PartialKeys { missing: "aws_secret_access_key", .. }));
}

#[test]
fn a_circle_further_down_is_found() {
    let mut config = String::from("[profile p0]\nrole_arn = arn\nsource_profile = p1\n");
    for n in 1..=50 {
        let next = if n == 50 { 25 } else { n + 1 };
        config.push_str(&format!("[profile p{n}]\nrole_arn = arn\nsource_profile = p{next}\n"));
    }
    let ProfileError::Loop { path } = error(&config, "p0") else { panic!() };
    assert_eq!(path.first().unwrap(), "p0");
    assert_eq!(path.last().unwrap(), "p25");
}

#[test]
fn a_code_from_a_device_is_refused_where_a_role_needs_it() {
    let config = "[profile a]\nrole_arn = arn\nsource_profile = b\nmfa_serial = arn:aws:iam::1:mfa/me\n\
                  [profile b]\naws_access_key_id = id\naws_secret_access_key = key\nmfa_serial = arn:aws:iam::1:mfa/me\n";
    let refused = error(config, "a");
    assert!(matches!(&refused, ProfileError::MfaUnsupported { name, .. } if name == "a"));
    assert!(refused.to_string().contains("MFA") && refused.to_string().starts_with("config:4:"), "{refused}");
    assert!(!refused.is_not_configured());
    // Beside plain keys it is a note for other programs.
    assert!(matches!(resolve(config, "b").unwrap().base(), BaseSource::Keys(_)));
}

#[test]
fn wrong_values_are_refused_by_line_and_not_repeated() {
    let config = "[profile a]\nrole_arn = arn\nsource_profile = b\nduration_seconds = s3cr3t\n";
    let text = error(config, "a").to_string();
    assert!(text.contains("config:4") && text.contains("900 to 43200") && !text.contains("s3cr3t"), "{text}");

    let text = error("[profile a]\nrole_arn = arn\ncredential_source = s3cr3t\n", "a").to_string();
    assert!(text.contains("config:3") && text.contains("Ec2InstanceMetadata") && !text.contains("s3cr3t"), "{text}");
}

#[test]
fn an_unknown_profile_is_answered_with_the_known_ones() {
    let config: String = (0..20).map(|n| format!("[profile p{n:02}]\n")).collect();
    let text = error(&config, "missing").to_string();
    assert!(text.contains("`missing`") && text.contains("p00, p01") && text.ends_with("12 more"), "{text}");
}

#[test]
fn only_what_is_merely_absent_lets_a_chain_go_on() {
    assert!(error("", "any").is_not_configured());
    assert!(error("[profile a]\n", "default").is_not_configured());
    assert!(error("[default]\nregion = x\n", "default").is_not_configured());
    assert!(!error("[profile a]\n", "b").is_not_configured());
    assert!(!error("[profile a]\nrole_arn = arn\nsource_profile = b\n[profile b]\n", "a").is_not_configured());
    assert!(!error("[default]\naws_access_key_id = id\n", "default").is_not_configured());
}

#[test]
fn a_session_says_what_the_profile_may_only_repeat() {
    let session = "[sso-session s]\nsso_region = eu-west-1\nsso_start_url = https://x\n";
    let with = |lines: &str| resolve(&format!("{session}[default]\nsso_session = s\n{lines}"), "default");
    let role = "sso_account_id = 1\nsso_role_name = n\n";

    let BaseSource::Sso(sso) = with(&format!("{role}sso_region = eu-west-1\n")).unwrap().base().clone() else {
        panic!()
    };
    assert_eq!(
        (sso.session.as_deref(), sso.region.as_str(), sso.start_url.as_str()),
        (Some("s"), "eu-west-1", "https://x")
    );
    assert_eq!(sso.role.unwrap().account_id, "1");

    let conflict = with(&format!("{role}sso_region = us-east-1\n")).unwrap_err();
    assert!(matches!(conflict, ProfileError::SsoConflict { key: "sso_region", .. }), "{conflict:?}");
    let half = with("sso_role_name = n\n").unwrap_err();
    assert!(matches!(half, ProfileError::IncompleteSso { missing: "sso_account_id", .. }), "{half:?}");
}

#[test]
fn the_older_sso_form_needs_all_four_settings() {
    let missing = |lines: &str| match error(&format!("[default]\n{lines}"), "default") {
        ProfileError::IncompleteSso { missing, .. } => missing,
        other => panic!("{other:?}"),
    };
    let role = "sso_account_id = 1\nsso_role_name = n\n";
    assert_eq!(missing(&format!("{role}sso_region = r\n")), "sso_start_url");
    assert_eq!(missing(&format!("{role}sso_start_url = u\n")), "sso_region");
    assert_eq!(missing("sso_region = r\nsso_start_url = u\n"), "sso_account_id");
}

#[test]
fn a_blank_setting_is_no_setting() {
    let config = "[default]\nrole_arn =\nsource_profile = \ncredential_process =\naws_access_key_id = id\naws_secret_access_key = key\n";
    assert!(matches!(resolve(config, "default").unwrap().base(), BaseSource::Keys(_)));
}
