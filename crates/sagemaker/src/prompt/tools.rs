//! The tools of a request to a text container: which ones the prompt offers, and how the model's
//! calls are read out of its answer.
//!
//! A text container knows no tools. The chat template writes them into the prompt, and the model
//! answers in the form it was trained on, which the template's family tells, or the setting
//! `tool_call_parser`.

use sagewire_chat_template::ChatTemplate;
use sagewire_dialects::{Dialect, ParameterPolicy, ToolCallParser, ToolCallReading, tool_calls};
use sagewire_types::{ChatRequest, Error, ErrorKind, Tool, ToolChoice};
use serde_json::{Value, json};

use crate::{
    checks::unknown_setting,
    settings::{Settings, defaults::REFUSE},
};

/// What the prompt and the reading of the answer need.
#[derive(Debug, Default)]
pub(super) struct Tools {
    /// The tools that the prompt offers, as the request has them.
    pub(super) offered: Vec<Value>,
    pub(super) reading: Option<ToolCallReading>,
}

/// What a request asks for.
struct Asked {
    tools: Vec<Tool>,
    /// Whether the answer must be a call.
    must_call: bool,
    only_one: bool,
}

/// Takes the tools out of a request. If the answer must be a call and the dialect can see to it,
/// the request gets the schema of the call as its `response_format`.
///
/// # Errors
/// `Unsupported` if the template has no place for tools, their calls cannot be read, or the dialect
/// cannot hold the model to a call, unless `drop_params` is set; `InvalidRequest` for a choice of a
/// tool that is not there; `Configuration` for an unknown `tool_call_parser`.
pub(super) fn take(
    request: &mut ChatRequest,
    template: &ChatTemplate,
    dialect: &dyn Dialect,
    settings: &Settings,
) -> Result<Tools, Error> {
    let policy = settings.parameters.as_ref().unwrap_or(&REFUSE);
    let parser = parser(settings, template)?;
    let offers_none = Tools {
        offered: Vec::new(),
        reading: parser.filter(|parser| parser.divides_text()).map(|parser| ToolCallReading::new(parser, [])),
    };
    let is_passed_on = policy.allowed_openai_params.iter().any(|name| name == "tools");
    if is_passed_on || request.tools.as_ref().is_none_or(Vec::is_empty) {
        return Ok(offers_none);
    }
    let Some(asked) = asked(request, policy)? else { return Ok(offers_none) };
    let refusal = match parser {
        _ if !template.takes_tools() => Some(no_place(template)),
        None => Some(unknown_form(template)),
        Some(_) => None,
    };
    match refusal {
        Some(_) if policy.drop_params => {
            tracing::debug!(target: "sagewire::parameters", template = template.name(), "`tools` left out: their calls could not be read");
            return Ok(offers_none);
        }
        Some(error) => return Err(error),
        None => {}
    }
    let schema = tool_calls::forced_schema(&asked.tools).filter(|_| asked.must_call && dialect.constrains_answers());
    if asked.must_call && schema.is_none() {
        if !policy.drop_params {
            return Err(cannot_be_forced(dialect));
        }
        tracing::debug!(target: "sagewire::parameters", dialect = dialect.name(), "`tool_choice` left out: the dialect cannot see to it");
    }
    let offered = written(&asked.tools)?;
    let is_forced = schema.is_some();
    if let Some(schema) = schema {
        request.response_format =
            Some(json!({ "type": "json_schema", "json_schema": { "name": "call", "schema": schema } }));
    }
    let reading = if is_forced {
        Some(ToolCallReading::forced(parser, asked.tools))
    } else {
        parser.map(|parser| ToolCallReading::new(parser, asked.tools))
    };
    Ok(Tools { offered, reading: reading.map(|reading| reading.only_one(asked.only_one || is_forced)) })
}

/// The parser of the model's calls: the one that is set, else that of the template.
fn parser(settings: &Settings, template: &ChatTemplate) -> Result<Option<&'static ToolCallParser>, Error> {
    match settings.tool_call_parser.as_deref() {
        Some(name) => match tool_calls::by_name(name) {
            Some(parser) => Ok(Some(parser)),
            None => Err(unknown_setting("tool_call_parser", name, &tool_calls::names())),
        },
        None => Ok(template.tool_calls().and_then(|form| tool_calls::by_name(form.parser()))),
    }
}

