//! What an agent has said so far, in whichever API.
//!
//! Owns how each API's request, and a prompt, is read: the tools on offer, the turns in which the
//! model called some, and what came of the latest calls.

use serde_json::Value;

use super::super::speech::count;

/// A request as far as the model looks at it.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    pub(super) model: String,
    pub(super) is_streaming: bool,
    pub(super) include_usage: bool,
    pub(super) tools: Vec<Offered>,
    /// In how many turns the model called tools.
    pub(super) steps: usize,
    /// What the calls of the latest such turn gave.
    pub(super) results: Vec<String>,
    /// The latest words of the user.
    pub(super) question: String,
    pub(super) prompt_tokens: usize,
}

/// A tool on offer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Offered {
    pub(super) namespace: Option<String>,
    pub(super) name: String,
    /// The JSON schema of its arguments.
    pub(super) schema: Value,
}

impl Conversation {
    fn of(body: &Value) -> Self {
        let model = text(body, "model").filter(|model| !model.is_empty()).unwrap_or("/opt/ml/model");
        let is_streaming = body.get("stream").and_then(Value::as_bool).unwrap_or_default();
        let include_usage = body.pointer("/stream_options/include_usage").and_then(Value::as_bool).unwrap_or_default();
        Self { model: model.to_owned(), is_streaming, include_usage, ..Self::default() }
    }

    /// A request for a chat completion.
    pub(super) fn of_chat(body: &Value) -> Option<Self> {
        let messages = body.get("messages")?.as_array()?;
        let mut this = Self::of(body);
        for message in messages {
            match text(message, "role") {
                Some("assistant") if message.get("tool_calls").is_some_and(|calls| !calls.is_null()) => this.step(),
                Some("tool") => this.result(message.get("content")),
                Some("user") => this.ask(message.get("content")),
                _ => this.read(&said(message.get("content"))),
            }
        }
        for tool in list(body, "tools") {
            let Some(function) = tool.get("function") else { continue };
            this.offer(None, function, "parameters");
        }
        Some(this)
    }

    /// A request of the Responses API.
    pub(super) fn of_responses(body: &Value) -> Option<Self> {
        let input = body.get("input")?;
        let mut this = Self::of(body);
        if input.is_string() {
            this.ask(Some(input));
        }
        let mut was_call = false;
        for item in list(body, "input") {
            let kind = text(item, "type").unwrap_or("message");
            let is_call = matches!(kind, "function_call" | "custom_tool_call");
            match kind {
                // Calls that follow one another were made in one turn.
                _ if is_call && !was_call => this.step(),
                "function_call_output" | "custom_tool_call_output" => this.result(item.get("output")),
                "message" if text(item, "role") == Some("user") => this.ask(item.get("content")),
                _ => this.read(&said(item.get("content"))),
            }
            was_call = is_call;
        }
        for tool in list(body, "tools") {
            match text(tool, "type") {
                Some("function") => this.offer(None, tool, "parameters"),
                Some("namespace") => {
                    for function in list(tool, "tools") {
                        this.offer(text(tool, "name"), function, "parameters");
                    }
                }
                _ => {}
            }
        }
        Some(this)
    }

    /// A request of the Messages API.
    pub(super) fn of_messages(body: &Value) -> Option<Self> {
        let messages = body.get("messages")?.as_array()?;
        let mut this = Self::of(body);
        this.read(&said(body.get("system")));
        for message in messages {
            let blocks = list(message, "content");
            if blocks.iter().any(|block| text(block, "type") == Some("tool_use")) {
                this.step();
            }
            let (results, others): (Vec<_>, Vec<_>) =
                blocks.iter().partition(|block| text(block, "type") == Some("tool_result"));
            for result in results {
                this.result(result.get("content"));
            }
            let words = message.get("content").filter(|content| content.is_string() || !others.is_empty());
            match text(message, "role") {
                Some("user") => this.ask(words),
                _ => this.read(&said(words)),
            }
        }
        for tool in list(body, "tools") {
            this.offer(None, tool, "input_schema");
        }
        Some(this)
    }

    /// A prompt in ChatML, as the templates of Hermes and Qwen write it.
    pub(super) fn of_prompt(prompt: &str) -> Self {
        let mut this = Self::default();
        for turn in prompt.split("<|im_start|>") {
            let Some((role, said)) = turn.split_once('\n') else { continue };
            let said = said.split("<|im_end|>").next().unwrap_or_default();
            match role {
                "system" => this.offer_described(said),
                "assistant" if said.contains("<tool_call>") => this.step(),
                "user" if said.contains("<tool_response>") => {
                    for result in said.split("<tool_response>\n").skip(1) {
                        let result = result.split("\n</tool_response>").next().unwrap_or_default();
                        this.results.push(result.to_owned());
                    }
                }
                "user" => said.trim().clone_into(&mut this.question),
                _ => {}
            }
        }
        this.prompt_tokens = count(prompt);
        this
    }

    /// The tools at the end of a system message, one a line.
    fn offer_described(&mut self, system: &str) {
        let Some((_, tools)) = system.rsplit_once("\n<tools>\n") else { return };
        for line in tools.lines() {
            let tool: Value = serde_json::from_str(line).unwrap_or_default();
            if let Some(function) = tool.get("function") {
                self.offer(None, function, "parameters");
            }
        }
    }

    fn step(&mut self) {
        self.steps += 1;
        self.results.clear();
    }

    fn result(&mut self, content: Option<&Value>) {
        let result = said(content);
        self.read(&result);
        self.results.push(result);
    }

    fn ask(&mut self, content: Option<&Value>) {
        let question = said(content);
        self.read(&question);
        if !question.is_empty() {
            self.question = question;
        }
    }

    fn read(&mut self, text: &str) {
        self.prompt_tokens += count(text);
    }

    fn offer(&mut self, namespace: Option<&str>, tool: &Value, schema: &str) {
        if let (Some(name), Some(schema)) = (text(tool, "name"), tool.get(schema)) {
            let namespace = namespace.map(str::to_owned);
            self.tools.push(Offered { namespace, name: name.to_owned(), schema: schema.clone() });
        }
    }
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name)?.as_str()
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The text of a content, whether it came as a string or in parts.
fn said(content: Option<&Value>) -> String {
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts.iter().filter_map(|part| text(part, "text")).collect::<Vec<_>>().join("\n"),
        _ => String::new(),
    }
}
