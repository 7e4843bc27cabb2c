use proptest::prelude::*;

use crate::profile::{FileKind, ProfileFile, ProfileSet, SelectedProfile, SyntaxError, SyntaxErrorKind, WarningKind};

const SIX_MB: usize = 6_000_000;

fn parse(config: &str, credentials: &str) -> Result<ProfileSet, SyntaxError> {
    // The credentials file comes first: which file wins must not depend on the order.
    let files = [
        ProfileFile::new(FileKind::Credentials, "~/.aws/credentials", credentials.as_bytes()),
        ProfileFile::new(FileKind::Config, "~/.aws/config", config.as_bytes()),
    ];
    ProfileSet::parse(SelectedProfile::default(), &files)
}

fn config(text: &str) -> ProfileSet {
    parse(text, "").unwrap()
}

#[test]
fn the_credentials_file_wins_and_both_places_are_known() {
    let set = parse("[profile a]\nregion = x\nkey = 1\n", "# one\n\n[a]\nKEY = 2\n").unwrap();
    let profile = set.get("a").unwrap();
    assert_eq!(profile.get("key"), Some("2"));
    assert_eq!(profile.get("Region"), Some("x"));
    assert_eq!(profile.property("key").unwrap().origin().to_string(), "~/.aws/credentials:4");
    assert_eq!(profile.property("region").unwrap().origin().to_string(), "~/.aws/config:2");
    assert_eq!((profile.origin().file(), profile.origin().line()), ("~/.aws/config", 1));
}

#[test]
fn an_indented_comment_is_a_comment() {
    let set = config("[default]\nregion = us-east-1\n  # region = eu-west-1\n\t; more\noutput = json\n");
    assert_eq!(set.selected().unwrap().get("region"), Some("us-east-1"));
    assert_eq!(set.selected().unwrap().get("output"), Some("json"));
}

#[test]
fn indented_lines_are_properties_unless_one_before_them_is_less_indented() {
    let set = config(
        "[profile a]\n  region = us-east-1\n\t output: json\n  [profile b]\n  region = x\n    y\n  key = 1\nlast = 2\n",
    );
    let (a, b) = (set.get("a").unwrap(), set.get("b").unwrap());
    assert_eq!((a.get("region"), a.get("output")), (Some("us-east-1"), Some("json")));
    assert_eq!((b.get("region"), b.get("key"), b.get("last")), (Some("x\ny"), Some("1"), Some("2")));
}

#[test]
fn the_first_separator_ends_the_name() {
    let set = config("[default]\nregion:us-east-1\na = b:c\nd: e = f\nurl=http://h:1/\n");
    let profile = set.selected().unwrap();
    let values = ["region", "a", "d", "url"].map(|key| profile.get(key).unwrap());
    assert_eq!(values, ["us-east-1", "b:c", "e = f", "http://h:1/"]);
}

#[test]
fn a_command_line_keeps_what_looks_like_a_comment() {
    let set = config("[default]\ncredential_process = keys --tag 'a # b' ; true\nregion = x # mine\n");
    let profile = set.selected().unwrap();
    assert_eq!(profile.get("credential_process"), Some("keys --tag 'a # b' ; true"));
    assert_eq!(profile.get("region"), Some("x"));
}

