//! A sign-in that is valid, is renewed, cannot be renewed, or is missing; and the exchange of it.

use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;

use crate::error::describe;
use crate::seam::{FixedClock, HttpFn, MapEnv, MapFiles, World};
use crate::{Credentials, CredentialsError, ErrorKind, ProfileCredentials, ProvideCredentials};

/// Named after the SHA-1 of `corp`.
const SESSION_FILE: &str = "/h/.aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";
/// Named after the SHA-1 of the start URL.
const URL_FILE: &str = "/h/.aws/sso/cache/a51746d4aa793ae07b25e90c3a5db96fc7832bd7.json";
const SESSION: &str = "[default]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Dev Role\nregion = us-east-1\n\
    [sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.awsapps.com/start\n";
const LEGACY: &str = "[default]\nsso_account_id = 123456789012\nsso_role_name = Dev Role\nsso_region = eu-west-1\n\
    sso_start_url = https://corp.awsapps.com/start\n";

/// The cached sign-in; it is now 20:00:00 on 16 August 2021.
fn cached(expires: &str) -> String {
    format!(
        r#"{{"accessToken": "old-access", "expiresAt": "2021-08-16T{expires}Z", "refreshToken": "old-refresh", "clientId": "client",
            "clientSecret": "client-secret", "registrationExpiresAt": "2021-09-16T00:00:00Z", "region": "eu-west-1", "other": [1]}}"#
    )
}

struct Home {
    files: MapFiles,
    requests: Arc<Mutex<Vec<String>>>,
    world: World,
}

