//! Random templates and conversations: small, mostly sensible, and full of corners where Python and
//! the engine could part ways.

use serde_json::{Value, json};

use crate::grammar::GRAMMAR;

/// A small generator of random numbers (xorshift64*): the same seed gives the same cases
/// everywhere.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap() % bound
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

const TEXTS: [&str; 14] = [
    "Hello",
    "",
    " lead",
    "trail \n",
    "it's \"q\"",
    "naïve é 日本 😀",
    "<b>&</b>",
    "a,b,c",
    "line1\nline2\r\n",
    "%s {0} {{",
    "\t\u{1c}x\u{a0}",
    "ABC def",
    "</think>x",
    "0",
];

/// A random expression, of a kind or nearly.
fn expression(random: &mut Random, depth: usize, symbol: char) -> String {
    let symbol = match symbol {
        _ if random.one_in(40) => 'A',
        '*' => ['T', 'N', 'L', 'D', 'B', 'A'][random.below(6)],
        symbol => symbol,
    };
    let grammar = GRAMMAR.iter().find(|grammar| grammar.symbol == symbol).unwrap();
    let rule = random.pick(if depth == 0 { grammar.atoms } else { grammar.rules });
    let mut parts = rule.split('$');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut chars = part.chars();
        text.push_str(&expression(random, depth.saturating_sub(1), chars.next().unwrap()));
        text.push_str(chars.as_str());
    }
    text
}

/// A random piece of a template.
fn statement(random: &mut Random, depth: usize) -> String {
    let depth_of_expression = 1 + random.below(2);
    let e = expression(random, depth_of_expression, '*');
    let trim = |random: &mut Random| if random.one_in(3) { "-" } else { "" };
    let (left, right) = (trim(random), trim(random));
    if depth == 0 {
        return match random.below(4) {
            0 => random.pick(&["text", " ", "\n", "  \n", "{# c #}", "a {#- b -#} c"]).to_owned(),
            _ => format!("{{{{{left} {e} {right}}}}}"),
        };
    }
    let body = |random: &mut Random| {
        let count = 1 + random.below(2);
        (0..count).map(|_| statement(random, depth - 1)).collect::<Vec<_>>().join(random.pick(&["", " ", "\n", "|"]))
    };
    match random.below(16) {
        0 | 1 => {
            let items = random.pick(&[
                "messages",
                "messages",
                "messages[1:]",
                "range(3)",
                "'ab'",
                "{'a': 1, 'b': 2}",
                "tools",
                "x",
                "missing",
                "{'b': 1, 'a': 2}.items()",
                "messages|selectattr('role', 'eq', 'user')",
                "messages|reverse",
                "none",
            ]);
            match random.below(6) {
                0 => format!("{{%{left} for m in {items} {right}%}}{}{{% else %}}none{{% endfor %}}", body(random)),
                1 => format!("{{%{left} for m in {items} if {e} {right}%}}{}{{% endfor %}}", body(random)),
                2 => format!(
                    "{{%{left} for m in {items} {right}%}}{}{{% if {e} %}}{{% {} %}}{{% endif %}}{}{{% endfor %}}",
                    body(random),
                    random.pick(&["break", "continue"]),
                    body(random)
                ),
                _ => format!("{{%{left} for m in {items} {right}%}}{}{{% endfor %}}", body(random)),
            }
        }
        2 | 3 => format!("{{%{left} if {e} {right}%}}{}{{% else %}}{}{{% endif %}}", body(random), body(random)),
        4 => format!("{{%{left} set x = {e} {right}%}}{}", body(random)),
        5 => format!("{{% set x %}}{}{{% endset %}}{}", body(random), body(random)),
        6 => format!(
            "{{% set ns = namespace(v={e}) %}}{{% for m in messages %}}{{% set ns.v = {} %}}{{% endfor %}}{{{{ ns.v }}}}",
            expression(random, 1, '*')
        ),
        7 => format!("{{% macro f(a, b=2) %}}{}{{{{ a }}}}{{% endmacro %}}{{{{ f({e}) }}}}", body(random)),
        8 => format!("{{% with x = {e}, z = 1 %}}{}{{% endwith %}}{{{{ x }}}}", body(random)),
        9 => format!(
            "{{% macro g(a) %}}<{{{{ caller({}) }}}}>{{% endmacro %}}{{% call(b) g({e}) %}}{}{{{{ b }}}}{{% endcall %}}",
            expression(random, 1, '*'),
            body(random)
        ),
        10 => {
            format!("{{% filter {} %}}{}{{% endfilter %}}", random.pick(&["upper", "trim", "indent(1)"]), body(random))
        }
        11 => format!("{{% generation %}}{}{{% endgeneration %}}", body(random)),
        12 => format!("{{% set c = cycler(1, 'b', none) %}}{{% set j = joiner('+') %}}{}", body(random)),
        13 => format!(
            "{{% for k, v in ({}).items() %}}{{{{ k }}}}={{{{ v }}}}{}{{% endfor %}}",
            expression(random, 1, 'D'),
            body(random)
        ),
        14 => format!("{{% set x, z = {e}, {} %}}{}", expression(random, 1, '*'), body(random)),
        _ => format!("{}{}", body(random), statement(random, depth - 1)),
    }
}

fn message(random: &mut Random) -> Value {
    let role = random.pick(&["user", "assistant", "system", "tool", "user", "assistant"]);
    let content = match random.below(8) {
        0 => Value::Null,
        1 => json!([{"type": "text", "text": random.pick(&TEXTS)}]),
        _ => json!(random.pick(&TEXTS)),
    };
    let mut message = json!({"role": role, "content": content});
    if random.one_in(6) {
        message["tool_calls"] = json!([{"id": "abcdefghi", "type": "function",
            "function": {"name": "f", "arguments": {"x": 1.5, "y": [true, null], "z": random.pick(&TEXTS)}}}]);
    }
    if random.one_in(8) {
        message[random.pick(&["reasoning_content", "thinking", "reasoning"])] = json!("because");
    }
    message
}

/// One case: a template and what to render with it.
pub(crate) fn case(random: &mut Random) -> Value {
    let count = 1 + random.below(3);
    let mut template = "{% set c = cycler(1, 'b', none) %}{% set j = joiner('+') %}".to_owned();
    template.extend((0..count).map(|_| statement(random, 2)));
    let messages: Vec<Value> = (0..1 + random.below(4)).map(|_| message(random)).collect();
    let tools = if random.one_in(3) {
        json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}])
    } else {
        Value::Null
    };
    let continued = random.one_in(25);
    json!({
        "template": template,
        "messages": messages,
        "tools": tools,
        "add_generation_prompt": !continued && random.one_in(2),
        "continue_final_message": continued,
        "kwargs": {"y": random.pick(&TEXTS)},
    })
}
