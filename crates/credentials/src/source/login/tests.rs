//! A sign-in that is there, ran out, is broken, or is missing.

use std::time::{Duration, UNIX_EPOCH};

use super::LoginCredentials;
use crate::error::describe;
use crate::seam::{FixedClock, MapEnv, MapFiles, World};
use crate::{Credentials, CredentialsError, ErrorKind, ProvideCredentials};

const SESSION: &str = "arn:aws:sts::123456789012:assumed-role/Admin/me";
/// SHA-256 of the session.
const FILE: &str = "c03a7323bda916bba892295dd46ea73c98866a0ad0a2606cb839909f35fbc865.json";

async fn read(env: MapEnv, files: MapFiles) -> Result<Credentials, CredentialsError> {
    // 2021-08-16T20:00:00Z.
    let now = FixedClock(UNIX_EPOCH + Duration::from_secs(1_629_144_000));
    let world = World::builder().with_env(env.with("HOME", "/h")).with_files(files).with_clock(now).build();
    LoginCredentials::new(&world, format!(" {SESSION} ")).provide_credentials().await
}

fn cache(expires_at: &str) -> String {
    format!(
        r#"{{"accessToken": {{"accessKeyId": "ASIA", "secretAccessKey": "hidden", "sessionToken": "hidden",
            "accountId": "123456789012", "expiresAt": "{expires_at}"}}, "refreshToken": "hidden", "dpopKey": "hidden"}}"#
    )
}

#[tokio::test]
async fn gives_a_valid_sign_in() {
    let files = MapFiles::new().with(format!("/h/.aws/login/cache/{FILE}"), cache("2021-08-16T20:52:53Z"));
    let keys = read(MapEnv::new(), files).await.unwrap();
    assert_eq!((keys.access_key_id(), keys.account_id(), keys.source()), ("ASIA", Some("123456789012"), "Login"));

    let files = MapFiles::new().with(format!("/elsewhere/{FILE}"), cache("2021-08-16T20:52:53Z"));
    assert!(read(MapEnv::from([("AWS_LOGIN_CACHE_DIRECTORY", "/elsewhere")]), files).await.is_ok());
}

#[tokio::test]
async fn anything_else_says_to_sign_in() {
    let broken = cache("2021-08-16T20:52:53Z").replace("accessKeyId", "other");
    for (content, word) in [
        (cache("2021-08-16T19:52:53Z"), "expired at 2021-08-16T19:52:53Z"),
        (cache("soon"), "invalid `expiresAt`"),
        (broken, "is invalid"),
        ("{hidden".to_owned(), "is invalid"),
    ] {
        let files = MapFiles::new().with(format!("/h/.aws/login/cache/{FILE}"), content);
        let error = read(MapEnv::new(), files).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Provider);
        assert!(error.to_string().contains(word) && error.to_string().contains("`aws login`"), "{error}");
        assert!(!format!("{error:?}").contains("hidden"));
    }
    let error = read(MapEnv::new(), MapFiles::new()).await.unwrap_err();
    assert!(describe(&error).contains("failed to read `/h/.aws/login/cache/"), "{}", describe(&error));
}
