//! Asynchronous inference: the request is queued, and its result will lie in S3. For long work, and
//! for endpoints that scale to zero.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::time::Duration;

use sagewire::{AsyncInvocation, CallContext};
use sagewire_examples::Endpoint;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = Endpoint::open().await?;
    let sagemaker = endpoint.sagemaker().build()?;

    let mut invocation = AsyncInvocation::at(endpoint.model("sagemaker/tgi"), "s3://my-bucket/input.json");
    invocation.request_ttl = Some(Duration::from_secs(3600));
    let reply = sagemaker.invoke_async(invocation, &CallContext::new()).await?;

    println!("inference {}", reply.value.inference_id);
    println!(
        "result at {}",
        reply.value.output_location.as_deref().unwrap_or("a place that the endpoint did not name")
    );
    println!("{}", endpoint.last_request());
    Ok(())
}
