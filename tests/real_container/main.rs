//! A real SageMaker container, AWS's multi-model-server with its inference toolkit, behind the emulator and called through the provider.
//!
//! `SAGEWIRE_CONTAINER_PYTHON` names a Python with `multi-model-server` and `sagemaker-inference`, `SAGEWIRE_JAVA` the Java that runs the
//! server. Without them, the test is ignored.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::{
    net::{TcpListener, TcpStream},
    process::{Child, Command, ExitCode, Stdio},
    time::Duration,
};

use libtest_mimic::{Arguments, Failed};
use sagewire::{ChatRequest, Client, Error, ErrorKind, Message};
use sagewire_emulator::Emulator;
use sagewire_test_programs::ModelServer;
use sagewire_tests::endpoint::client;

fn main() -> ExitCode {
    let server = sagewire_test_programs::model_server();
    let trial = server.trial("real_container::success_and_failure", success_and_failure);
    libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit_code()
}

/// The running container, ended with everything it started.
struct Container {
    child: Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Container {
    fn start(server: &ModelServer) -> Self {
        let folder = tempfile::Builder::new().prefix("sagewire").tempdir().unwrap();
        let model = folder.path().join("model");
        std::fs::create_dir(&model).unwrap();
        std::fs::write(model.join("service.py"), include_str!("service.py")).unwrap();
        let inference = free_port(0);
        let management = free_port(inference);
        let settings = folder.path().join("config.properties");
        let text = format!(
            "inference_address=http://127.0.0.1:{inference}\nmanagement_address=http://127.0.0.1:{management}\nmodel_store=/\n\
             default_service_handler=service.py:handle\ndefault_workers_per_model=1\ndecode_input_request=false\n"
        );
        std::fs::write(&settings, text).unwrap();
        let mut command = Command::new(server.python.with_file_name("multi-model-server"));
        command
            .args(["--start", "--foreground", "--model-store", "/", "--mms-config"])
            .arg(&settings)
            .arg("--models")
            .arg(format!("model={}", model.display()))
            .current_dir(folder.path())
            .env("TMPDIR", folder.path())
            // It starts Java and its workers by name.
            .env("PATH", sagewire_test_programs::search_path(&[&server.python, &server.java]).unwrap())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        Self { child: command.spawn().unwrap(), url: format!("http://127.0.0.1:{inference}"), _folder: folder }
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // Its group: the server and its workers.
        #[cfg(unix)]
        {
            let group = rustix::process::Pid::from_child(&self.child);
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that is free just now. The server takes none above 32767.
fn free_port(not: u16) -> u16 {
    let start = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    (start..32_000).find(|port| *port != not && TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}

fn success_and_failure(server: &ModelServer) -> Result<(), Failed> {
    let container = Container::start(server);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let emulator = Emulator::builder().forward("real", &container.url).start().await?;
        wait_until_ready(&emulator, &container.url).await?;
        let client = client(&emulator);

        let reply = ask(&client, "Hello, how are you?").await?;
        expect(reply == "You said: Hello, how are you?", &reply)?;

        let error = match ask(&client, "please fail").await {
            Err(error) => error,
            Ok(reply) => return Err(format!("no failure, but {reply}").into()),
        };
        let upstream = error.upstream().cloned().unwrap_or_default();
        expect(upstream.code.as_deref() == Some("ModelError"), &upstream)?;
        expect(upstream.original_status.is_some_and(|status| status >= 400), &upstream)?;
        expect(matches!(error.kind(), ErrorKind::ModelFailed | ErrorKind::InvalidRequest), &error)?;
        expect(error.request_id().is_some(), &error)
    })
}

async fn ask(client: &Client, question: &str) -> Result<String, Error> {
    let request = ChatRequest::new("sagemaker/real", [Message::user(question)]).with_max_tokens(20);
    Ok(client.chat(request).await?.value.content().to_owned())
}

/// A JVM takes seconds to start: asks again until it answers, at most for a minute.
async fn wait_until_ready(emulator: &Emulator, url: &str) -> Result<(), Failed> {
    let address = url.trim_start_matches("http://").to_owned();
    for _ in 0..240 {
        if TcpStream::connect(&address).is_ok() && emulator.ping("real").await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    Err("the container did not start within a minute".into())
}

fn expect(holds: bool, found: &dyn std::fmt::Debug) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(format!("{found:?}").into()) }
}
