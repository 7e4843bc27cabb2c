use sagewire_chat_template::catalog;
use sagewire_dialects::{ChatDialect, ParameterPolicy, tool_calls};
use sagewire_types::{FinishReason, Tool, ToolChoice};

use super::*;

/// A template with a place for tools, whose models write calls as Hermes does.
const HERMES: &str = "{% for t in tools or [] %}{{ t.function.name }};{% endfor %}{% for m in messages %}{{ m.content }}\
                      {% for c in m.tool_calls or [] %}<tool_call>{% endfor %}{% endfor %}";

const CALL: &str = "Sure.<tool_call>\n{\"name\": \"get_time\", \"arguments\": {\"zone\": \"UTC\"}}\n</tool_call>";

fn with_tools(choice: Option<ToolChoice>) -> ChatRequest {
    let schema = json!({"type": "object", "properties": {"zone": {"type": "string"}}});
    let mut request = question();
    request.tools = Some(vec![Tool::function("get_time", "", schema), Tool::function("get_day", "", json!({}))]);
    request.tool_choice = choice;
    request
}

fn dropping(settings: Settings) -> Settings {
    let mut policy = ParameterPolicy::default();
    policy.drop_params = true;
    Settings { parameters: Some(policy), ..settings }
}

async fn answer(settings: Settings, request: ChatRequest, text: &'static str) -> Result<(Value, ChatResponse), Error> {
    ask(World::builder().build(), settings, request, text).await
}

