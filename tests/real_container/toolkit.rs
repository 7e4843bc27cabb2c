//! The Hugging Face inference toolkit on AWS's multi-model-server, as in AWS's images of
//! transformers, with a tiny random model.

use http::Method;
use libtest_mimic::{Failed, Trial};
use sagewire::{ChatRequest, Client, CompletionRequest, EmbedRequest, ErrorKind, Message, Prompt};
use sagewire_emulator::Emulator;
use sagewire_test_programs::ModelServer;
use sagewire_tests::{deployment::send, endpoint::client};
use serde_json::{Value, json};

use crate::{
    model_server,
    process::{self, Process},
};

pub(crate) fn trials() -> Vec<Trial> {
    let server = sagewire_test_programs::toolkit();
    vec![
        server.trial("toolkit::text_generation", |server| block_on(text_generation(start(server, "text-generation")))),
        server.trial("toolkit::feature_extraction", |server| {
            block_on(feature_extraction(start(server, "feature-extraction")))
        }),
    ]
}

fn start(server: &ModelServer, task: &str) -> Process {
    let folder = process::folder();
    process::tiny_model(&server.python, folder.path(), &["--weights"]);
    let model = folder.path().join("tiny");
    let handler = "sagemaker_huggingface_inference_toolkit.handler_service:handle";
    model_server::serve(server, folder, &model, handler, &[("HF_TASK", task), ("HF_HUB_OFFLINE", "1")])
}

fn block_on(test: impl Future<Output = Result<(), Failed>>) -> Result<(), Failed> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(test)
}

async fn directly(server: &Process, body: &Value) -> Result<Value, Failed> {
    let Some((200, _, reply)) = send(server.address(), Method::POST, "/invocations", "", &body.to_string()).await
    else {
        return Err(format!("no answer to {body}").into());
    };
    Ok(serde_json::from_slice(&reply)?)
}

async fn behind(server: &mut Process) -> Result<(Emulator, Client), Failed> {
    server.ready("/ping").await?;
    let emulator = Emulator::builder().forward("tiny", server.url()).start().await?;
    let client = client(&emulator);
    Ok((emulator, client))
}

/// Long enough to be known where it is repeated: a short prompt may be the model's own words.
const PROMPT: &str = "hello world how are you today";

/// Its pipelines write the prompt before its continuation and refuse `details`.
async fn text_generation(mut server: Process) -> Result<(), Failed> {
    let (_emulator, client) = behind(&mut server).await?;
    let parameters = json!({"max_new_tokens": 8, "do_sample": false});
    let direct = directly(&server, &json!({"inputs": PROMPT, "parameters": parameters})).await?;
    let text = direct.pointer("/0/generated_text").and_then(Value::as_str).unwrap_or_default();
    let Some(continuation) = text.strip_prefix(PROMPT) else { return Err(direct.to_string().into()) };
    assert!(!continuation.is_empty(), "{direct}");

    let mut request = CompletionRequest::new("sagemaker/tiny", PROMPT);
    request.max_tokens = Some(8);
    request.extra.insert("do_sample".to_owned(), json!(false));
    let reply = client.complete(request.clone()).await?;
    assert_eq!(reply.value.choices[0].text, continuation);
    request.echo = Some(true);
    assert_eq!(client.complete(request.clone()).await?.value.choices[0].text, text);

    // Several prompts, each a request of its own.
    request.echo = None;
    request.prompt = Prompt::Texts(vec![PROMPT.to_owned(), "the quick brown fox".to_owned()]);
    let both = client.complete(request).await?.value;
    assert_eq!(both.choices.len(), 2);
    assert_eq!((both.choices[0].index, both.choices[0].text.as_str()), (0, continuation));
    assert_eq!(both.choices[1].index, 1);

    // A chat is the prompt that the endpoint's template makes of it.
    let mut chat = ChatRequest::new("sagemaker/tiny", [Message::user(PROMPT)]).with_max_tokens(8);
    chat.extra.insert("do_sample".to_owned(), json!(false));
    assert_eq!(client.chat(chat).await?.value.content(), continuation);

    let mut refused = CompletionRequest::new("sagemaker/tiny", PROMPT);
    refused.extra.insert("no_such_parameter".to_owned(), json!(1));
    let error = client.complete(refused).await.expect_err("the pipeline does not know the parameter");
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
    assert!(error.to_string().contains("no_such_parameter"), "{error}");
    Ok(())
}

/// It answers a vector for each token.
async fn feature_extraction(mut server: Process) -> Result<(), Failed> {
    let (_emulator, client) = behind(&mut server).await?;
    let texts = ["hello world", "fox"];
    let direct = directly(&server, &json!({"inputs": texts})).await?;
    let reply = client.embed(EmbedRequest::new("sagemaker/tiny", texts.map(str::to_owned).to_vec())).await?.value;
    assert_eq!(reply.data.len(), texts.len());
    for (place, embedding) in reply.data.iter().enumerate() {
        let tokens: Vec<Vec<f64>> = serde_json::from_value(direct[place][0].clone())?;
        let mean = |column: usize| tokens.iter().map(|token| token[column]).sum::<f64>() / tokens.len() as f64;
        let vector = embedding.floats();
        assert_eq!(vector.len(), tokens[0].len(), "{place}");
        for (column, number) in vector.iter().enumerate() {
            assert!((f64::from(*number) - mean(column)).abs() < 1e-5, "{place}, {column}: {number}");
        }
    }
    Ok(())
}
