//! Readers of what services answer, which are reached through a call alone: AWS's and a container's
//! errors, and sources of credentials.
//!
//! Owns the calls. Each answer is the input as it is.

use std::io;

use async_trait::async_trait;
use bytes::Bytes;
use sagewire::Settings;
use sagewire_credentials::{
    DefaultChain, ProvideCredentials as _,
    seam::{HttpFn, MapEnv, MapFiles, ProcessLimits, ProcessOutput, Processes, World},
};
use sagewire_emulator::Frame;
use sagewire_tests::{
    endpoint::{client_over, question},
    properties::Bound,
    transport::{Answer, Piece, ScriptedTransport},
};

/// Reads its input in the course of a call.
pub(crate) struct Reader {
    pub(crate) name: &'static str,
    pub(crate) read: fn(&[u8]),
    pub(crate) bound: Bound,
}

/// The small answers of services: parsed as a whole, with what they are about kept beside.
const BOUND: Bound = Bound { peak_per_byte: 80, bytes_per_byte: 400, free: 2 << 20 };

/// All of them.
pub(crate) const READERS: &[Reader] = &[
    Reader { name: "reply of a container", read: |input| replied(200, "", input), bound: BOUND },
    Reader { name: "error of a container", read: |input| replied(424, "ModelError", input), bound: BOUND },
    Reader { name: "error of AWS", read: |input| replied(400, "ValidationException", input), bound: BOUND },
    Reader { name: "error of a gateway", read: |input| replied(502, "", input), bound: BOUND },
    Reader { name: "exception frame", read: exception, bound: BOUND },
    Reader { name: "answer of STS", read: |input| answered(200, input), bound: BOUND },
    Reader { name: "error of STS", read: |input| answered(400, input), bound: BOUND },
    Reader { name: "answer of a container's credentials", read: container_credentials, bound: BOUND },
    Reader { name: "output of a credential process", read: printed, bound: BOUND },
    Reader { name: "cached SSO token", read: cached, bound: BOUND },
];

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap().block_on(work)
}

/// A call whose every attempt is answered like this.
fn called(answer: Answer) {
    let mut settings = Settings::default();
    settings.max_attempts = Some(1);
    let client = client_over(ScriptedTransport::new([answer]), settings);
    let _ = run(async { client.chat(question("sagemaker/e")).await });
}

fn replied(status: u16, code: &'static str, body: &[u8]) {
    let mut answer = Answer::json(status, Bytes::copy_from_slice(body));
    if !code.is_empty() {
        answer = answer.with_header("x-amzn-errortype", code);
    }
    called(answer);
}

fn exception(message: &[u8]) {
    let frame = Frame::exception("ModelStreamError", Some("c"), &String::from_utf8_lossy(message)).encode();
    let client = client_over(ScriptedTransport::new([Answer::stream([Piece::Bytes(frame)])]), Settings::default());
    let _ = run(async { client.chat_stream(question("sagemaker/e")).await.map(|_| ()) });
}

fn chain(env: MapEnv, files: MapFiles, status: u16, answer: &[u8]) {
    let answer = Bytes::copy_from_slice(answer);
    let printed = Printed(answer.clone());
    let http = HttpFn::new(move |_, _| Ok(http::Response::builder().status(status).body(answer.clone()).unwrap()));
    let world = World::builder().with_env(env).with_files(files).with_http(http).with_processes(printed).build();
    let _ = run(async { DefaultChain::new(&world).provide_credentials().await });
}

/// STS, asked for the credentials of a web identity.
fn answered(status: u16, answer: &[u8]) {
    let env = MapEnv::from([
        ("AWS_REGION", "us-east-1"),
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/app"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/token"),
    ]);
    chain(env, MapFiles::new().with("/token", "token"), status, answer);
}

fn container_credentials(answer: &[u8]) {
    let env = MapEnv::from([("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1/credentials")]);
    chain(env, MapFiles::default(), 200, answer);
}

/// Prints the same, whatever is run.
#[derive(Debug)]
struct Printed(Bytes);

#[async_trait]
impl Processes for Printed {
    async fn run(&self, _: &str, _: ProcessLimits) -> io::Result<ProcessOutput> {
        Ok(ProcessOutput { exit_code: Some(0), stdout: self.0.to_vec().into() })
    }
}

fn printed(output: &[u8]) {
    let env = MapEnv::from([("AWS_CONFIG_FILE", "/config")]);
    chain(env, MapFiles::new().with("/config", "[default]\ncredential_process = program\n"), 200, output);
}

fn cached(token: &[u8]) {
    const CONFIG: &str = "[default]\nsso_session = s\nsso_account_id = 123456789012\nsso_role_name = r\n[sso-session s]\nsso_start_url = https://a.example\nsso_region = us-east-1\n";
    // The file is called by the digest of the session's name.
    let path = "/home/.aws/sso/cache/a0f1490a20d0211c997b44bc357e1972deab8ae3.json";
    let env = MapEnv::from([("AWS_CONFIG_FILE", "/config"), ("HOME", "/home")]);
    chain(env, MapFiles::new().with("/config", CONFIG).with(path, token), 200, b"{}");
}
