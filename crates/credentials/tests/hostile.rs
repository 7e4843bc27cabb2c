//! Things that go wrong on a real machine: files deleted, unreadable or huge, processes that hang,
//! shout or print garbage, services that never answer, clocks that are wrong. Each ends with a
//! clear error, soon, and with no secret in it.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sagewire_credentials::seam::{FixedClock, MapEnv, SystemFiles, SystemHttp, SystemProcesses, World};
use sagewire_credentials::{
    CachedProvider, CredentialsError, DefaultChain, ErrorKind, ProcessCredentials, ProvideCredentials, SharedConfig,
};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A home folder with a config file.
struct Home(TempDir);

impl Home {
    fn new(config: &str) -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        fs::create_dir(home.path(".aws")).unwrap();
        fs::write(home.path(".aws/config"), config).unwrap();
        home
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    fn env(&self) -> MapEnv {
        let home = self.0.path().to_str().unwrap();
        MapEnv::from([("HOME", home), ("AWS_REGION", "eu-west-1"), ("AWS_EC2_METADATA_DISABLED", "true")])
    }
}

/// Real files, processes and network over a given environment.
fn world(env: MapEnv) -> World {
    World::builder()
        .with_http(SystemHttp::new(env.clone()))
        .with_env(env)
        .with_files(SystemFiles)
        .with_processes(SystemProcesses)
        .build()
}

async fn failure(env: MapEnv) -> CredentialsError {
    DefaultChain::new(&world(env)).provide_credentials().await.unwrap_err()
}

