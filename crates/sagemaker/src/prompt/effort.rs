//! `reasoning_effort` on text containers: a variable of the chat template.
//!
//! Templates differ in what they call it. One that has no such variable is not told: no answer
//! depends on it alone, and coding agents send it with every request.

use sagewire_chat_template::{ChatTemplate, PromptParameters, ToolCallForm};
use sagewire_types::ChatRequest;
use serde_json::{Map, Value};

use crate::settings::{Settings, defaults::REFUSE};

/// The variable that takes the effort itself.
const EFFORT: &str = "reasoning_effort";

/// The variables by which models that think, or do not, are told so. `none` is the effort without
/// thoughts.
const SWITCHES: [&str; 2] = ["enable_thinking", "thinking"];

/// Moves the effort from a request to the template's variables, unless the caller set them.
pub(super) fn take(
    request: &mut ChatRequest,
    template: &ChatTemplate,
    settings: &Settings,
    parameters: &mut PromptParameters,
) {
    let policy = settings.parameters.as_ref().unwrap_or(&REFUSE);
    if policy.allowed_openai_params.iter().any(|name| name == EFFORT) {
        return;
    }
    let Some(effort) = request.reasoning_effort.take() else { return };
    let variable = if template.reads(EFFORT) {
        let effort = if template.tool_calls() == Some(ToolCallForm::Harmony) { of_harmony(&effort) } else { &effort };
        (EFFORT, Value::from(effort))
    } else if let Some(switch) = SWITCHES.into_iter().find(|switch| template.reads(switch)) {
        (switch, Value::from(effort != "none"))
    } else {
        tracing::debug!(target: "sagewire::parameters", template = template.name(), "`reasoning_effort` left out: the chat template does not take it");
        return;
    };
    let (name, value) = variable;
    parameters.kwargs.get_or_insert_with(Map::new).entry(name).or_insert(value);
}

/// gpt-oss knows [three levels](https://cookbook.openai.com/articles/openai-harmony).
fn of_harmony(effort: &str) -> &str {
    match effort {
        "none" | "minimal" => "low",
        "xhigh" | "max" => "high",
        effort => effort,
    }
}
