//! Whatever the template and the conversation: rendering ends, within its bounds, without a panic,
//! and always in the same way. The same property as the fuzz target's, for stable Rust.

use std::time::UNIX_EPOCH;

use proptest::prelude::*;
use sagewire_chat_template::{ChatTemplate, Conversation, Limits, SpecialTokens};
use serde_json::{Map, Value, json};

/// Pieces that templates are made of, and pieces that break them.
const PIECES: [&str; 96] = [
    "{{ ",
    " }}",
    "{% ",
    " %}",
    "{%- ",
    " -%}",
    "{#",
    "#}",
    "{{-",
    "-}}",
    "{%+",
    "\n",
    " ",
    "text",
    "é日😀",
    "\\",
    "'",
    "\"",
    "if ",
    "elif ",
    "else",
    "endif",
    "for ",
    "m",
    " in ",
    "endfor",
    "set ",
    "endset",
    "macro ",
    "endmacro",
    "call ",
    "endcall",
    "filter ",
    "endfilter",
    "block ",
    "endblock",
    "raw",
    "endraw",
    "with ",
    "endwith",
    "break",
    "continue",
    "generation",
    "endgeneration",
    "include ",
    "import ",
    "extends ",
    "from ",
    "do ",
    "autoescape ",
    "messages",
    "tools",
    "bos_token",
    "loop",
    "loop.index",
    "loop.cycle",
    "namespace(",
    "range(",
    "dict(",
    "self.",
    "caller(",
    "super(",
    "x",
    "x.y",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    ".",
    "|",
    "|tojson",
    "|trim",
    "|length",
    "|join",
    "|map('upper')",
    "|selectattr('role')",
    ".split('a')",
    ".items()",
    ".format(",
    " + ",
    " - ",
    " * ",
    " ** ",
    " // ",
    " % ",
    " ~ ",
    " == ",
    " < ",
    " is ",
    " not ",
    "0",
    "99999999999999999999",
];

fn fragments() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&PIECES[..]), 0..40).prop_map(|pieces| pieces.concat())
}

/// Templates that are well formed more often than not.
fn statements() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        fragments().prop_map(|inner| format!("{{{{ {inner} }}}}")),
        Just("{{ messages[0].content }}".to_owned()),
        Just("{{ messages|tojson(indent=2) }}".to_owned()),
        Just("{% set x = [x, x, messages] %}".to_owned()),
        Just("{% if loop.last %}{% break %}{% endif %}".to_owned()),
        Just("{% continue %}".to_owned()),
        Just("{{ loop([[x]]) }}".to_owned()),
        Just("{{ caller() }}{{ f(x) }}".to_owned()),
        "[a-z <>\n]{0,12}",
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        let body = prop::collection::vec(inner, 0..4).prop_map(|parts| parts.concat());
        (0..12_u8, body).prop_map(|(form, body)| match form {
            0 => format!("{{% for m in messages %}}{body}{{% endfor %}}"),
            1 => format!("{{% if x is defined %}}{body}{{% else %}}{body}{{% endif %}}"),
            2 => format!("{{% set x %}}{body}{{% endset %}}{{{{ x ~ x }}}}"),
            3 => format!("{{% macro f(x) %}}{body}{{% endmacro %}}{{{{ f(f) }}}}"),
            5 => format!("{{% with x = x %}}{body}{{% endwith %}}"),
            6 => format!("{{% call f() %}}{body}{{% endcall %}}"),
            7 => format!("{{% block b %}}{body}{{% endblock %}}{{{{ self.b() }}}}"),
            8 => format!("{{% for m in [] %}}{{% else %}}{body}{{% endfor %}}"),
            9 => format!("{{% for m in range(3) if m != 1 %}}{body}{{% else %}}{body}{{% endfor %}}"),
            10 => format!("{{% generation %}}{body}{{% endgeneration %}}"),
            4 => format!("{{% filter upper %}}{body}{{% endfilter %}}"),
            _ => format!("{{% for x in range(9) recursive %}}{body}{{{{ loop([x]) }}}}{{% endfor %}}"),
        })
    })
}

fn json_values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    let keys = prop_oneof![prop::sample::select(&["role", "content", "tool_calls", "items", "text"][..]), Just("x")];
    leaf.prop_recursive(3, 16, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((keys.clone(), inner), 0..4).prop_map(|entries| {
                Value::Object(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
            }),
        ]
    })
}

fn messages() -> impl Strategy<Value = Vec<Value>> {
    let role = prop::sample::select(&["system", "user", "assistant", "tool", "other"][..]);
    let usual = (role, any::<String>()).prop_map(|(role, content)| json!({"role": role, "content": content}));
    prop::collection::vec(prop_oneof![3 => usual, 1 => json_values()], 0..5)
}

/// Little fuel, so that the test is quick.
fn limits() -> Limits {
    Limits::default().fuel(20_000).output_bytes(64 << 10)
}

fn holds(source: &str, messages: &[Value], kwargs: &Map<String, Value>) -> Result<(), TestCaseError> {
    let tokens = SpecialTokens::new().with("bos_token", "<s>");
    let Ok(template) = ChatTemplate::from_jinja_within(source, tokens, limits()) else { return Ok(()) };
    let conversation = Conversation::new(messages).tools(messages).kwargs(kwargs);
    let first = template.render(&conversation, &|| UNIX_EPOCH);
    if let Ok(prompt) = &first {
        prop_assert!(prompt.len() <= limits().output_bytes);
    }
    // Objects without a text of their own print their address, which differs between runs.
    if !first.as_deref().is_ok_and(|prompt| prompt.to_lowercase().contains(" at 0x")) {
        let again = template.render(&conversation, &|| UNIX_EPOCH);
        prop_assert_eq!(first.map_err(|error| error.to_string()), again.map_err(|error| error.to_string()));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_as_a_template(source in any::<String>(), messages in messages()) {
        holds(&source, &messages, &Map::new())?;
    }

    #[test]
    fn pieces_of_the_language(source in fragments(), messages in messages()) {
        holds(&source, &messages, &Map::new())?;
    }

    #[test]
    fn statements_over_any_conversation(source in statements(), messages in messages(), x in json_values()) {
        let kwargs = Map::from_iter([("x".to_owned(), x)]);
        holds(&source, &messages, &kwargs)?;
    }

    /// Text without markup is itself, but for the line break at its end, which Jinja drops.
    #[test]
    fn text_is_itself(source in "[^{\r]{0,80}") {
        let template = ChatTemplate::from_jinja(&source, SpecialTokens::new());
        let template = template.map_err(|error| TestCaseError::fail(error.to_string()))?;
        let messages = [json!({"role": "user", "content": "x"})];
        let prompt = template.render(&Conversation::new(&messages), &|| UNIX_EPOCH);
        prop_assert_eq!(prompt.ok(), Some(source.strip_suffix('\n').unwrap_or(&source).to_owned()));
    }

    /// Without a format, texts are joined by one blank.
    #[test]
    fn a_plain_join_joins(texts in prop::collection::vec(any::<String>(), 1..5)) {
        let messages: Vec<Value> = texts.iter().map(|text| json!({"role": "user", "content": text})).collect();
        let prompt = ChatTemplate::plain_join().render(&Conversation::new(&messages), &|| UNIX_EPOCH);
        prop_assert_eq!(prompt.ok(), Some(texts.join(" ")));
    }
}