/// The error and everything behind it.
fn whole(error: &CredentialsError) -> String {
    let mut text = format!("{error} {error:?}");
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

#[tokio::test]
async fn a_token_file_that_is_deleted_a_folder_or_empty() {
    let home = Home::new("");
    let token = home.path("token");
    let env = home
        .env()
        .with("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/app")
        .with("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap());
    let path = token.display().to_string();

    let deleted = failure(env.clone()).await;
    assert_eq!(deleted.kind(), ErrorKind::InvalidConfiguration);
    assert!(whole(&deleted).contains(&format!("`{path}`: No such file")), "{}", whole(&deleted));

    // A folder stands for every file that is there and cannot be read: permissions do not stop
    // root, who runs tests in containers.
    fs::create_dir(&token).unwrap();
    let unreadable = failure(env.clone()).await;
    assert!(whole(&unreadable).contains(&path), "{}", whole(&unreadable));

    fs::remove_dir(&token).unwrap();
    fs::write(&token, "").unwrap();
    let empty = failure(env).await;
    assert!(whole(&empty).contains(&format!("`{path}` is empty")), "{}", whole(&empty));
}

#[tokio::test]
async fn a_profile_that_names_itself() {
    let home = Home::new("[default]\nrole_arn = arn:aws:iam::123456789012:role/app\nsource_profile = default\n");
    let error = failure(home.env()).await;
    assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
    assert!(whole(&error).contains("is its own `source_profile`"), "{}", whole(&error));
}

#[tokio::test]
async fn a_config_file_of_six_megabytes() {
    let mut config = "[profile filler]\n".to_owned();
    config.push_str(&"key = a value of no importance\n".repeat(200_000));
    config.push_str("[default]\naws_access_key_id = last\naws_secret_access_key = s\n");
    assert!(config.len() > 6_000_000);
    let home = Home::new(&config);
    let keys = DefaultChain::new(&world(home.env())).provide_credentials().await.unwrap();
    assert_eq!(keys.access_key_id(), "last");
}

#[tokio::test]
async fn a_config_file_without_end() {
    let config = SharedConfig::load(&world(MapEnv::from([("AWS_CONFIG_FILE", "/dev/zero")])), None).await;
    let text = whole(&config.problems().next().unwrap());
    assert!(text.contains("not a regular file"), "{text}");
}

#[tokio::test]
async fn a_process_that_shouts_fails_or_prints_garbage() {
    for (command, word) in [
        ("echo hidden >&2; echo hidden; exit 7", "exit code 7"),
        ("echo hidden >&2; echo '{\"Version\": 1, \"AccessKeyId\": \"hidden\"'", "line 2"),
        ("head -c 4096 /dev/urandom", "invalid output"),
        ("exec yes hidden", "more than"),
        ("exec /no/such/program --token hidden 2>/dev/null", "exit code"),
    ] {
        let home = Home::new(&format!("[default]\ncredential_process = {command}\n"));
        let error = failure(home.env()).await;
        assert_eq!(error.kind(), ErrorKind::Provider, "{command}");
        let text = whole(&error);
        assert!(text.contains(word) && !text.contains("hidden"), "{text}");
    }
}

#[tokio::test]
async fn a_process_that_hangs_is_ended() {
    let source = ProcessCredentials::new(&world(MapEnv::new()), "echo hidden >&2; exec sleep 600");
    let error = source.with_timeout(Duration::from_millis(10)).provide_credentials().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(!whole(&error).contains("hidden"));
}

#[tokio::test]
async fn a_process_that_speaks_the_truth() {
    let home = Home::new(
        "[default]\ncredential_process = printf '{\"Version\": 1, \"AccessKeyId\": \"%s\", \"SecretAccessKey\": \"s\"}' \"it's me\"\n",
    );
    let keys = DefaultChain::new(&world(home.env())).provide_credentials().await.unwrap();
    assert_eq!(keys.access_key_id(), "it's me");
}

/// A server on this machine that gives `answer` to each connection.
async fn server(answer: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 8192];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    format!("http://{address}")
}

fn http(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

const ROLE: &str = "[default]\nrole_arn = arn:aws:iam::123456789012:role/app\nsource_profile = keys\n[profile keys]\n\
    aws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = hidden\n";

#[tokio::test]
async fn a_clock_an_hour_off_is_named_with_the_difference() {
    let refusal = "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code>\
        <Message>Signature expired: 20210816T185253Z is now earlier than 20210816T194753Z</Message></Error></ErrorResponse>";
    let url = server(http("403 Forbidden", "date: Mon, 16 Aug 2021 19:52:53 GMT\r\n", refusal)).await;
    let home = Home::new(ROLE);
    for (now, word) in [(1_629_139_973, "60 minutes behind AWS's"), (1_629_147_173, "60 minutes ahead of AWS's")] {
        let world =
            world(home.env().with("AWS_ENDPOINT_URL_STS", &url)).to_builder().with_clock(FixedClock(at(now))).build();
        let error = DefaultChain::new(&world).provide_credentials().await.unwrap_err();
        let text = whole(&error);
        assert!(text.contains(word) && !text.contains("hidden"), "{text}");
    }
}

#[tokio::test]
async fn credentials_that_a_wrong_clock_makes_look_expired_are_told_so() {
    let keys =
        r#"{"Version": 1, "AccessKeyId": "id", "SecretAccessKey": "hidden", "Expiration": "2021-08-16T19:52:53Z"}"#;
    let home = Home::new(&format!("[default]\ncredential_process = echo '{keys}'\n"));
    let world = world(home.env()).to_builder().with_clock(FixedClock(at(1_629_147_173))).build();
    let cached = CachedProvider::new(&world, Arc::new(DefaultChain::new(&world)));
    let error = cached.provide_credentials().await.unwrap_err();
    let text = whole(&error);
    assert!(text.contains("2021-08-16T19:52:53Z") && text.contains("correct the clock"), "{text}");
    assert!(!text.contains("hidden"));
}

#[tokio::test]
async fn a_page_in_place_of_xml_is_an_error_that_shows_none_of_it() {
    let home = Home::new(ROLE);
    let url = server(http("400 Bad Request", "", "<html><body>hidden<br></body>")).await;
    let error = failure(home.env().with("AWS_ENDPOINT_URL_STS", &url)).await;
    let text = whole(&error);
    assert!(text.contains("HTTP status 400") && !text.contains("hidden"), "{text}");
}

#[tokio::test]
async fn requests_to_the_metadata_service_never_go_through_a_proxy() {
    let imds = server(http("403 Forbidden", "", "")).await;
    let proxy = server(http("200 OK", "", "from-the-proxy")).await;
    let home = Home::new("");
    let env = home
        .env()
        .with("AWS_EC2_METADATA_DISABLED", "false")
        .with("AWS_EC2_METADATA_SERVICE_ENDPOINT", &imds)
        .with("HTTP_PROXY", &proxy)
        .with("ALL_PROXY", &proxy);
    let error = failure(env).await;
    assert!(whole(&error).contains("hop limit"), "the service itself refused: {}", whole(&error));
    assert_eq!(error.attempts()[4].source, "InstanceMetadata");
}
