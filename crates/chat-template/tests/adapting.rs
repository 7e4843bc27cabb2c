//! A tool turn as OpenAI's clients send it, through templates that want it in different forms.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use sagewire_chat_template::{ChatTemplate, Conversation, SpecialTokens};
use serde_json::{Value, json};

fn render(source: &str, messages: &Value) -> String {
    let template = ChatTemplate::from_jinja(source, SpecialTokens::new()).unwrap().adapting();
    template.render(&Conversation::new(messages.as_array().unwrap()), &|| std::time::UNIX_EPOCH).unwrap()
}

fn tool_turn() -> Value {
    json!([
        {"role": "user", "content": "weather?"},
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "get", "arguments": "{\"city\": \"Paris\"}"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "sunny"}
    ])
}

#[test]
fn arguments_are_what_the_template_takes() {
    let as_json = "{% for m in messages %}{% if m.tool_calls %}{{ m.tool_calls[0].function.arguments | tojson }}\
        {% else %}{{ m.content }}{% endif %}|{% endfor %}";
    assert_eq!(render(as_json, &tool_turn()), "weather?|{\"city\": \"Paris\"}|sunny|");
    let as_pairs = "{% for m in messages %}{% for c in m.tool_calls or [] %}{% for k, v in c.function.arguments|items %}\
        <{{ k }}>{{ v }}{% endfor %}{% endfor %}{{ m.content or '' }}{% endfor %}";
    assert_eq!(render(as_pairs, &tool_turn()), "weather?<city>Parissunny");
    // As DeepSeek R1 and V3: the text, and only for an answer whose content is none.
    let as_text = "{% for m in messages %}{% if m.role == 'assistant' and m.content is none %}\
        {{ '[' + m.tool_calls[0].function.arguments + ']' }}{% else %}{{ m.content }}{% endif %}{% endfor %}";
    assert_eq!(render(as_text, &tool_turn()), "weather?[{\"city\": \"Paris\"}]sunny");
}

#[test]
fn null_content_is_none_where_it_is_asked_for_and_is_never_printed() {
    let asks = "{% for m in messages %}[{{ m.role }}:{% if m.content is none %}none{% elif m.content is not defined %}\
        undefined{% else %}{{ m.content }}{% endif %}]{% endfor %}";
    assert_eq!(render(asks, &tool_turn()), "[user:weather?][assistant:none][tool:sunny]");
    let absent = json!([{"role": "user", "content": "a"}, {"role": "assistant"}]);
    assert_eq!(render(asks, &absent), "[user:a][assistant:undefined]");
    let prints = "{% for m in messages %}[{{ m.content }}]{% endfor %}";
    assert_eq!(render(prints, &json!([{"role": "assistant", "content": null}])), "[]");
}

#[test]
fn developer_is_system_unless_the_template_knows_it() {
    let messages = json!([{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "hi"}]);
    let roles = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}";
    assert_eq!(render(roles, &messages), "<system>Be brief.<user>hi");
    assert_eq!(render(&format!("{roles}{{# developer #}}"), &messages), "<developer>Be brief.<user>hi");
}
