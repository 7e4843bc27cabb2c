//! Where a container's credentials may come from, with what token, and what may go wrong. AWS's own
//! cases for the URL are in `tests/`.

use std::sync::Mutex;

use super::ContainerCredentials;
use crate::error::describe;
use crate::seam::{HttpError, HttpErrorKind, HttpFn, MapEnv, MapFiles, Route, World};
use crate::{Credentials, CredentialsError, ErrorKind, ProvideCredentials};

const KEYS: &str =
    r#"{"AccessKeyId": "ASIA", "SecretAccessKey": "s", "Token": "t", "Expiration": "2021-08-16T20:52:53Z"}"#;
const FULL: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
const TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";

fn url(value: &str) -> Result<http::Uri, CredentialsError> {
    ContainerCredentials::new(&World::builder().with_env(MapEnv::from([(FULL, value)])).build()).url()
}

/// The `Authorization` that is sent.
async fn authorization(env: MapEnv, files: MapFiles) -> Result<Option<String>, CredentialsError> {
    let seen = std::sync::Arc::new(Mutex::new(None));
    let kept = std::sync::Arc::clone(&seen);
    let http = HttpFn::new(move |request, options| {
        assert_eq!(options.route, Route::Direct);
        let header = request.headers().get("authorization");
        assert!(header.is_none_or(http::HeaderValue::is_sensitive));
        *kept.lock().unwrap() = header.map(|value| value.to_str().unwrap().to_owned());
        Ok(http::Response::new(KEYS.into()))
    });
    let env = env.with(FULL, "http://169.254.170.23/v1/credentials");
    let world = World::builder().with_env(env).with_files(files).with_http(http).build();
    ContainerCredentials::new(&world).provide_credentials().await?;
    Ok(seen.lock().unwrap().take())
}

#[test]
fn without_tls_only_this_machine_and_the_agents_are_asked() {
    for good in [
        "http://127.0.0.9/",
        "http://[::1]:1234/",
        "http://LOCALHOST/",
        "https://example.com/x",
        "http://[fd00:ec2::23]/",
    ] {
        assert!(url(good).is_ok(), "{good}");
    }
    for bad in [
        "http://example.com/",
        "http://169.254.169.254/",
        "http://127.0.0.1.example.com/",
        "http://localhost.example.com/",
        "http://192.168.1.1/",
        "ftp://localhost/",
        "localhost",
        "http:///x",
        "http://169.254.170.2@example.com/",
    ] {
        assert_eq!(url(bad).unwrap_err().kind(), ErrorKind::InvalidConfiguration, "{bad}");
    }
}

#[tokio::test]
async fn the_token_file_comes_before_the_token() {
    let files = MapFiles::new().with("/token", "Bearer from-file\n");
    let both = MapEnv::from([(TOKEN, "from-env"), (TOKEN_FILE, "/token")]);
    assert_eq!(authorization(both, files).await.unwrap().as_deref(), Some("Bearer from-file"));
    let token = MapEnv::from([(TOKEN, "from-env")]);
    assert_eq!(authorization(token, MapFiles::new()).await.unwrap().as_deref(), Some("from-env"));
    assert_eq!(authorization(MapEnv::new(), MapFiles::new()).await.unwrap(), None);
}

#[tokio::test]
async fn a_token_that_is_missing_empty_or_would_add_headers_is_refused() {
    let file = MapEnv::from([(TOKEN_FILE, "/token")]);
    let error = authorization(file.clone(), MapFiles::new()).await.unwrap_err();
    assert!(describe(&error).contains("failed to read `/token`"), "{}", describe(&error));
    for content in ["", "a\r\nx-hidden: b"] {
        let error = authorization(file.clone(), MapFiles::new().with("/token", content)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
        assert!(error.to_string().contains(TOKEN_FILE), "{error}");
        assert!(!format!("{error:?}").contains("hidden"));
    }
}

/// What comes of these answers, in order.
async fn after(answers: Vec<Result<(u16, &'static str), HttpErrorKind>>) -> Result<Credentials, CredentialsError> {
    let answers = Mutex::new(answers.into_iter().rev().collect::<Vec<_>>());
    let http = HttpFn::new(move |_, _| match answers.lock().unwrap().pop().expect("no further request") {
        Ok((status, body)) => Ok(http::Response::builder().status(status).body(body.into()).unwrap()),
        Err(kind) => Err(HttpError::new(kind, "broken")),
    });
    let env = MapEnv::from([("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x")]);
    ContainerCredentials::new(&World::builder().with_env(env).with_http(http).build()).provide_credentials().await
}

#[tokio::test(start_paused = true)]
async fn trouble_is_outlasted_up_to_three_tries() {
    let keys = after(vec![Ok((500, "")), Ok((200, "{")), Ok((200, KEYS))]).await.unwrap();
    assert_eq!((keys.access_key_id(), keys.source()), ("ASIA", "Container"));
    let timeout = || Err(HttpErrorKind::Timeout);
    assert_eq!(after(vec![timeout(), timeout(), timeout()]).await.unwrap_err().kind(), ErrorKind::Timeout);
}

#[tokio::test]
async fn an_error_document_is_told_in_any_case_of_letters() {
    for (status, body) in [
        (403, r#"{"code": "AccessDenied", "message": "no\nrole"}"#),
        (400, r#"{"Code": "AccessDenied", "Message": "no role"}"#),
        (200, r#"{"Code": "AccessDenied", "Message": "no role", "LastUpdated": "2021-08-16T20:52:53Z"}"#),
    ] {
        let error = after(vec![Ok((status, body))]).await.unwrap_err();
        let told = format!("AccessDenied: no role (HTTP status {status})");
        assert!(describe(&error).contains(&told), "{}", describe(&error));
    }
}

#[tokio::test]
async fn an_error_document_does_not_show_the_token() {
    let http = HttpFn::new(|_, _| {
        let body = r#"{"code": "Bad hidden-token", "message": "no match for hidden-token"}"#;
        Ok(http::Response::builder().status(400).body(body.into()).unwrap())
    });
    let env = MapEnv::from([(FULL, "http://169.254.170.23/"), (TOKEN, "hidden-token")]);
    let world = World::builder().with_env(env).with_http(http).build();
    let error = ContainerCredentials::new(&world).provide_credentials().await.unwrap_err();
    assert!(!format!("{} {error:?}", describe(&error)).contains("hidden-token"), "{}", describe(&error));
    assert!(describe(&error).contains("no match for [hidden]"));
}

#[tokio::test]
async fn an_account_id_is_kept() {
    let body = r#"{"AccessKeyId": "ASIA", "SecretAccessKey": "s", "Token": "t", "AccountID": "123456789012",
                  "Expiration": "2021-08-16T20:52:53Z"}"#;
    assert_eq!(after(vec![Ok((200, body))]).await.unwrap().account_id(), Some("123456789012"));
}
