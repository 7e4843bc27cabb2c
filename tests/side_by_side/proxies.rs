//! Both proxies over one emulator, from one `config.yaml`.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::Stdio,
    time::Duration,
};

use sagewire_emulator::{EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY, Emulator};
use sagewire_proxy::{Config, Server, ServerOptions, Wiring};
use sagewire_tests::endpoint::world_with;
use tokio::process::{Child, Command};

use crate::faults::Case;

/// LiteLLM's proxy does not start with a key that is widely known.
pub(crate) const MASTER_KEY: &str = "sk-side-by-side-5f0c27d1b94e4a8896d3e1";

pub(crate) struct Proxies {
    emulator: Emulator,
    pub(crate) litellm: SocketAddr,
    pub(crate) sagewire: SocketAddr,
    _folder: tempfile::TempDir,
    _child: Child,
}

fn config(url: &str) -> String {
    let model = |name: &str, model: &str, operation: &str| {
        format!(
            "  - model_name: {name}
    litellm_params:
      model: {model}
      sagemaker_base_url: {url}/endpoints/e/{operation}
      aws_access_key_id: {EXAMPLE_ACCESS_KEY_ID}
      aws_secret_access_key: {EXAMPLE_SECRET_ACCESS_KEY}
      aws_region_name: us-east-1
"
        )
    };
    let models = [
        model("tgi", "sagemaker/e", "invocations"),
        model("tgi-stream", "sagemaker/e", "invocations-response-stream"),
        model("chat", "sagemaker_chat/e", "invocations"),
        model("chat-stream", "sagemaker_chat/e", "invocations-response-stream"),
    ];
    // Cooldowns off, so that one fault does not decide about the next; retries as many for both.
    let rest =
        "router_settings: {num_retries: 2, cooldown_time: 0, disable_cooldowns: true}\ngeneral_settings: {master_key: ";
    format!("model_list:\n{}{rest}{MASTER_KEY}}}\n", models.concat())
}

impl Proxies {
    pub(crate) async fn start(python: &Path) -> Self {
        let emulator = Emulator::start().await.unwrap();
        let yaml = config(&emulator.url());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.yaml");
        fs::write(&path, &yaml).unwrap();

        let ours = yaml.replace(", disable_cooldowns: true", "");
        let world = world_with([]);
        let (config, _) = Config::from_yaml(&ours, &|_| None).unwrap();
        let app = Wiring::new(world).app(&config, None).unwrap();
        let server = Server::bind(([127, 0, 0, 1], 0).into(), app, ServerOptions::default()).await.unwrap();
        let sagewire = server.local_addr();
        tokio::spawn(server.serve(std::future::pending()));

        let litellm = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
        let mut child = Command::new(python.with_file_name("litellm"))
            .args(["--host", "127.0.0.1", "--port", &litellm.port().to_string(), "--config"])
            .arg(&path)
            .current_dir(folder.path())
            .env("LITELLM_LOCAL_MODEL_COST_MAP", "True")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut started = false;
        for _ in 0..600 {
            started = tokio::net::TcpStream::connect(litellm).await.is_ok();
            if started || child.try_wait().unwrap().is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        assert!(started, "LiteLLM's proxy did not start within five minutes: run it by hand to see why");
        Self { emulator, litellm, sagewire, _folder: folder, _child: child }
    }

    /// Prepares what the endpoint says next.
    pub(crate) fn inject(&self, case: &Case) {
        for fault in (case.faults)() {
            self.emulator.inject("e", fault);
        }
        for answer in (case.script)() {
            self.emulator.enqueue("e", answer);
        }
    }

    /// Forgets what was not asked for.
    pub(crate) fn forget(&self) {
        self.emulator.clear_enqueued("e");
    }
}