/// A home with this config and this sign-in, and an Identity Center that answers renewals with
/// `renewal`.
fn home(config: &str, file: &str, token: &str, renewal: (u16, &'static str)) -> Home {
    let files = MapFiles::new().with("/h/.aws/config", config).with(file, token);
    let requests = Arc::<Mutex<Vec<String>>>::default();
    let kept = Arc::clone(&requests);
    let http = HttpFn::new(move |request, _| {
        let (parts, body) = request.into_parts();
        let bearer = parts.headers.get("x-amz-sso_bearer_token").map_or("", |token| token.to_str().unwrap());
        let body = String::from_utf8(body.to_vec()).unwrap();
        kept.lock().unwrap().push(format!("{} {} {bearer}{body}", parts.method, parts.uri));
        let (status, body) = match (parts.uri.path(), bearer) {
            ("/token", _) => renewal,
            (_, "revoked") => (401, r#"{"message": "Session token not found or invalid"}"#),
            _ => (
                200,
                r#"{"roleCredentials": {"accessKeyId": "ASIA", "secretAccessKey": "s", "sessionToken": "t", "expiration": 1629147173000}}"#,
            ),
        };
        Ok(http::Response::builder().status(status).body(body.into()).unwrap())
    });
    let world = World::builder()
        .with_env(MapEnv::from([("HOME", "/h")]))
        .with_files(files.clone())
        .with_http(http)
        .with_clock(FixedClock(UNIX_EPOCH + Duration::from_secs(1_629_144_000)))
        .build();
    Home { files, requests, world }
}

impl Home {
    async fn load(&self) -> Result<Credentials, CredentialsError> {
        ProfileCredentials::new(&self.world).provide_credentials().await
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

const RENEWED: (u16, &str) =
    (200, r#"{"accessToken": "new-access", "expiresIn": 28800, "refreshToken": "new-refresh", "tokenType": "Bearer"}"#);
const REFUSED: (u16, &str) = (400, r#"{"error": "invalid_grant", "error_description": "about old-refresh"}"#);

#[tokio::test]
async fn a_valid_sign_in_is_exchanged_in_the_sign_ins_region() {
    for (config, file) in [(SESSION, SESSION_FILE), (LEGACY, URL_FILE)] {
        let home = home(config, file, &cached("20:30:00"), REFUSED);
        let keys = home.load().await.unwrap();
        assert_eq!((keys.access_key_id(), keys.account_id(), keys.source()), ("ASIA", Some("123456789012"), "Sso"));
        assert_eq!(keys.expiry(), Some(UNIX_EPOCH + Duration::from_secs(1_629_147_173)));
        let url = "https://portal.sso.eu-west-1.amazonaws.com/federation/credentials?account_id=123456789012&role_name=Dev%20Role";
        assert_eq!(home.requests(), [format!("GET {url} old-access")]);
    }
}

#[tokio::test]
async fn a_sign_in_about_to_run_out_is_renewed_and_saved_with_all_else_in_the_file() {
    let home = home(SESSION, SESSION_FILE, &cached("20:04:00"), RENEWED);
    home.load().await.unwrap();
    let requests = home.requests();
    assert_eq!(
        requests[0],
        r#"POST https://oidc.eu-west-1.amazonaws.com/token {"clientId":"client","clientSecret":"client-secret","grantType":"refresh_token","refreshToken":"old-refresh"}"#
    );
    assert!(requests[1].ends_with(" new-access"), "{requests:?}");
    let saved: Value = serde_json::from_slice(&home.files.get(SESSION_FILE).unwrap()).unwrap();
    assert_eq!(saved["accessToken"], "new-access");
    assert_eq!(saved["refreshToken"], "new-refresh");
    assert_eq!(saved["expiresAt"], "2021-08-17T04:00:00Z");
    assert_eq!((&saved["clientSecret"], &saved["other"][0]), (&Value::from("client-secret"), &Value::from(1)));
    home.load().await.unwrap();
    assert_eq!(home.requests().len(), 3, "the saved sign-in is used");
}

#[tokio::test]
async fn a_refused_renewal_leaves_a_valid_sign_in_in_use() {
    let home = home(SESSION, SESSION_FILE, &cached("20:04:00"), REFUSED);
    home.load().await.unwrap();
    assert!(home.requests()[1].ends_with(" old-access"));
}

#[tokio::test]
async fn a_sign_in_that_ran_out_says_what_to_run() {
    let home_of = |config, file, token: &str| home(config, file, token, REFUSED);
    let error = home_of(SESSION, SESSION_FILE, &cached("19:59:59")).load().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Provider);
    assert!(error.to_string().contains("`aws sso login --sso-session corp`"), "{error}");
    let text = format!("{} {error:?}", describe(&error));
    assert!(text.contains("invalid_grant") && !text.contains("old-refresh"), "{text}");

    // Without a session, and with a registration that ran out, there is nothing to renew with.
    let old_registration = cached("19:59:59").replace("2021-09-16", "2021-08-15");
    for (config, file, token) in [(LEGACY, URL_FILE, cached("19:59:59")), (SESSION, SESSION_FILE, old_registration)] {
        let home = home_of(config, file, &token);
        let error = home.load().await.unwrap_err();
        assert!(error.to_string().contains("aws sso login"), "{error}");
        assert!(home.requests().is_empty());
    }
}

#[tokio::test]
async fn a_sign_in_that_another_program_renewed_meanwhile_is_used() {
    let home = home(SESSION, SESSION_FILE, &cached("19:59:59"), REFUSED);
    let newer = cached("23:00:00").replace("old-access", "their-access");
    let (files, inner) = (home.files.clone(), Arc::clone(home.world.http()));
    let world = home.world.to_builder().with_http(Meanwhile { files, newer, inner }).build();
    ProfileCredentials::new(&world).provide_credentials().await.unwrap();
    assert!(home.requests()[1].ends_with(" their-access"));
}

/// Another program renews the sign-in just before each request arrives.
#[derive(Debug)]
struct Meanwhile {
    files: MapFiles,
    newer: String,
    inner: Arc<dyn crate::seam::HttpClient>,
}

#[async_trait::async_trait]
impl crate::seam::HttpClient for Meanwhile {
    async fn send(
        &self,
        request: http::Request<bytes::Bytes>,
        options: &crate::seam::RequestOptions,
    ) -> Result<http::Response<bytes::Bytes>, crate::seam::HttpError> {
        self.files.insert(SESSION_FILE, self.newer.clone());
        self.inner.send(request, options).await
    }
}

#[tokio::test]
async fn a_revoked_or_broken_sign_in_says_what_to_run_and_shows_nothing() {
    let revoked = cached("20:30:00").replace("old-access", "revoked");
    let error = home(SESSION, SESSION_FILE, &revoked, REFUSED).load().await.unwrap_err();
    assert!(error.to_string().contains("no longer valid, run `aws sso login"), "{error}");

    for token in ["{\"accessToken\": \"hidden\"", "{}", &cached("20:30:00").replace("2021-08-16T", "hidden")] {
        let error = home(SESSION, SESSION_FILE, token, REFUSED).load().await.unwrap_err();
        assert!(error.to_string().contains("run `aws sso login"), "{error}");
        assert!(!format!("{error:?}").contains("hidden"));
    }
    let error = home(SESSION, "/elsewhere", "", REFUSED).load().await.unwrap_err();
    assert!(describe(&error).contains(SESSION_FILE), "{}", describe(&error));
}

#[tokio::test]
async fn a_session_without_a_role_has_no_credentials() {
    let config = SESSION.replace("sso_account_id = 123456789012\nsso_role_name = Dev Role\n", "");
    let error = home(&config, SESSION_FILE, &cached("20:30:00"), REFUSED).load().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
    assert!(error.to_string().contains("sso_account_id"), "{error}");
}
