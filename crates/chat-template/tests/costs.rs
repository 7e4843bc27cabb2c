//! Every filter, test, method and operator is paid for by what it reads and makes: one that works
//! on a large value for the price of a small one would let a template run away.
//!
//! Counted in fuel, never in time: the same expression must run on a small value, and run out on a
//! large one.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use sagewire_chat_template::{ChatTemplate, Conversation, Limit, Limits, SpecialTokens, TemplateError};
use serde_json::{Value, json};

/// What a template gets: texts and lists of this many bytes and items.
struct Sized {
    message: Value,
}

impl Sized {
    fn new(size: usize) -> Self {
        let entries: serde_json::Map<String, Value> = (0..size / 8).map(|n| (format!("k{n}"), json!(n))).collect();
        let items: Vec<Value> = (0..size / 8).map(|n| json!([n])).collect();
        let numbers: Vec<Value> = (0..size / 8).map(|n| json!(n)).collect();
        let message = json!({
            "role": "user",
            "content": "a".repeat(size),
            "other": format!("{}b", "a".repeat(size - 1)),
            "lines": "\n".repeat(size),
            "words": "ab ".repeat(size / 3),
            "wide": "é".repeat(size / 2),
            "controls": "\u{1}".repeat(size),
            "marks": "<".repeat(size),
            "rows": items,
            "numbers": numbers,
            "dict": entries,
        });
        Self { message }
    }

    /// Renders an expression whose value is thrown away.
    fn run(&self, expression: &str, fuel: u64) -> Result<String, TemplateError> {
        let source = format!(
            "{{% set m = messages[0] %}}{{% set s = m.content %}}{{% set t = m.other %}}\
             {{% for x in [1] %}}{{% if ({expression}) is none %}}{{% endif %}}{{% endfor %}}"
        );
        let limits = Limits::default().fuel(fuel);
        let template = ChatTemplate::from_jinja_within(&source, SpecialTokens::new(), limits).unwrap();
        let messages = [self.message.clone()];
        template.render(&Conversation::new(&messages), &|| std::time::UNIX_EPOCH)
    }
}

/// Enough for an expression, too little for reading what [`LARGE`] bytes hold.
const FUEL: u64 = 600;
const SMALL: usize = 48;
const LARGE: usize = 1 << 17;

#[track_caller]
fn assert_paid(expressions: &[&str]) {
    let (small, large) = (Sized::new(SMALL), Sized::new(LARGE));
    let mut free = Vec::new();
    for expression in expressions {
        if let Err(error @ (TemplateError::LimitExceeded { .. } | TemplateError::Syntax { .. })) =
            small.run(expression, FUEL)
        {
            free.push(format!("{expression}: on a small value: {error}"));
        }
        match large.run(expression, FUEL) {
            Err(TemplateError::LimitExceeded { which: Limit::Fuel, .. }) => {}
            other => free.push(format!("{expression}: {other:?}")),
        }
    }
    assert!(free.is_empty(), "work that is not paid for:\n{}", free.join("\n"));
}

#[test]
fn filters_pay_for_the_text_they_read() {
    assert_paid(&[
        "s|length",
        "s|upper",
        "s|lower",
        "s|title",
        "s|capitalize",
        "s|trim('a')",
        "s|trim",
        "s|reverse",
        "s|wordcount",
        "s|list",
        "s|string",
        "s|int",
        "s|float",
        "s|urlencode",
        "s|striptags",
        "m.marks|e",
        "m.marks|forceescape",
        "s|safe",
        "s|center(100)",
        "s|truncate(10)",
        "s|wordwrap(1)",
        "m.words|wordwrap(1)",
        "m.lines|indent",
        "s|tojson",
        "m.controls|tojson",
        "m.wide|tojson(ensure_ascii=true)",
        "s|pprint",
        "s|format",
        "s|replace('b', '')",
        "s|last",
        "s|first",
        "s|default('x', true)",
        "s|random",
        "s|batch(3)|list",
        "s|slice(3)|list",
        "s|sort",
        "s|unique|list",
        "s|select|list",
        "s|map('upper')|list",
        "s|groupby('x')",
        "s|min",
        "s|sum",
        "s|join('-')",
        "s|xmlattr",
        "s|items",
        "s|filesizeformat",
        "s|attr('strip')",
        "s|count",
        "s|d",
        "s|escape",
        "s|reject|list",
    ]);
}

