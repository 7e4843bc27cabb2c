//! `POST /completions`: <https://platform.openai.com/docs/api-reference/completions/create>

use sagewire_types::{CompletionRequest, Prompt};
use serde_json::{Map, Value, json};

use super::{
    Exchange,
    ask::{self, Ask, Checked, Prepared},
    nulls,
    route::{Access, Answer, Answered, Paths, Route, Verb, schema},
    sse::Chunks,
    streaming, whole,
};
use crate::{callers::Wanted, limits::Limits};

pub(super) const ROUTE: Route = Route {
    name: "completions",
    method: Verb::Post,
    paths: Paths::OfModel("/completions"),
    access: Access::Key,
    operation: Some("text_completion"),
    summary: "Continues a raw prompt, as a whole or as a stream.",
    request: Some(request_schema),
    answer: Answer::JsonOrStream(answer_schema, answer_schema),
    handler: |exchange| Box::pin(complete(exchange)),
};

async fn complete(exchange: &mut Exchange) -> Answered {
    let prepared: Prepared<CompletionRequest> = ask::prepare(exchange).await?;
    let Prepared { mut request, context, model, asked, deadline } = prepared;
    let provider = exchange.state.provider.clone();
    if request.stream == Some(true) {
        let show_usage = streaming::ask_for_usage(exchange, &mut request.stream_options);
        let stream = ask::ask(exchange, &model, deadline, provider.complete_stream(request, &context)).await?;
        return Ok(streaming::respond(exchange, stream, Chunks::default(), &model, asked, show_usage));
    }
    let call = provider.complete(request, &context);
    whole::respond(exchange, &model, deadline, call, |mut answer, usage| {
        answer.model = asked;
        answer.usage = Some(usage.clone());
        nulls::clean_completion(&mut answer);
        Ok(answer)
    })
    .await
}

impl Ask for CompletionRequest {
    const TOKEN_IDS: Option<&'static str> = Some("prompt");

    fn model(&mut self) -> &mut String {
        &mut self.model
    }

    fn extra(&mut self) -> &mut Map<String, Value> {
        &mut self.extra
    }

    fn asked(&self) -> ask::Attributes {
        let numbers = [self.temperature, self.top_p, self.presence_penalty, self.frequency_penalty];
        ask::sampling(numbers, self.max_tokens, self.n)
    }

    fn stream(&self) -> Option<bool> {
        Some(self.stream == Some(true))
    }

    fn wanted(&self) -> Wanted {
        Wanted {
            prompt: self.estimated_tokens(),
            answers: (prompts(&self.prompt) as u64).saturating_mul(u64::from(self.n.unwrap_or(1))),
            max_output: self.max_tokens,
        }
    }

    fn check(&self, limits: &Limits) -> Checked {
        ask::at_most("prompt", "texts", prompts(&self.prompt), limits.inputs, "max_inputs")?;
        ask::check_stops(self.stop.as_ref(), limits)
    }
}

/// How many texts are continued.
fn prompts(prompt: &Prompt) -> usize {
    match prompt {
        Prompt::Text(_) | Prompt::Tokens(_) => 1,
        Prompt::Texts(texts) => texts.len(),
        Prompt::TokenLists(lists) => lists.len(),
    }
}

fn request_schema() -> Value {
    let mut schema = schema::request(
        "OpenAI's completion request. Other keys are sent to the model's container as they are.",
        &["model", "prompt"],
        json!({ "prompt": schema::text_or_list(), "echo": schema::flag(), "logprobs": schema::count() }),
    );
    schema::add(&mut schema, schema::sampling());
    schema
}

fn answer_schema() -> Value {
    schema::answer(
        "text_completion",
        json!({
            "index": schema::count(), "text": schema::text(), "finish_reason": { "type": ["string", "null"] }, "logprobs": {},
        }),
    )
}