#[test]
fn names_of_sections_may_be_quoted_in_a_config_file() {
    let headers = [
        ("profile 'My Mac Pro'", "My Mac Pro"),
        (r#"profile "x""#, "x"),
        (r#"profile "a \"b\" \c""#, r#"a "b" \c"#),
        (r"profile a\ b", "a b"),
        ("profile  pre'fix 'ed", "prefix ed"),
        ("profile foo!bar", "foo!bar"),
        ("profile f\u{fc}r", "f\u{fc}r"),
    ];
    for (header, name) in headers {
        let set = config(&format!("[{header}] /* s3 */\nregion = us-east-1\n"));
        assert_eq!(set.get(name).and_then(|profile| profile.get("region")), Some("us-east-1"), "{header}");
    }
    for header in ["profile 'a", "profile a\\", "profile a b", "profile ''", "profile a\u{1b}b"] {
        let set = config(&format!("[{header}]\n"));
        assert!(set.is_empty(), "{header}");
        assert_eq!(set.warnings()[0].kind(), &WarningKind::InvalidSectionName, "{header}");
    }
    let set = parse("[sso-session 'my sso']\nsso_region = a\n", "[My Mac Pro]\nkey = 1\n['x']\n").unwrap();
    assert_eq!(set.sso_session("my sso").unwrap().get("sso_region"), Some("a"));
    assert!(set.get("My Mac Pro").is_some() && set.get("'x'").is_some());
}

#[test]
fn a_file_from_windows_is_read() {
    let set =
        config("\u{feff}[default]\r\nregion = us-east-1\r\n\r\nsts =\r\n  endpoint_url = http://a\r\n[profile b]\r");
    let profile = set.selected().unwrap();
    assert_eq!(profile.get("region"), Some("us-east-1"));
    assert_eq!(profile.sub("sts", "endpoint_url"), Some("http://a"));
    assert!(set.get("b").is_some());
}

#[test]
fn nested_properties_are_found_under_their_key_alone() {
    let set = config(
        "[services s]\nsts =\n  endpoint_url = http://sts\n  Endpoint_URL = http://last\nsagemaker_runtime =\n\n  a b = c=d\nplain = x\n  endpoint_url = y\n",
    );
    let services = set.services("s").unwrap();
    assert_eq!(services.sub("sts", "endpoint_url"), Some("http://last"));
    assert_eq!(services.sub("STS", "ENDPOINT_URL"), Some("http://last"));
    assert_eq!(services.sub("sagemaker_runtime", "a b"), Some("c=d"));
    assert_eq!(services.sub("sagemaker_runtime", "endpoint_url"), None);
    // A continued value is text, whatever it looks like.
    assert_eq!(services.sub("plain", "endpoint_url"), None);
    assert_eq!(services.get("plain"), Some("x\nendpoint_url = y"));
    assert!(set.get("s").is_none());
}

#[test]
fn an_empty_value_is_not_a_setting() {
    let set = config("[default]\nregion =\n");
    assert_eq!(set.selected().unwrap().get("region"), Some(""));
    assert_eq!(set.selected().unwrap().setting("region"), None);
}

#[test]
fn ignored_lines_are_reported() {
    let text = "[foo]\n[profile in valid]\n[sso-sesion x]\n[default]\nin valid = 1\n[profile default]\n[plugins]\n[profile ]\n[]\n";
    let set = parse(text, "[profile x]\n[]\n").unwrap();
    let found: Vec<_> =
        set.warnings().iter().map(|warning| (warning.origin().line(), warning.kind().clone())).collect();
    let expected = [
        (1, WarningKind::UnprefixedProfile { name: "foo".into() }),
        (2, WarningKind::InvalidSectionName),
        (3, WarningKind::UnknownSectionType { word: "sso-sesion".into() }),
        (5, WarningKind::InvalidPropertyName),
        (8, WarningKind::InvalidSectionName),
        (9, WarningKind::InvalidSectionName),
        (4, WarningKind::ShadowedDefault),
        (1, WarningKind::ConfigSectionInCredentials),
        (2, WarningKind::InvalidSectionName),
    ];
    assert_eq!(found, expected);
    assert_eq!(
        set.warnings().first().unwrap().to_string(),
        "~/.aws/config:1: section ignored: write [profile foo] in a config file"
    );
}

#[test]
fn an_error_names_the_file_the_line_and_what_to_do() {
    let error = parse("[default]\nregion = x\n\nnonsense\n", "").unwrap_err();
    assert_eq!((error.kind(), error.origin().line()), (SyntaxErrorKind::MissingSeparator, 4));
    assert_eq!(
        error.to_string(),
        "~/.aws/config:4: expected `name = value`; begin the line with `#` if it is a comment"
    );
    let nested = parse("[default]\nsts =\n  a = b\n  nonsense\n", "").unwrap_err();
    assert_eq!((nested.kind(), nested.origin().line()), (SyntaxErrorKind::NestedMissingEquals, 4));
}

#[test]
fn invalid_utf8_is_reported_with_its_line() {
    let file = ProfileFile::new(FileKind::Config, "config", b"[default]\nregion = us-east-1\nname = caf\xe9\n");
    let error = ProfileSet::parse(SelectedProfile::default(), &[file]).unwrap_err();
    assert_eq!((error.kind(), error.origin().line()), (SyntaxErrorKind::NotUtf8, 3));
}

#[test]
fn nothing_printed_holds_a_value_or_a_key() {
    // The parts of a session token that was broken over lines look like properties.
    let credentials =
        "[default]\naws_secret_access_key = s3cr3t\naws_session_token = t0k3n\nFwoG tok+en/part==\nplainTOKENpart=\n";
    let set = parse("", credentials).unwrap();
    let files = ProfileFile::new(FileKind::Credentials, "credentials", credentials.as_bytes());
    let property = set.selected().unwrap().property("aws_secret_access_key").unwrap();
    let broken = parse("", "[default]\ns3cr3t-alone\n").unwrap_err();
    for text in [
        format!("{set:?} {set:#?}"),
        format!("{files:?} {files:#?}"),
        format!("{property:?} {property:#?}"),
        format!("{broken} {broken:?}"),
        set.warnings().iter().map(ToString::to_string).collect(),
    ] {
        for hidden in ["s3cr3t", "t0k3n", "FwoG", "plaintoken", "plainTOKEN"] {
            assert!(!text.contains(hidden), "{hidden} is in {text}");
        }
    }
    assert_eq!(set.warnings().len(), 1, "the piece with a blank in it is not a name");
}

/// Six megabytes of one line, repeated. Each shape would take hours if any step looked again at
/// what came before it.
fn repeated(line: &str) -> String {
    line.repeat(SIX_MB / line.len())
}

fn stored(set: &ProfileSet) -> usize {
    let properties = set.profiles().flat_map(|profile| profile.properties());
    properties.map(|(key, property)| key.len() + property.value().len()).sum()
}

#[test]
fn six_megabytes_of_continuations_are_one_value() {
    let text = format!("[default]\nkey = value\n{}", repeated(" continued\n"));
    let set = config(&text);
    assert!(set.selected().unwrap().get("key").unwrap().len() > SIX_MB * 8 / 10);
    assert!(stored(&set) < text.len());
}

#[test]
fn six_megabytes_of_one_profile_are_one_profile() {
    let set = config(&repeated("[profile a]\nkey = value\nother = 2\n"));
    assert_eq!(set.profiles().count(), 1);
    assert_eq!(stored(&set), "keyvalueother2".len());
}

#[test]
fn six_megabytes_of_profiles_are_all_there() {
    let count = 150_000;
    let text: String = (0..count).map(|n| format!("[profile number-{n:07}]\nregion = us-east-1\n")).collect();
    let set = config(&text);
    assert_eq!(set.profiles().count(), count);
    assert_eq!(set.get("number-0149999").unwrap().get("region"), Some("us-east-1"));
    assert!(stored(&set) < text.len());
}

#[test]
fn six_megabytes_of_mistakes_leave_a_hundred_warnings() {
    let line = "[foo]\n";
    let set = config(&repeated(line));
    assert_eq!(set.warnings().len(), 100);
    assert_eq!(set.more_warnings(), SIX_MB / line.len() - 100);
    assert!(set.is_empty());
}

#[test]
fn six_megabytes_without_a_line_end_are_one_value() {
    let set = config(&format!("[default]\nkey = {}", repeated("x")));
    assert_eq!(set.selected().unwrap().get("key").unwrap().len(), SIX_MB);
}

proptest! {
    /// Whatever the bytes are, there is an answer, and every value in it was in the file.
    #[test]
    fn any_file_gives_an_answer(text in r"(\[?[a-z \t=#;\]\r\\é]{0,12}\n?){0,20}") {
        if let Ok(set) = parse(&text, &text) {
            prop_assert!(stored(&set) <= 2 * text.len());
            for (_, property) in set.profiles().flat_map(|profile| profile.properties()) {
                for line in property.value().lines() {
                    prop_assert!(text.contains(line));
                }
            }
        }
    }

    /// What is written in the plain form comes back as it was.
    #[test]
    fn plain_properties_come_back(values in prop::collection::btree_map("[a-z_]{1,10}", r"[!-~&&[^#;]]([ -~&&[^#;]]{0,20}[!-~&&[^#;]])?", 0..10)) {
        let lines: String = values.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        let set = config(&format!("[default]\n{lines}"));
        let read: std::collections::BTreeMap<_, _> = set.selected().unwrap().properties()
            .map(|(key, property)| (key.to_owned(), property.value().to_owned())).collect();
        prop_assert_eq!(read, values);
    }
}
