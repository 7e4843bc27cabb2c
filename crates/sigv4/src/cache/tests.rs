//! The cache: exact look-up, the bound, what is given up, and days.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::*;
use crate::{SigningParams, SigningSettings};

const DAY: Duration = Duration::from_secs(86_400);

fn noon() -> SystemTime {
    UNIX_EPOCH + 20_000 * DAY + DAY / 2
}

fn params<'a>(id: &'a str, secret: &'a str) -> SigningParams<'a> {
    SigningParams {
        access_key_id: id,
        secret_access_key: secret,
        session_token: None,
        region: "us-east-1",
        service: "sagemaker",
        time: noon(),
        settings: SigningSettings::default(),
    }
}

/// Signs through the cache, and checks the result beside a key derived afresh.
fn sign(cache: &KeyCache, params: &SigningParams<'_>) {
    let scope = Scope::new(params).unwrap();
    assert_eq!(cache.sign(&scope, "text"), SigningKey::derive(&scope).sign("text"));
}

fn holds(cache: &KeyCache, params: &SigningParams<'_>) -> bool {
    cache.keys.read().unwrap().find(&Scope::new(params).unwrap()).is_some()
}

#[test]
fn one_key_per_credential_day_region_and_service() {
    let cache = KeyCache::default();
    let first = params("AKIDEXAMPLE", "secret");
    for variant in [
        first.clone(),
        first.clone(),
        SigningParams { time: noon() + Duration::from_secs(1), ..first.clone() },
        SigningParams { session_token: Some("token"), ..first.clone() },
    ] {
        sign(&cache, &variant);
        assert_eq!(cache.len(), 1);
    }
    for (count, variant) in [
        SigningParams { access_key_id: "BKIDEXAMPLE", ..first.clone() },
        SigningParams { secret_access_key: "Secret", ..first.clone() },
        SigningParams { secret_access_key: "secret2", ..first.clone() },
        SigningParams { region: "us-east-2", ..first.clone() },
        SigningParams { service: "sts", ..first.clone() },
        SigningParams { time: noon() + DAY, ..first.clone() },
        SigningParams { time: noon() - DAY, ..first.clone() },
    ]
    .iter()
    .enumerate()
    {
        sign(&cache, variant);
        assert!(holds(&cache, variant));
        // The last comes two days before another, which then goes.
        assert_eq!(cache.len(), if count == 6 { count + 1 } else { count + 2 });
    }
}

/// The parts are compared one by one: moving a letter from one to the next is another key.
#[test]
fn parts_do_not_run_into_each_other() {
    let cache = KeyCache::default();
    for (region, service) in [("ab", "c"), ("a", "bc"), ("abc", "d"), ("c", "ab")] {
        sign(&cache, &SigningParams { region, service, ..params("AKID", "secret") });
    }
    assert_eq!(cache.len(), 4);
}

#[test]
fn a_secret_that_changes_back_and_forth_is_never_mixed_up() {
    let cache = KeyCache::default();
    for round in 0..10 {
        sign(&cache, &params("AKID", if round % 2 == 0 { "old" } else { "new" }));
    }
    assert_eq!(cache.len(), 2);
}

#[test]
fn keys_of_days_gone_by_are_dropped() {
    let cache = KeyCache::default();
    let at = |days| SigningParams { time: noon() + days * DAY, ..params("AKID", "secret") };
    sign(&cache, &at(0));
    sign(&cache, &at(1));
    assert!(holds(&cache, &at(0)));
    sign(&cache, &at(2));
    assert!(!holds(&cache, &at(0)) && holds(&cache, &at(1)) && holds(&cache, &at(2)));
    sign(&cache, &at(300));
    assert_eq!(cache.len(), 1);
}

#[test]
fn a_full_cache_gives_up_a_key_that_was_not_used() {
    let ids: Vec<_> = (0..3 * CAPACITY).map(|number| format!("AKID{number:08}")).collect();
    let cache = KeyCache::default();
    for id in ids.iter().take(CAPACITY) {
        sign(&cache, &params(id, "secret"));
    }
    assert_eq!(cache.len(), CAPACITY);
    // All were used, so the sweep clears every mark and takes the first.
    sign(&cache, &params(&ids[CAPACITY], "secret"));
    assert!(!holds(&cache, &params(&ids[0], "secret")));

    // From now on one is used between any two newcomers, and outlives them all.
    let favourite = params(&ids[CAPACITY / 2], "secret");
    for id in &ids[CAPACITY + 1..] {
        sign(&cache, &favourite);
        sign(&cache, &params(id, "secret"));
        assert!(holds(&cache, &favourite));
        assert_eq!(cache.len(), CAPACITY);
    }
    assert!(!holds(&cache, &params(&ids[1], "secret")));
}

#[test]
fn many_threads_at_once() {
    let cache = KeyCache::default();
    let ids: Vec<_> = (0..CAPACITY + 8).map(|number| format!("AKID{number}")).collect();
    std::thread::scope(|threads| {
        for offset in 0..4 {
            let (cache, ids) = (&cache, &ids);
            threads.spawn(move || {
                for round in 0..400 {
                    let number = (offset * 17 + round * 7) % ids.len();
                    sign(cache, &params(&ids[number], if round % 3 == 0 { "one" } else { "two" }));
                }
            });
        }
    });
    assert_eq!(cache.len(), CAPACITY);
}

#[test]
fn a_panic_elsewhere_does_not_stop_signing() {
    let cache = KeyCache::default();
    sign(&cache, &params("AKID", "secret"));
    std::thread::scope(|threads| {
        let poisoner = threads.spawn(|| {
            let _held = cache.keys.write().unwrap();
            panic!("poison the lock");
        });
        assert!(poisoner.join().is_err());
    });
    assert!(cache.keys.is_poisoned());
    sign(&cache, &params("AKID", "secret"));
    sign(&cache, &params("BKID", "secret"));
    assert_eq!(cache.len(), 2);
}

#[test]
fn secrets_compare_exactly() {
    assert!(same_secret(b"abc", b"abc"));
    for other in [b"abd".as_slice(), b"Abc", b"ab", b"abcd", b""] {
        assert!(!same_secret(b"abc", other));
    }
}
