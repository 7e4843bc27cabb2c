//! Tools on a text container: the prompt offers them, the model's calls are read out of its text,
//! and their results go back.

use futures_util::StreamExt as _;
use sagewire::{
    CallContext, ChatRequest, ChatResponse, ChunkCollector, FinishReason, Message, Provider, SageMaker, Settings, Tool,
};
use sagewire_emulator::{Emulator, Scripted};
use sagewire_tests::{
    endpoint::{builder_for, start},
    replies::{tgi_reply, tgi_stream, tgi_token},
};
use serde_json::json;

/// For each kind of form: a model, what it writes, and the arguments that it means.
const ANSWERS: [(&str, &str, &str); 5] = [
    (
        "Qwen/Qwen2.5-7B-Instruct",
        "Let me see.\n<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}}\n</tool_call>",
        r#"{"city": "Paris"}"#,
    ),
    (
        "meta-llama/Llama-3.1-8B-Instruct",
        "{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Paris\"}}",
        r#"{"city": "Paris"}"#,
    ),
    (
        "moonshotai/Kimi-K2-Instruct",
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>{\"city\": \"Paris\"}\
         <|tool_call_end|><|tool_calls_section_end|>",
        r#"{"city": "Paris"}"#,
    ),
    (
        "Qwen/Qwen3-Coder-30B-A3B-Instruct",
        "<tool_call>\n<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n</function>\n</tool_call>",
        r#"{"city": "Paris"}"#,
    ),
    (
        "openai/gpt-oss-20b",
        "<|channel|>analysis<|message|>Weather.<|end|><|start|>assistant<|channel|>commentary to=functions.get_weather \
         <|constrain|>json<|message|>{\"city\": \"Paris\"}<|call|>",
        r#"{"city": "Paris"}"#,
    ),
];

fn question() -> ChatRequest {
    let mut request = ChatRequest::new("sagemaker/tgi", [Message::user("Is it raining in Paris?")]);
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    request.tools = Some(vec![Tool::function("get_weather", "The weather of a city", schema)]);
    request
}

fn provider(emulator: &Emulator, model: &str) -> SageMaker {
    let mut settings = Settings::default();
    settings.hf_model_name = Some(model.to_owned());
    builder_for(emulator.url()).settings(settings).build().unwrap()
}

/// The prompt that the endpoint was sent last.
fn sent(emulator: &Emulator) -> String {
    let received = emulator.received();
    let body = received.last().unwrap().json().unwrap();
    assert!(body.get("tools").is_none() && body["parameters"].get("tools").is_none());
    body["inputs"].as_str().unwrap().to_owned()
}

fn assert_calls(response: &ChatResponse, model: &str, arguments: &str) {
    let choice = &response.choices[0];
    assert_eq!(choice.finish_reason, Some(FinishReason::ToolCalls), "{model}");
    let [call] = choice.message.tool_calls.as_slice() else { panic!("{model}: {response:?}") };
    assert_eq!((call.function.name.as_str(), call.function.arguments.as_str()), ("get_weather", arguments), "{model}");
}

#[tokio::test]
async fn calls_of_every_kind_of_form_are_read_whole_and_streamed() {
    let emulator = start().await;
    for (model, text, arguments) in ANSWERS {
        let provider = provider(&emulator, model);
        emulator.enqueue("tgi", Scripted::ok(tgi_reply(text)));
        let whole = provider.chat(question(), &CallContext::new()).await.unwrap().value;
        assert_calls(&whole, model, arguments);
        assert!(sent(&emulator).contains("get_weather"), "{model}");

        let letters: Vec<String> = text.chars().map(String::from).collect();
        let tokens: Vec<&str> = letters.iter().map(String::as_str).collect();
        emulator.enqueue("tgi", Scripted::stream([tgi_stream(&tokens)]));
        let mut stream = provider.chat_stream(question(), &CallContext::new()).await.unwrap();
        let mut collector = ChunkCollector::new();
        while let Some(chunk) = stream.next().await {
            collector.push(chunk.unwrap());
        }
        let streamed = collector.finish();
        assert_calls(&streamed, model, arguments);
        let said = |response: &ChatResponse| {
            let message = &response.choices[0].message;
            (message.content.clone().filter(|text| !text.is_empty()), message.reasoning_content.clone())
        };
        assert_eq!(said(&streamed), said(&whole), "{model}");
    }
}

#[tokio::test]
async fn a_result_goes_back_and_the_model_answers() {
    let emulator = start().await;
    let (model, text, _) = ANSWERS[0];
    let provider = provider(&emulator, model);
    emulator.enqueue("tgi", Scripted::ok(tgi_reply(text)));
    emulator.enqueue("tgi", Scripted::ok(tgi_reply("No, it is sunny.")));
    let mut request = question();
    let first = provider.chat(request.clone(), &CallContext::new()).await.unwrap().value;
    let call = first.choices[0].message.tool_calls[0].clone();
    let id = call.id.clone();
    let mut turn = Message::assistant("Let me see.");
    turn.tool_calls = vec![call];
    request.messages.extend([turn, Message::tool(id, "sunny")]);
    let second = provider.chat(request, &CallContext::new()).await.unwrap().value;
    assert_eq!(
        (second.content(), second.choices[0].finish_reason.clone()),
        ("No, it is sunny.", Some(FinishReason::Stop))
    );
    let prompt = sent(&emulator);
    assert!(
        prompt.contains("<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}}\n</tool_call>"),
        "{prompt}"
    );
    assert!(prompt.contains("<tool_response>\nsunny\n</tool_response>"), "{prompt}");
}

#[tokio::test]
async fn an_answer_that_breaks_off_within_a_call_is_an_error() {
    let emulator = start().await;
    let provider = provider(&emulator, ANSWERS[0].0);
    let cut = tgi_token("<tool_call>{\"name\": \"get_weather\", \"arguments\": {\"ci");
    emulator.enqueue("tgi", Scripted::stream([cut]));
    let stream = provider.chat_stream(question(), &CallContext::new()).await.unwrap();
    let chunks: Vec<_> = stream.collect().await;
    assert!(chunks.last().unwrap().is_err());
}
