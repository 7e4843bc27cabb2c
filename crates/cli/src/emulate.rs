//! `sagewire emulate`: the stand-in for SageMaker Runtime, until it is interrupted.

use clap::Args;
use sagewire_emulator::{EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY, Emulator, EmulatorError};

use crate::{Failure, announce, serve::OTHER_PORT};

/// The first line printed is the URL.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sagewire emulate --port 8080
  sagewire emulate --endpoint my-endpoint=messages --key AKIDOTHER:secret
  sagewire emulate --container http://127.0.0.1:8081 --container-endpoint my-model

Then, with any AWS client:
  export AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME=http://127.0.0.1:8080
  export AWS_ENDPOINT_URL_STS=http://127.0.0.1:8080
  export AWS_REGION=us-east-1
  export AWS_DEFAULT_REGION=us-east-1
  export AWS_ACCESS_KEY_ID=AKIDEXAMPLE
  export AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY

It ends with Ctrl-C, and the exit code 0.")]
pub(crate) struct EmulateArguments {
    /// The port to listen on; 0 for any free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// A running container, which answers `/invocations` and `/ping`, behind the endpoint `container`
    #[arg(long, value_name = "URL")]
    container: Option<String>,
    /// The endpoint that the container is behind
    #[arg(long, value_name = "NAME", default_value = "container", requires = "container")]
    container_endpoint: String,
    /// One more key pair that is accepted, as `id:secret`, or `id:secret:token` for temporary keys. Repeatable
    #[arg(long = "key", value_name = "ID:SECRET[:TOKEN]")]
    keys: Vec<String>,
    /// One more endpoint with a built-in container, as `name=tgi`, `name=messages` or `name=embedding`. Repeatable
    #[arg(long = "endpoint", value_name = "NAME=CONTAINER")]
    endpoints: Vec<String>,
}

pub(crate) async fn run(arguments: EmulateArguments) -> Result<(), Failure> {
    let mut builder = Emulator::builder().port(arguments.port);
    for key in &arguments.keys {
        builder = match key.splitn(3, ':').collect::<Vec<_>>().as_slice() {
            [id, secret] => builder.credentials(*id, *secret),
            [id, secret, token] => builder.session(*id, *secret, *token),
            _ => return Err(Failure::usage("a `--key` is written `id:secret` or `id:secret:token`")),
        };
    }
    for endpoint in &arguments.endpoints {
        let Some((name, container)) = endpoint.split_once('=') else {
            return Err(Failure::usage(format!("`--endpoint {endpoint}` is written `name=container`")));
        };
        builder = match container {
            "tgi" => builder.endpoint(name, sagewire_emulator::Tgi::default()),
            "messages" => builder.endpoint(name, sagewire_emulator::Messages::default()),
            "embedding" => builder.endpoint(name, sagewire_emulator::Embedding::default()),
            other => {
                return Err(Failure::usage(format!(
                    "`{other}` is no built-in container: use `tgi`, `messages` or `embedding`"
                )));
            }
        };
    }
    if let Some(url) = &arguments.container {
        builder = builder.forward(&arguments.container_endpoint, url);
    }
    let emulator = builder.start().await.map_err(|error| match error {
        EmulatorError::Listen { .. } => Failure::usage(error).with_hint(OTHER_PORT),
        error => Failure::usage(error),
    })?;
    announce::line(emulator.url());
    announce::line(format!("endpoints: {}", emulator.endpoints().join(", ")));
    announce::line(format!("keys: {EXAMPLE_ACCESS_KEY_ID} / {EXAMPLE_SECRET_ACCESS_KEY} (AWS's documented example)"));
    announce::line(format!("Try it with any AWS client:\n\n{}", emulator.exports()));
    if arguments.container.is_some() {
        match emulator.ping(&arguments.container_endpoint).await {
            Ok(()) => announce::line("the container answers /ping"),
            Err(why) => eprintln!("the container does not answer /ping yet: {why}"),
        }
    }
    tokio::signal::ctrl_c().await.map_err(Failure::work)?;
    emulator.shutdown().await;
    Ok(())
}
