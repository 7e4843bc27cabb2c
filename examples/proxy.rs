//! LiteLLM's `config.yaml` as it is, served by the proxy inside a program of one's own, and one
//! call through it.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use sagewire::credentials::seam::World;
use sagewire_examples::Endpoint;
use sagewire_proxy::{Config, Server, ServerOptions, Wiring, shutdown_signal};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = Endpoint::open().await?;
    // The page's own file, but for the line with the emulator's address.
    let mut yaml = format!(
        "model_list:
  - model_name: jumpstart-model
    litellm_params:
      model: {}
      temperature: 0.2
general_settings:
  master_key: os.environ/PROXY_KEY
",
        endpoint.model("sagemaker/tgi")
    );
    if let Some(url) = endpoint.emulated_url() {
        yaml = yaml.replace(
            "      temperature",
            &format!(
                "      sagemaker_base_url: {url}\n      aws_region_name: us-east-1\n      aws_access_key_id: AKIDEXAMPLE\n      \
                 aws_secret_access_key: wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY\n      temperature"
            ),
        );
    }
    // A program says itself what its variables are; `sagewire serve` takes the process's.
    let environment = |name: &str| (name == "PROXY_KEY").then(|| "sk-1234".to_owned());
    let (config, warnings) = Config::from_yaml(&yaml, &environment)?;
    for warning in &warnings {
        println!("warning: {warning}");
    }
    let app = Wiring::new(World::system()).app(&config, None)?;
    let server = Server::bind(([127, 0, 0, 1], 0).into(), app, ServerOptions::from_config(&config)).await?;
    let address = server.local_addr();
    let serving = tokio::spawn(server.serve(shutdown_signal()));

    // Any client of OpenAI's will do. Here the request is written by hand.
    let body = r#"{"model": "jumpstart-model", "messages": [{"role": "user", "content": "what llm are you"}]}"#;
    let head = format!(
        "POST /chat/completions HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer sk-1234\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all((head + body).as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    println!("{answer}");
    serving.abort();
    Ok(())
}
