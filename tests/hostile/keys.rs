//! Keys that are nearly right, and how keys are compared.

use sagewire_proxy::KeyDigest;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use crate::setup::{MASTER, Setup, TEAM, bearer, question};

fn hex(key: &str) -> String {
    Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_key_that_only_looks_the_same_is_a_401_and_shown_nowhere() {
    let setup = Setup::start().await;
    let body = question("text").to_string();
    let digest = hex(MASTER);
    let near: Vec<String> = vec![
        MASTER.to_uppercase(),
        MASTER.replace('-', "\u{2010}"),
        MASTER.replace("sk", "ｓｋ"),
        MASTER.replace('4', "４"),
        MASTER.replace('k', "\u{212a}"),
        MASTER.replace('a', "\u{430}"),
        format!("{MASTER}\u{200b}"),
        format!("{MASTER}\u{a0}"),
        format!("\u{feff}{MASTER}"),
        format!("{MASTER}x"),
        MASTER.strip_suffix('1').unwrap().to_owned(),
        format!("{MASTER} {MASTER}"),
        format!("{MASTER},{TEAM}"),
        format!("\"{MASTER}\""),
        format!("Bearer {MASTER}"),
        "%73k-master-4711".to_owned(),
        // The digest in the configuration is not a key.
        digest.clone(),
        format!("sha256:{digest}"),
        "os.environ/MASTER_KEY".to_owned(),
        "null".to_owned(),
        "*".to_owned(),
        "x".repeat(50_000),
    ];
    for key in &near {
        for head in [bearer(key), format!("x-api-key: {key}\r\n"), format!("api-key: {key}\r\n")] {
            let answer = setup.send("POST /chat/completions", &head, body.as_bytes()).await;
            answer.is_refused(401, &json!("invalid_api_key"), &Value::Null);
            assert!(answer.head.contains("www-authenticate: bearer"), "{}", answer.head);
            let repeated = key.len() > 8 && String::from_utf8_lossy(&answer.body).contains(key.as_str());
            assert!(!repeated, "`{key}` is repeated");
        }
    }
    // A byte that no header may hold ends before there is a request.
    let answer = setup.send("POST /chat/completions", &bearer(&format!("{MASTER}\0")), body.as_bytes()).await;
    assert_eq!(answer.status, 400);
    assert!(setup.emulator.received().is_empty());
    // HTTP drops blanks at a value's ends: they are no part of the key.
    let answer = setup.send("POST /chat/completions", &bearer(&format!(" {MASTER} \t ")), body.as_bytes()).await;
    assert_eq!(answer.status, 200);
    let logs = setup.logs.text();
    for key in near.iter().filter(|key| key.len() > 8 && !key.starts_with("os.environ")) {
        assert!(!logs.contains(key.as_str()), "a key that was sent is in the log");
    }
    assert!(!logs.contains(MASTER) && !logs.contains(TEAM), "a key is in the log");
}

/// The time that a comparison takes tells nothing: keys of any length become 32 bytes first, these
/// are compared by `subtle`, and all of them always. What is asserted is the structure; no time is
/// measured.
#[test]
fn keys_are_hashed_and_then_compared_in_constant_time() {
    fn compares_in_constant_time<T: ConstantTimeEq>() {}
    compares_in_constant_time::<KeyDigest>();
    assert_eq!(size_of::<KeyDigest>(), size_of::<[u8; 32]>());
    assert!(bool::from(KeyDigest::of("a").ct_eq(&KeyDigest::of("a"))));
    assert!(!bool::from(KeyDigest::of("a").ct_eq(&KeyDigest::of(&"a".repeat(10_000)))));

    let source = include_str!("../../crates/proxy/src/callers/keyring.rs");
    let identify = source.split("fn identify").nth(1).and_then(|rest| rest.split("\n    }\n").next()).unwrap();
    assert!(identify.contains("KeyDigest::of(self.presented("), "what is presented is hashed before it is compared");
    assert_eq!(identify.matches(".ct_eq(&presented)").count(), 2, "the master key and each other key");
    let search =
        identify.split("for key in &self.keys").nth(1).and_then(|rest| rest.split("match found").next()).unwrap();
    assert!(!search.contains("break") && !search.contains("return"), "every key is compared, found or not");
    assert!(!identify.contains("== presented") && !identify.contains("presented =="), "no ordinary comparison");
}