#[test]
fn filters_pay_for_the_text_of_their_arguments() {
    assert_paid(&[
        "'a'|replace(s, '')",
        "'a'|replace('a', s)",
        "'a'|trim(s)",
        "['a', 'b']|join(s)",
        "[s, t]|join",
        "[s, s]|sort",
        "[s, t]|min",
        "[s, t]|max",
        "[s, t]|unique|list",
        "[{'k': s}, {'k': t}]|groupby('k')",
        "{'a': s, 'b': t}|dictsort(by='value')",
        "[s]|map('upper')|list",
        "[s]|map('length')|list",
        "[s]|map('string')|list",
        "[1]|map(attribute=s)|list",
        "[s]|map(attribute='100000')|list",
        "[s]|map(attribute=-100000)|list",
        "[{'k': s}]|map(attribute='k.100000')|list",
        "[s]|select('lower')|list",
        "[s]|select('eq', t)|list",
        "[s]|select('in', t)|list",
        "[{'k': s}]|selectattr('k', 'upper')|list",
        "[{'k': 1}]|selectattr(s)|list",
        "[{'k': s}]|map(attribute='k')|map('trim')|list",
        "[[s, 1]]|urlencode",
        "{'a': s}|xmlattr",
        "{'a': s}|urlencode",
        "'%s'|format(s)",
        "'a'|wordwrap(1, wrapstring=s) ~ 'bb'|wordwrap(1, wrapstring=s)",
        "'a'|indent(s)|length + 'a\\nb'|indent(s)|length",
        "[[1]]|tojson(indent=s)",
        "[1, 2]|tojson(separators=(s, ':'))",
        "[s]|tojson",
        "[m.controls]|string",
        "[s]|pprint",
        "dict([(s, 1)])",
        "dict.fromkeys([s])",
    ]);
}

#[test]
fn filters_pay_for_the_items_they_visit() {
    assert_paid(&[
        "m.numbers|list",
        "m.numbers|sort",
        "m.numbers|unique|list",
        "m.numbers|reverse|list",
        "m.numbers|sum",
        "m.numbers|min",
        "m.numbers|max",
        "m.numbers|map('string')|list",
        "m.numbers|select|list",
        "m.rows|map(attribute='0')|list",
        "m.numbers|batch(2)|list",
        "m.numbers|slice(2)|list",
        "m.numbers|join",
        "m.numbers|last",
        "m.numbers|tojson",
        "m.numbers|string",
        "m.numbers|pprint",
        "m.numbers|random",
        "m.rows|groupby('0')",
        "m.dict|items|list",
        "m.dict|dictsort",
        "m.dict|list",
        "m.dict|tojson(sort_keys=true)",
        "m.dict|urlencode",
        "m.dict|xmlattr",
        "[1]|map('default', *m.numbers)|list",
        "[1]|select('in', *m.numbers)|list",
    ]);
}

#[test]
fn methods_pay_for_the_text_they_read() {
    let plain = [
        "capitalize",
        "casefold",
        "encode",
        "isalnum",
        "isalpha",
        "isascii",
        "isdecimal",
        "isdigit",
        "isidentifier",
        "islower",
        "isnumeric",
        "isprintable",
        "isspace",
        "istitle",
        "isupper",
        "lower",
        "lstrip",
        "rstrip",
        "split",
        "splitlines",
        "strip",
        "swapcase",
        "title",
        "upper",
        "expandtabs",
        "rsplit",
        "format",
    ];
    let direct: Vec<String> = plain.iter().map(|name| format!("s.{name}()")).collect();
    // The engine sees no text in a method that was read first.
    let bound: Vec<String> = plain.iter().map(|name| format!("(s.{name})()")).collect();
    let by_item: Vec<String> = plain.iter().map(|name| format!("s['{name}']()")).collect();
    let all: Vec<&str> = direct.iter().chain(&bound).chain(&by_item).map(String::as_str).collect();
    assert_paid(&all);
    assert_paid(&[
        "'a'.strip(s)",
        "'a'.find(s)",
        "'a'.rfind(s)",
        "'a'.count(s)",
        "'a'.replace(s, '')",
        "'a'.split(s)",
        "'a'.rsplit(s)",
        "'a'.partition(s)",
        "'a'.rpartition(s)",
        "s.startswith(t)",
        "s.startswith((t, t))",
        "s.endswith((t, t))",
        "s.removeprefix(t)",
        "s.removesuffix(t)",
        "'a'.join([s, t])",
        "s.join(['a', 'b'])",
        "'{}'.format(s)",
        "'{:.1}'.format(s)",
        "'{0[100000]}'.format(s)",
        "('a' * 999).translate(s)",
        "'{0}{0}'.format(s)",
        "'{x}'.format_map({'x': s})",
        "'a'.translate({97: s})",
        "s.translate({97: none})",
        "m.lines.splitlines()",
        "m.words.split()",
        "m.words.rsplit()",
        "s.split('a')",
        "s.rsplit('a')",
        "{s: 1}.get(t)",
        "{'a': 1}.get(s)",
        "m.wide[::-1]",
        "m.wide[1:]",
        "s.index('b')",
        "s.zfill(3)",
        "s.center(3)",
    ]);
}

