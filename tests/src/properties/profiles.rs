//! The grammar of AWS's shared files, and the chain of a profile.
//!
//! The input is the config file, a byte 0, and the credentials file.

use sagewire_credentials::profile::{FileKind, ProfileFile, ProfileSet, SelectedProfile, resolve_chain};

use super::Bound;

/// Names and values are kept once with their places, however many there are; the least is a section
/// of three bytes.
pub const BOUND: Bound = Bound::small(120, 400);

/// Reads both files and follows the chain of the selected profile.
pub fn read(input: &[u8]) {
    let mut parts = input.splitn(2, |byte| *byte == 0);
    let (config, credentials) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if let Ok(set) = parse(config, credentials) {
        let _ = resolve_chain(&set, set.selected_name());
    }
}

/// No panic; the same text reads the same, with the line ends of Windows too; a chain ends;
/// complaints are few; and neither an error nor `Debug` shows a secret of the files.
///
/// # Panics
/// Where this is not so.
pub fn check(input: &[u8]) {
    let mut parts = input.splitn(2, |byte| *byte == 0);
    let (config, credentials) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let read = parse(config, credentials);
    let again = parse(&with_crlf(config), &with_crlf(credentials));
    let ([shown, plain], [_, windows]) = (describe(&read), describe(&again));
    assert_eq!(plain, windows, "the line ends of Windows change what is read");

    let Ok(set) = read else { return };
    assert!(set.warnings().len() <= 100, "{} warnings", set.warnings().len());
    let names = set.profiles().map(|profile| profile.name().to_owned()).chain([set.selected_name().to_owned()]);
    let mut text = shown;
    for name in names.collect::<Vec<_>>() {
        let chain = resolve_chain(&set, &name);
        text.push_str(&format!("{chain:?}"));
        if let Err(error) = &chain {
            text.push_str(&error.to_string());
        }
    }
    for profile in set.profiles() {
        for key in ["aws_secret_access_key", "aws_session_token"] {
            let Some(secret) = profile.get(key) else { continue };
            // A short one, or one that stands elsewhere too, could be shown for another reason.
            if secret.len() >= 12 && count(config, secret) + count(credentials, secret) == 1 {
                assert!(!text.contains(secret), "{key} is shown");
            }
        }
    }
}

fn parse(config: &[u8], credentials: &[u8]) -> Result<ProfileSet, sagewire_credentials::profile::SyntaxError> {
    let files = [
        ProfileFile::new(FileKind::Config, "config", config),
        ProfileFile::new(FileKind::Credentials, "credentials", credentials),
    ];
    ProfileSet::parse(SelectedProfile::explicit("app"), &files)
}

/// What `Debug` shows, and every value with its place.
fn describe(read: &Result<ProfileSet, sagewire_credentials::profile::SyntaxError>) -> [String; 2] {
    match read {
        Err(error) => [format!("{error:?} {error}"), format!("{error}")],
        Ok(set) => {
            let properties = |section: &sagewire_credentials::profile::Section| {
                section
                    .properties()
                    .map(|(key, property)| format!("{key}={:?}@{}\n", property.value(), property.origin().line()))
                    .collect::<String>()
            };
            let profiles: String =
                set.profiles().map(|profile| format!("[{}]\n{}", profile.name(), properties(profile))).collect();
            let sessions: String =
                set.sso_sessions().map(|section| format!("[{}]\n{}", section.name(), properties(section))).collect();
            [format!("{set:?} {set:#?}"), format!("{profiles}{sessions}")]
        }
    }
}

fn with_crlf(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut before = 0;
    for byte in text {
        if *byte == b'\n' && before != b'\r' {
            out.push(b'\r');
        }
        out.push(*byte);
        before = *byte;
    }
    out
}

fn count(text: &[u8], part: &str) -> usize {
    String::from_utf8_lossy(text).matches(part).count()
}
