//! Asks the router for the lines of a batch and keeps no result: what a batch is compared with by `.ci/batch-killed`.
//!
//! Prints the seconds that it took. Arguments: the file, the model, and how many lines are asked at the same time.
#![expect(clippy::print_stdout, reason = "a program")]

use std::io::BufRead as _;

use futures_util::{StreamExt as _, stream};
use sagewire::{ChatRequest, credentials::seam::World};
use sagewire_batch::Line;
use sagewire_proxy::{Config, Wiring};
use sagewire_types::CallContext;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(file), Some(model), Some(concurrency)) = (arguments.next(), arguments.next(), arguments.next()) else {
        return Err("expected a file, a model and a number".into());
    };
    let world = World::system();
    let yaml = format!("model_list: [{{model_name: '{model}', litellm_params: {{model: '{model}'}}}}]");
    let (config, _) = Config::from_yaml(&yaml, &|name| world.var(name))?;
    let app = Wiring::new(world).app(&config, None)?;
    let (provider, context) = (app.provider(), CallContext::new());
    let lines = std::io::BufReader::new(std::fs::File::open(file)?).lines();
    let begun = tokio::time::Instant::now();
    let calls = lines.map_while(Result::ok).map(|text| {
        let (provider, context, model) = (provider.clone(), &context, model.clone());
        async move {
            let line = Line::parse(text.as_bytes(), None).map_err(|problem| problem.message)?;
            let mut request: ChatRequest = serde_json::from_str(line.body.get()).map_err(|error| error.to_string())?;
            request.model = model;
            let reply = provider.chat(request, context).await.map_err(|error| error.to_string())?;
            serde_json::to_vec(&reply.value).map_err(|error| error.to_string())
        }
    });
    let mut answers = stream::iter(calls).buffer_unordered(concurrency.parse()?);
    while let Some(answer) = answers.next().await {
        answer?;
    }
    println!("{:.3}", begun.elapsed().as_secs_f64());
    Ok(())
}
