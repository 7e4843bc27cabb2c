//! AWS's multi-model-server with its inference toolkit, called through the provider.

use std::{path::Path, process::Command};

use libtest_mimic::{Failed, Trial};
use sagewire::{ChatRequest, Client, Error, ErrorKind, Message};
use sagewire_emulator::Emulator;
use sagewire_test_programs::ModelServer;
use sagewire_tests::endpoint::client;
use tempfile::TempDir;

use crate::process::{self, Process};

pub(crate) fn trials() -> Vec<Trial> {
    let server = sagewire_test_programs::model_server();
    vec![server.trial("model_server::success_and_failure", success_and_failure)]
}

fn start(server: &ModelServer) -> Process {
    let folder = process::folder();
    let model = folder.path().join("model");
    std::fs::create_dir(&model).unwrap();
    std::fs::write(model.join("service.py"), include_str!("service.py")).unwrap();
    serve(server, folder, &model, "service.py:handle", &[])
}

/// Serves the model of a folder by this handler.
pub(crate) fn serve(
    server: &ModelServer,
    folder: TempDir,
    model: &Path,
    handler: &str,
    environment: &[(&str, &str)],
) -> Process {
    let inference = process::free_port();
    let management = process::free_port();
    let settings = folder.path().join("config.properties");
    // Its workers' sockets are in Java's temporary folder, under the same names for each server.
    let text = format!(
        "inference_address=http://127.0.0.1:{inference}\nmanagement_address=http://127.0.0.1:{management}\nmodel_store=/\n\
         default_service_handler={handler}\ndefault_workers_per_model=1\ndecode_input_request=false\n\
         vmargs=-Djava.io.tmpdir={}\n",
        folder.path().display()
    );
    std::fs::write(&settings, text).unwrap();
    let mut command = Command::new(server.python.with_file_name("multi-model-server"));
    command
        .args(["--start", "--foreground", "--model-store", "/", "--mms-config"])
        .arg(&settings)
        .arg("--models")
        .arg(format!("model={}", model.display()))
        .envs(environment.iter().copied())
        // It starts Java and its workers by name.
        .env("PATH", sagewire_test_programs::search_path(&[&server.python, &server.java]).unwrap());
    Process::start(command, inference, folder)
}

fn success_and_failure(server: &ModelServer) -> Result<(), Failed> {
    let mut container = start(server);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        container.ready("/ping").await?;
        let emulator = Emulator::builder().forward("real", container.url()).start().await?;
        emulator.ping("real").await?;
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

fn expect(holds: bool, found: &dyn std::fmt::Debug) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(format!("{found:?}").into()) }
}
