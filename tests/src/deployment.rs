//! A whole deployment of the proxy in which every secret is a known string.
//!
//! Owns the strings, the files, variables and services that hold them, and the search of outputs
//! for them.

use std::{
    fmt, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use sagewire::credentials::seam::{MapEnv, World};
use sagewire_emulator::{ContainerCredentials, Emulator, Role};
use sagewire_proxy::Config;
use serde_json::json;
use tokio::net::TcpStream;

use crate::canary::found_in;

const ROLE: &str = "arn:aws:iam::123456789012:role/app";
/// A secret access key of the configuration.
pub const STATIC_SECRET: &str = "canary/static-secret+0001/abcdefghij";
/// Its session token.
pub const STATIC_TOKEN: &str = "canary-static-session-token-0002";
const PROCESS_SECRET: &str = "canary/process-secret+0003/abcdefghij";
const PROCESS_TOKEN: &str = "canary-process-session-token-0004";
/// The proxy's master key.
pub const MASTER_KEY: &str = "sk-canary-master-key-0005";
/// A caller's key.
pub const CALLER_KEY: &str = "sk-canary-caller-key-0006";
/// A key that opens nothing.
pub const WRONG_KEY: &str = "sk-canary-wrong-key-0007";
const HUB_TOKEN: &str = "hf_canaryhubtoken0008";
const CONTAINER_TOKEN: &str = "canary-container-authorization-0009";
/// In the payload of a web identity token, which is in base64 itself: the token as a whole is
/// searched for too.
const SUBJECT: &str = "canary-web-identity-subject-0010";
/// The key that the collector of spans asks for.
pub const COLLECTOR_KEY: &str = "canary-collector-key-0011";

/// All of them but the web identity token, which each deployment makes.
pub const SECRETS: [&str; 11] = [
    STATIC_SECRET,
    STATIC_TOKEN,
    PROCESS_SECRET,
    PROCESS_TOKEN,
    MASTER_KEY,
    CALLER_KEY,
    WRONG_KEY,
    HUB_TOKEN,
    CONTAINER_TOKEN,
    SUBJECT,
    COLLECTOR_KEY,
];

/// What was put out, with the name of its place.
pub type Outputs = Vec<(String, Vec<u8>)>;

/// Looks for secrets in outputs.
///
/// # Errors
/// With the place, the line, the secret and its form, where an output holds one.
pub fn search(outputs: &Outputs, secrets: &[&'static str]) -> Result<(), String> {
    // Most outputs hold nothing: only those that do are looked at line by line.
    for (place, bytes) in outputs.iter().filter(|(_, bytes)| found_in(bytes, secrets).is_some()) {
        for (line, text) in bytes.split(|byte| *byte == b'\n').enumerate() {
            if let Some((secret, form)) = found_in(text, secrets) {
                return Err(format!(
                    "{place}, line {}: `{secret}` ({form}): {}",
                    line + 1,
                    String::from_utf8_lossy(text)
                ));
            }
        }
    }
    Ok(())
}

/// A deployment: an emulator that knows its credentials, and everything that the proxy finds them
/// in.
pub struct Deployment {
    /// Stands in for AWS.
    pub emulator: Emulator,
    /// The environment and files of the proxy.
    pub world: World,
    /// The proxy's configuration.
    pub yaml: String,
    /// The web identity token.
    pub token: &'static str,
    folder: tempfile::TempDir,
}

impl fmt::Debug for Deployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deployment").field("emulator", &self.emulator).finish_non_exhaustive()
    }
}

impl Deployment {
    /// Sets it up. `collector` is the URL of a collector of spans and numbers, where there is one.
    ///
    /// # Panics
    /// Where a file cannot be written, or no port can be bound.
    pub async fn start(collector: Option<&str>) -> Self {
        let emulator = Emulator::builder()
            .session("ASIASTATIC", STATIC_SECRET, STATIC_TOKEN)
            .session("ASIAPROCESS", PROCESS_SECRET, PROCESS_TOKEN)
            .role(Role::new(ROLE))
            .container_credentials(ContainerCredentials::new())
            .start()
            .await
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let token = web_identity_token();
        fs::write(path("token"), token).unwrap();
        write_process(folder.path());
        let env = MapEnv::from([
            ("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", emulator.url()),
            ("AWS_CONFIG_FILE", path("config").display().to_string()),
            ("AWS_SHARED_CREDENTIALS_FILE", path("none").display().to_string()),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", emulator.container_credentials_url()),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", CONTAINER_TOKEN.to_owned()),
            ("HF_TOKEN", HUB_TOKEN.to_owned()),
            ("HF_ENDPOINT", "http://127.0.0.1:9".to_owned()),
            ("PATH", "/usr/bin:/bin".to_owned()),
        ]);
        let world = World::system().to_builder().with_env(env).build();
        let yaml = config(&emulator.url(), &path("token"), collector);
        Self { emulator, world, yaml, token, folder }
    }

    /// Its configuration, read.
    ///
    /// # Panics
    /// Where it is none.
    #[must_use]
    pub fn config(&self) -> Config {
        Config::from_yaml(&self.yaml, &|name| self.world.var(name)).unwrap().0
    }

    /// All secrets, the web identity token among them.
    #[must_use]
    pub fn secrets(&self) -> Vec<&'static str> {
        SECRETS.into_iter().chain([self.token]).collect()
    }

    /// Where the `credential_process` leaves its own command line and its parent's.
    #[must_use]
    pub fn command_lines(&self) -> PathBuf {
        self.folder.path().join("cmdline")
    }
}