#[test]
fn methods_pay_for_the_items_they_visit() {
    assert_paid(&[
        "m.dict.items()",
        "m.dict.keys()",
        "m.dict.values()",
        "m.dict.copy()",
        "(m.dict.items)()",
        "m.numbers.copy()",
        "m.numbers.index(-1)",
        "m.numbers.count(1)",
        "dict(m.dict)",
        "dict(**m.dict)",
        "dict(m.numbers|batch(2))",
        "dict.fromkeys(m.numbers)",
        "namespace(m.dict)",
        "cycler(*m.numbers)",
        "s.encode()|list",
    ]);
}

#[test]
fn operators_pay_for_what_they_compare_and_make() {
    assert_paid(&[
        "s + t",
        "s ~ t",
        "s * 2",
        "s == t",
        "s != t",
        "s < t",
        "1 < 2 and s <= t",
        "[s] == [t]",
        "(s,) < (t,)",
        "{'a': s} == {'a': t}",
        "s in t",
        "'b' in s",
        "s in [t]",
        "s in {'a': 1}",
        "s in {t: 1}",
        "s in {t: 1}.values()",
        "[s] in [[t]]",
        "s is eq t",
        "s is ne t",
        "s is lt t",
        "s is ge t",
        "s is in [t]",
        "s is in t",
        "s is lower",
        "s is upper",
        "s is sameas t",
        "[s] is eq [t]",
        "'%s' % s",
        "'%.1s' % s",
        "'%(a)s' % {'a': s}",
        "s % ()",
        "s[1:]",
        "s[::-1]",
        "s[-1]",
        "s[s|length - 1]",
        "s[100000]",
        "m.wide[30000]",
        "{'a': 1}[s]",
        "m[s]",
        "{s: 1}",
        "{(s,): 1}",
        "{s: 1}[t]",
        "m.numbers + m.numbers",
        "m.numbers * 2",
        "m.numbers == m.dict.values()|list",
        "m.numbers[1:]",
        "m.numbers < m.numbers",
        "-1 in m.numbers",
        "m.rows == m.rows",
        "loop.changed(s) or loop.changed(t)",
        "loop.changed(m.numbers)",
        "strftime_now(s)",
    ]);
}

#[test]
fn a_call_cannot_make_more_than_the_fuel_pays_for() {
    let large = Sized::new(LARGE);
    let mut free = Vec::new();
    for expression in [
        "([s] * 10000)|map('upper')|list",
        "([s] * 10000)|sort",
        "([s] * 10000)|unique|list",
        "([{'k': s}] * 10000)|groupby('k')|list",
        "([s] * 10000)|join",
        "([[s, 1]] * 10000)|urlencode",
        "('{0}' * 10000).format(s)",
        "('%(a)s' * 10000) % {'a': s}",
        "('a' * 10000).translate({97: s})",
        "([[]] * 10000)|tojson(indent=s)",
        "([[[[[[[1]]]]]]] * 10000)|tojson(indent=60000)",
        "([1] * 10000)|tojson(separators=(s, s))",
        "('a' * 10000).replace('a', s)",
        "('a' * 10000)|replace('', s)",
        "('a\\n' * 10000)|indent(s)",
        "('a ' * 10000)|wordwrap(1, wrapstring=s)",
        "s.join('a' * 10000)",
        "([m.marks] * 10000)|map('e')|list",
        "([m.controls] * 10000)|string",
        "([m.wide] * 10000)|tojson(ensure_ascii=true)",
        "([s] * 10000) == ([t] * 10000)",
        "s in ([t] * 10000)",
        "([t] * 10000).index(s)",
        "([t] * 10000).count(s)",
        "s.endswith((t,) * 10000)",
        "([1] * 10000)|map(attribute=s)|list",
    ] {
        match large.run(expression, 40_000) {
            Err(TemplateError::LimitExceeded { which: Limit::Fuel, .. }) => {}
            other => free.push(format!("{expression}: {other:?}")),
        }
    }
    assert!(free.is_empty(), "work that is not paid for:\n{}", free.join("\n"));
}

#[test]
fn a_chain_of_comparisons_evaluates_each_operand_once() {
    let mut source = "1".to_owned();
    for _ in 0..30 {
        source = format!("(0 < {source} < 9)");
    }
    // Twice as many instructions per level would be a billion.
    let small = Sized::new(SMALL);
    assert!(small.run(&source, FUEL).is_ok());
}
