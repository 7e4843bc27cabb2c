//! Infinity, a server of embeddings, with a tiny random model.
//!
//! A new case is a new file of `infinity`. It has no `/invocations`: images for SageMaker lead that
//! path to `/embeddings`.

use std::{net::SocketAddr, process::Command};

use async_trait::async_trait;
use http::Method;
use libtest_mimic::Trial;
use sagewire_emulator::{Container, ContainerReply, Invocation};
use sagewire_tests::deployment::send;

use crate::{
    comparison::{self, Subject},
    process::{self, Process},
};

pub(crate) fn trials() -> Vec<Trial> {
    let subject = Subject {
        folder: "infinity",
        litellm_params: "model: sagemaker/tiny, embedding_dialect: openai",
        ready: "/health",
        behind: |emulator, address| emulator.endpoint("tiny", Embeddings(address)),
        start: |python| {
            let folder = process::folder();
            process::tiny_model(python, folder.path(), &["--weights"]);
            let port = process::free_port();
            let mut command = Command::new(python.with_file_name("infinity_emb"));
            command
                .args(["v2", "--model-id=./tiny", "--served-model-name=tiny", "--engine=torch", "--device=cpu"])
                .args(["--no-bettertransformer", "--no-model-warmup", "--host=127.0.0.1", &format!("--port={port}")])
                // Nothing is fetched, and nothing is reported.
                .env("HF_HUB_OFFLINE", "1")
                .env("DO_NOT_TRACK", "1");
            Process::start(command, port, folder)
        },
    };
    comparison::trials(subject, &sagewire_test_programs::infinity())
}

/// The server's route for embeddings.
#[derive(Debug)]
struct Embeddings(SocketAddr);

#[async_trait]
impl Container for Embeddings {
    async fn invoke(&self, invocation: Invocation) -> ContainerReply {
        let body = String::from_utf8_lossy(&invocation.body);
        match send(self.0, Method::POST, "/embeddings", "", &body).await {
            Some((status, _, body)) => ContainerReply::new(status, "application/json", body),
            None => ContainerReply::new(0, "text/plain", "the connection ended without an answer"),
        }
    }
}