fn web_identity_token() -> &'static str {
    let part = |json: serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let claims =
        json!({"sub": SUBJECT, "iss": "https://issuer.example", "aud": "sts.amazonaws.com", "exp": 4_000_000_000_u64});
    let token = format!("{}.{}.c2lnbmF0dXJl", part(json!({"alg": "RS256"})), part(claims));
    Box::leak(token.into_boxed_str())
}

/// A program that leaves its own command line, as anyone on the machine could read it, and the
/// profile that names it.
fn write_process(folder: &Path) {
    let path = |name: &str| folder.join(name);
    let program = format!(
        "#!/bin/sh\ntr '\\0' ' ' < /proc/$$/cmdline > {0}\ntr '\\0' ' ' < /proc/$PPID/cmdline >> {0}\ncat {1}\n",
        path("cmdline").display(),
        path("process.json").display()
    );
    let printed = json!({"Version": 1, "AccessKeyId": "ASIAPROCESS", "SecretAccessKey": PROCESS_SECRET, "SessionToken": PROCESS_TOKEN});
    fs::write(path("process.json"), printed.to_string()).unwrap();
    fs::write(path("program"), program).unwrap();
    fs::set_permissions(path("program"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(path("config"), format!("[profile process]\ncredential_process = {}\n", path("program").display()))
        .unwrap();
}

fn config(url: &str, token: &Path, collector: Option<&str>) -> String {
    let token = token.display();
    let otlp = collector.map_or_else(String::new, |collector| {
        format!("\n  otlp: {{endpoint: '{collector}', headers: {{x-collector-key: {COLLECTOR_KEY}}}}}")
    });
    format!(
        "
model_list:
  - model_name: static
    litellm_params: {{model: sagemaker/tgi, aws_access_key_id: ASIASTATIC, aws_secret_access_key: '{STATIC_SECRET}', aws_session_token: '{STATIC_TOKEN}', aws_region_name: us-east-1}}
  - model_name: process
    litellm_params: {{model: sagemaker_chat/messages, aws_profile_name: process, aws_region_name: us-east-1}}
  - model_name: role
    litellm_params: {{model: sagemaker/tgi, aws_role_name: '{ROLE}', aws_web_identity_token: oidc/file/{token}, aws_sts_endpoint: '{url}', aws_region_name: us-east-1}}
  - model_name: container
    litellm_params: {{model: sagemaker/embedding, aws_region_name: us-east-1}}
    model_info: {{mode: embedding}}
  - model_name: hub
    litellm_params: {{model: sagemaker/tgi, hf_model_name: some/gated-model, hub_access: true, aws_access_key_id: ASIASTATIC, aws_secret_access_key: '{STATIC_SECRET}', aws_session_token: '{STATIC_TOKEN}x', aws_region_name: us-east-1}}
general_settings: {{master_key: {MASTER_KEY}}}
sagewire_settings:
  keys: [{{name: team, key: {CALLER_KEY}}}]{otlp}
"
    )
}

/// A question to this model, as a body.
#[must_use]
pub fn chat(model: &str, stream: bool) -> String {
    json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": "Hello"}]}).to_string()
}

/// One request on a connection of its own: its status, headers and body; nothing where the
/// connection ends without an answer.
///
/// # Panics
/// Where the proxy cannot be reached.
pub async fn send(
    address: std::net::SocketAddr,
    method: Method,
    path: &str,
    key: &str,
    body: &str,
) -> Option<(u16, HeaderMap, Bytes)> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost")
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body.to_owned())))
        .unwrap();
    let (head, body) = sender.send_request(request).await.ok()?.into_parts();
    Some((head.status.as_u16(), head.headers, body.collect().await.ok()?.to_bytes()))
}