/// The tools that may be called. `None` if none may.
fn asked(request: &mut ChatRequest, policy: &ParameterPolicy) -> Result<Option<Asked>, Error> {
    let mut tools = request.tools.take().unwrap_or_default();
    if let Some(place) = tools.iter().position(|tool| tool.function.is_none()) {
        if !policy.drop_params {
            return Err(not_a_function(place, &tools));
        }
        tools.retain(|tool| tool.function.is_some());
    }
    let parallel = request.parallel_tool_calls.take();
    let mut asked = Asked { tools, must_call: false, only_one: parallel == Some(false) };
    match request.tool_choice.take() {
        None | Some(ToolChoice::Auto) => {}
        Some(ToolChoice::None) => return Ok(None),
        Some(ToolChoice::Required) => asked.must_call = true,
        Some(ToolChoice::Function(name)) => {
            asked.keep(&[&name])?;
            (asked.must_call, asked.only_one) = (true, true);
        }
        Some(choice) => match allowed(&choice) {
            Some((names, must_call)) => {
                asked.keep(&names)?;
                asked.must_call = must_call;
            }
            None if policy.drop_params => {}
            None => return Err(unknown_choice()),
        },
    }
    Ok(Some(asked).filter(|asked| !asked.tools.is_empty()))
}

/// The tools that [`allowed_tools`](https://platform.openai.com/docs/api-reference/chat/create#chat_create-tool_choice) names, and whether one
/// of them must be called.
fn allowed(choice: &ToolChoice) -> Option<(Vec<&str>, bool)> {
    let ToolChoice::Other(choice) = choice else { return None };
    let allowed = choice.get("allowed_tools")?;
    let must_call = match allowed.get("mode").and_then(Value::as_str)? {
        "auto" => false,
        "required" => true,
        _ => return None,
    };
    let tools = allowed.get("tools")?.as_array()?.iter();
    let names: Option<_> = tools.map(|tool| tool.pointer("/function/name").and_then(Value::as_str)).collect();
    Some((names?, must_call))
}

impl Asked {
    fn keep(&mut self, names: &[&str]) -> Result<(), Error> {
        let name_of = |tool: &Tool| tool.function.as_ref().map(|function| function.name.clone());
        let known: Vec<String> = self.tools.iter().filter_map(name_of).collect();
        if let Some(unknown) = names.iter().find(|name| !known.iter().any(|known| known == *name)) {
            return Err(Error::invalid(
                "tool_choice",
                format!("`tool_choice` names `{unknown}`, which `tools` does not have"),
            ));
        }
        self.tools.retain(|tool| name_of(tool).is_some_and(|name| names.contains(&name.as_str())));
        Ok(())
    }
}

fn written(tools: &[Tool]) -> Result<Vec<Value>, Error> {
    let as_json = |tool| {
        serde_json::to_value(tool)
            .map_err(|error| Error::invalid("tools", "a tool cannot be written as JSON").with_source(error))
    };
    tools.iter().map(as_json).collect()
}

fn no_place(template: &ChatTemplate) -> Error {
    unsupported(
        "tools",
        format!(
            "the chat template `{}` has no place for `tools`: set `chat_template` or `hf_model_name` to one that has, use `sagemaker_chat/` if the \
             container speaks the Messages API, or set `drop_params` to leave them out",
            template.name()
        ),
    )
}

fn unknown_form(template: &ChatTemplate) -> Error {
    unsupported(
        "tools",
        format!(
            "the form of tool calls is not known for the chat template `{}`: set `tool_call_parser` to one of `{}`, or set `drop_params` to leave \
             `tools` out",
            template.name(),
            tool_calls::names().join("`, `")
        ),
    )
}

fn cannot_be_forced(dialect: &dyn Dialect) -> Error {
    unsupported(
        "tool_choice",
        format!(
            "a `{}` container cannot be held to a tool call: set `tool_choice` to `auto`, or set `drop_params` to have it treated so",
            dialect.name()
        ),
    )
}

fn not_a_function(place: usize, tools: &[Tool]) -> Error {
    let kind = tools.get(place).map(|tool| tool.kind.as_str()).unwrap_or_default();
    unsupported(
        "tools",
        format!(
            "`tools[{place}]` is of type `{kind}`: text containers support functions only; remove it, or set `drop_params` to leave it out"
        ),
    )
}

fn unknown_choice() -> Error {
    unsupported(
        "tool_choice",
        "unknown form of `tool_choice`: expected `auto`, `none`, `required`, a function or `allowed_tools`".to_owned(),
    )
}

fn unsupported(param: &str, message: String) -> Error {
    Error::new(ErrorKind::Unsupported, message).with_param(param)
}