#[tokio::test]
async fn tools_are_written_into_the_prompt_and_calls_read_out_of_the_answer() {
    let (body, response) = answer(jinja(HERMES), with_tools(None), CALL).await.unwrap();
    assert_eq!(body, json!({"inputs": "get_time;get_day;hi", "parameters": {"details": true}}));
    let choice = &response.choices[0];
    assert_eq!(
        (choice.message.content.as_deref(), choice.finish_reason.clone()),
        (Some("Sure."), Some(FinishReason::ToolCalls))
    );
    let call = &choice.message.tool_calls[0];
    assert_eq!((call.function.name.as_str(), call.function.arguments.as_str()), ("get_time", r#"{"zone": "UTC"}"#));
    assert!(!call.id.is_empty());
}

#[tokio::test]
async fn without_tools_to_call_the_text_stays_as_it_is() {
    for request in [question(), with_tools(Some(ToolChoice::None))] {
        let (body, response) = answer(jinja(HERMES), request, CALL).await.unwrap();
        assert_eq!(body["inputs"], "hi");
        assert_eq!((response.content(), response.choices[0].message.tool_calls.len()), (CALL, 0));
    }
}

#[tokio::test]
async fn a_call_that_must_come_is_seen_to_by_a_grammar_where_there_is_one() {
    let forced = r#"{"name": "get_time", "arguments": {}}"#;
    for choice in [
        ToolChoice::Function("get_time".to_owned()),
        ToolChoice::Other(json!({"type": "allowed_tools", "allowed_tools": {
            "mode": "required", "tools": [{"type": "function", "function": {"name": "get_time"}}],
        }})),
    ] {
        let (body, response) = answer(jinja(HERMES), with_tools(Some(choice)), forced).await.unwrap();
        assert_eq!(body["inputs"], "get_time;hi");
        assert_eq!(body["parameters"]["grammar"]["value"]["properties"]["name"]["const"], "get_time");
        assert_eq!(response.choices[0].message.tool_calls[0].function.name, "get_time");
    }
    let (body, _) = answer(jinja(HERMES), with_tools(Some(ToolChoice::Required)), forced).await.unwrap();
    assert_eq!(body["parameters"]["grammar"]["value"]["anyOf"].as_array().unwrap().len(), 2);

    let lmi = || Settings { dialect: Some(ChatDialect::Lmi), ..jinja(HERMES) };
    let error = answer(lmi(), with_tools(Some(ToolChoice::Required)), forced).await.unwrap_err();
    assert_eq!((error.kind(), error.param()), (ErrorKind::Unsupported, Some("tool_choice")), "{error}");
    let (body, response) = answer(dropping(lmi()), with_tools(Some(ToolChoice::Required)), CALL).await.unwrap();
    assert_eq!((&body["inputs"], response.choices[0].message.tool_calls.len()), (&json!("get_time;get_day;hi"), 1));
}

#[tokio::test]
async fn at_most_one_call_if_they_may_not_be_parallel() {
    let two = r#"<tool_call>{"name": "get_time"}</tool_call><tool_call>{"name": "get_day"}</tool_call>"#;
    for (parallel, calls) in [(None, 2), (Some(true), 2), (Some(false), 1)] {
        let mut request = with_tools(None);
        request.parallel_tool_calls = parallel;
        let (_, response) = answer(jinja(HERMES), request, two).await.unwrap();
        assert_eq!(response.choices[0].message.tool_calls.len(), calls, "{parallel:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_offered_is_refused_or_left_out() {
    let without_place = "{% for m in messages %}{{ m.content }}{% endfor %}";
    let unknown_form = "{% if tools %}T{% endif %}{% for m in messages %}{{ m.content }}{% endfor %}";
    for (template, word) in [(without_place, "has no place"), (unknown_form, "tool_call_parser")] {
        let error = answer(jinja(template), with_tools(None), CALL).await.unwrap_err();
        assert_eq!((error.kind(), error.param()), (ErrorKind::Unsupported, Some("tools")));
        assert!(error.to_string().contains(word) && error.to_string().contains("drop_params"), "{error}");
        let (body, response) = answer(dropping(jinja(template)), with_tools(None), CALL).await.unwrap();
        assert_eq!((&body["inputs"], response.content()), (&json!("hi"), CALL));
    }
    let settings = Settings { tool_call_parser: Some("hermes".to_owned()), ..jinja(unknown_form) };
    let (body, response) = answer(settings, with_tools(None), CALL).await.unwrap();
    assert_eq!((&body["inputs"], response.choices[0].message.tool_calls.len()), (&json!("Thi"), 1));

    let settings = Settings { tool_call_parser: Some("unknown".to_owned()), ..jinja(HERMES) };
    let error = answer(settings, with_tools(None), CALL).await.unwrap_err();
    assert_eq!((error.kind(), error.param()), (ErrorKind::Configuration, Some("tool_call_parser")));
    let error = answer(jinja(HERMES), with_tools(Some(ToolChoice::Function("f".to_owned()))), CALL).await.unwrap_err();
    assert_eq!((error.kind(), error.param()), (ErrorKind::InvalidRequest, Some("tool_choice")));

    let mut request = with_tools(None);
    request.tools.as_mut().unwrap().push(serde_json::from_value(json!({"type": "web_search"})).unwrap());
    let error = answer(jinja(HERMES), request.clone(), CALL).await.unwrap_err();
    assert!(error.to_string().contains("tools[2]"), "{error}");
    assert_eq!(answer(dropping(jinja(HERMES)), request, CALL).await.unwrap().0["inputs"], "get_time;get_day;hi");
}

#[tokio::test]
async fn named_parameters_are_left_out_before_the_prompt_is_made() {
    let mut policy = ParameterPolicy::default();
    policy.additional_drop_params = vec!["tools".to_owned()];
    let settings = Settings { parameters: Some(policy), ..jinja(HERMES) };
    assert_eq!(answer(settings, with_tools(None), CALL).await.unwrap().0["inputs"], "hi");
}

#[tokio::test]
async fn the_effort_reaches_the_template_under_its_own_name() {
    let template = |variable: &str| format!("{{{{ {variable} }}}}|{{{{ messages[0].content }}}}");
    for (variable, effort, expected) in [
        ("reasoning_effort", "minimal", "minimal|hi"),
        ("enable_thinking", "high", "True|hi"),
        ("enable_thinking", "none", "False|hi"),
        ("thinking", "low", "True|hi"),
        ("messages|length", "low", "1|hi"),
    ] {
        let mut request = question();
        request.reasoning_effort = Some(effort.to_owned());
        assert_eq!(prompt(jinja(&template(variable)), request.clone()).await.unwrap(), expected);
        let own = request.with_parameter(KWARGS, json!({(variable): "own"}));
        if variable != "messages|length" {
            assert_eq!(prompt(jinja(&template(variable)), own).await.unwrap(), "own|hi");
        }
    }
    let harmony = || Settings {
        template: Some(TemplateChoice::Template(catalog::by_name("gpt-oss").unwrap().template())),
        ..Settings::default()
    };
    for (effort, level) in [("xhigh", "high"), ("none", "low"), ("medium", "medium")] {
        let mut request = question();
        request.reasoning_effort = Some(effort.to_owned());
        let prompt = prompt(harmony(), request).await.unwrap();
        assert!(prompt.contains(&format!("Reasoning: {level}")), "{prompt}");
    }
}

#[tokio::test]
async fn channels_are_read_with_and_without_tools() {
    let settings = Settings {
        template: Some(TemplateChoice::Template(catalog::by_name("gpt-oss").unwrap().template())),
        ..Settings::default()
    };
    let text = "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Hi.<|return|>";
    let (_, response) = answer(settings, question(), text).await.unwrap();
    let message = &response.choices[0].message;
    assert_eq!((message.reasoning_content.as_deref(), message.content.as_deref()), (Some("Hm."), Some("Hi.")));
}

#[test]
fn the_calls_of_every_family_can_be_read() {
    for entry in catalog::entries() {
        if let Some(form) = entry.tool_calls() {
            assert!(tool_calls::by_name(form.parser()).is_some(), "{}", entry.name());
        }
    }
}
