//! Random templates and conversations: small, mostly sensible, and full of corners where Python and the engine could
//! part ways.

use serde_json::{Value, json};

/// A small generator of random numbers (xorshift64*): the same seed gives the same cases everywhere.
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
/// What expressions are made of, by what they are meant to be. `$T` stands for a text, `$N` a number, `$L` a list, `$D`
/// a dictionary, `$B` a truth value, `$A` whatever was left undefined or unknown, `$*` any of them.
struct Grammar {
    symbol: char,
    /// Expressions without parts.
    atoms: &'static [&'static str],
    /// Expressions with parts.
    rules: &'static [&'static str],
}

const GRAMMAR: [Grammar; 6] = [
    Grammar {
        symbol: 'T',
        atoms: &[
            "'a'",
            "''",
            "'it\\'s'",
            "\" x \"",
            "'Hello world'",
            "'%s-%s'",
            "y",
            "messages[0]['role']",
            "messages[-1].role",
            "bos_token",
            "messages[0].content",
            "'a,b ,c'",
            "'<b>'",
            "eos_token",
        ],
        rules: &[
            "($T + $T)",
            "($T + $T + $T)",
            "($T ~ $*)",
            "($T)|trim",
            "($T)|upper",
            "($T)|lower",
            "($T)|title",
            "($T)|capitalize",
            "($T)|replace('a', 'b')",
            "($T)|replace('l', '', 1)",
            "($T)|indent(2)",
            "($T)|indent(2, true)",
            "($*)|string",
            "($T)|trim('a')",
            "($T)|safe",
            "($T)|e",
            "($T)|truncate(5)",
            "($T)|center(9)",
            "($T)|reverse",
            "($T)|urlencode",
            "($T)|striptags",
            "($T)|forceescape",
            "($T)|first",
            "($T)|default('D')",
            "($T)|list|join('.')",
            "($T)|format('q', 2)",
            "($T).strip()",
            "($T).lstrip()",
            "($T).rstrip('x')",
            "($T).upper()",
            "($T).title()",
            "($T).replace('a', 'bb')",
            "($T).replace('', '-')",
            "($T).zfill(5)",
            "($T).center(8, '*')",
            "($T).ljust(6)",
            "($T).swapcase()",
            "($T).removeprefix('H')",
            "($T).format(1, 'x')",
            "($T).join(['1', '2'])",
            "($T).strip('a ')",
            "($T).expandtabs()",
            "($*)|tojson",
            "($*)|tojson(indent=2)",
            "($*)|tojson(ensure_ascii=true)",
            "($*)|tojson(sort_keys=true)",
            "($*)|tojson(separators=(',', ':'))",
            "($T)[0]",
            "($T)[-1]",
            "($T)[1:]",
            "($T)[::-1]",
            "($T)[1:3]",
            "($L)|join",
            "($L)|join(', ')",
            "($L)|join('<')",
            "($L)|join(', ', attribute='role')",
            "($T * 2)",
            "($T % ($T, $N))",
            "($T % $T)",
            "('%5.2f|%d|%x' % ($N, $N, 255))",
            "('{:>5}|{!r}'.format($T, $*))",
        ],
    },
    Grammar {
        symbol: 'N',
        atoms: &[
            "0",
            "1",
            "2",
            "-1",
            "7",
            "2.5",
            "1e16",
            "0.1",
            "-3",
            "10",
            "messages|length",
            "1_000",
            "0x1f",
            "1e-7",
            "true",
        ],
        rules: &[
            "($N + $N)",
            "($N - $N)",
            "($N * $N)",
            "($N / $N)",
            "($N // $N)",
            "($N % $N)",
            "-($N)",
            "($T)|length",
            "($L)|length",
            "($D)|length",
            "($N)|abs",
            "($N)|int",
            "($N)|float",
            "($N)|round",
            "($N)|round(1)",
            "($T).find('l')",
            "($T).count('a')",
            "($T).rfind(' ')",
            "($T).index('')",
            "($T)|int",
            "($T)|float",
            "($T)|int(7)",
            "($T)|wordcount",
            "($L)|sum",
            "($L)|max",
            "($L)|min",
            "($L).index(1)",
            "($L).count(1)",
        ],
    },
    Grammar {
        symbol: 'L',
        atoms: &[
            "[]",
            "[3, 1, 2]",
            "messages",
            "messages[1:]",
            "('x', 'y')",
            "['b', 'A', 'c']",
            "range(4)",
            "tools",
            "[1.5, none, 'x']",
            "[[1, 2], [3]]",
            "y.split()",
            "[{'a': 2}, {'a': 1}]",
        ],
        rules: &[
            "($L + $L)",
            "($L)[1:]",
            "($L)[::-1]",
            "($L)[:2]",
            "($L)[-2:]",
            "($L)[::2]",
            "($L)[1:-1:2]",
            "($L)|list",
            "($L)|reverse|list",
            "($L)|sort",
            "($L)|sort(reverse=true)",
            "($L)|unique|list",
            "($L)|batch(2)|list",
            "($L)|slice(2)|list",
            "($L)|select|list",
            "($L)|reject('none')|list",
            "($L)|map('string')|list",
            "($L)|select('string')|list",
            "($L)|select('gt', 1)|list",
            "($L)|map(attribute='a')|list",
            "($L)|map(attribute='role')|list",
            "($L)|selectattr('role', 'equalto', 'user')|list",
            "($L)|rejectattr('content')|list",
            "($L)|map('upper')|list",
            "($L)|sort(attribute='a')",
            "($L)|map('tojson')|list",
            "($L)|batch(3, 'z')|list",
            "($L)|groupby('role')|list",
            "($L)|map(attribute='zz', default=0)|list",
            "($T).split()",
            "($T).split(',')",
            "($T).rsplit(' ', 1)",
            "($T).splitlines()",
            "($T).partition(' ')",
            "($T).split('a', 1)",
            "($D)|list",
            "($D)|items|list",
            "($D)|dictsort",
            "($D)|dictsort(by='value')",
            "($D).keys()|list",
            "($D).values()|list",
            "($D).items()|list",
            "($D).keys()",
            "($D).items()",
            "[$*, $*]",
            "($*, $*)",
            "($L * 2)",
            "($L)|map('first')|list",
            "($L).copy()",
        ],
    },
    Grammar {
        symbol: 'D',
        atoms: &[
            "{}",
            "{'a': 1, 'b': [2]}",
            "messages[0]",
            "messages[-1]",
            "{'items': 1, 'B': 2, 'a': none}",
            "{1: 'x', none: 2.0}",
        ],
        rules: &["{'k': $*, 'l': $*}", "dict($D, z=$*)", "($D).copy()"],
    },
    Grammar {
        symbol: 'B',
        atoms: &["true", "false", "none", "missing", "add_generation_prompt", "tools", "messages[0].zz"],
        rules: &[
            "($N < $N)",
            "($N >= $N)",
            "($N == $N)",
            "($N != $N)",
            "(0 < $N <= 5)",
            "($T == $T)",
            "($T in $T)",
            "($T not in $T)",
            "($T < $T)",
            "($* in $L)",
            "($* not in $L)",
            "($T in $D)",
            "($B and $*)",
            "($B or $*)",
            "(not $B)",
            "($* is defined)",
            "($* is not none)",
            "($* is string)",
            "($* is mapping)",
            "($* is iterable)",
            "($* is sequence)",
            "($* is number)",
            "($* is integer)",
            "($* is float)",
            "($* is boolean)",
            "($* is true)",
            "($* is eq 'user')",
            "($* is sameas none)",
            "($T is lower)",
            "($* is in ['user', 1])",
            "($* is callable)",
            "($* == $*)",
            "($* != $*)",
            "($L < $L)",
            "($N is odd)",
            "($N is divisibleby 2)",
            "($T).startswith('a')",
            "($T).endswith(('x', ''))",
            "($T).isdigit()",
            "($T).isalpha()",
            "($T).isspace()",
            "($T).istitle()",
        ],
    },
    Grammar {
        symbol: 'A',
        atoms: &[
            "missing",
            "none",
            "messages[9]",
            "loop.index",
            "m",
            "x",
            "messages[0].content",
            "messages[0].tool_calls",
        ],
        rules: &[
            "($* if $B else $*)",
            "($* if $B)",
            "($L)[0]",
            "($L)[-1]",
            "($L)[9]",
            "($L)['a']",
            "($D).a",
            "($D)['b']",
            "($D).get('a')",
            "($D).get('zz', 'D')",
            "($D).items",
            "($D)['items']",
            "($D).content",
            "($D).zz",
            "($*)|default('D')",
            "($*)|default('D', true)",
            "($L)|first",
            "($L)|last",
            "($*)|list",
            "($*)|length",
            "($L)|map('upper')",
            "($L)|selectattr('role')",
            "($*)|attr('items')",
            "($L)|groupby('a')",
        ],
    },
];

/// A random expression, of a kind or nearly.
fn expression(random: &mut Random, depth: usize, symbol: char) -> String {
    let symbol = match symbol {
        _ if random.one_in(16) => 'A',
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
    match random.below(9) {
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
            ]);
            format!("{{%{left} for m in {items} {right}%}}{}{{% endfor %}}", body(random))
        }
        2 | 3 => format!("{{%{left} if {e} {right}%}}{}{{% else %}}{}{{% endif %}}", body(random), body(random)),
        4 => format!("{{%{left} set x = {e} {right}%}}{}", body(random)),
        5 => format!("{{% set x %}}{}{{% endset %}}{}", body(random), body(random)),
        6 => format!(
            "{{% set ns = namespace(v={e}) %}}{{% for m in messages %}}{{% set ns.v = {} %}}{{% endfor %}}{{{{ ns.v }}}}",
            expression(random, 1, '*')
        ),
        7 => format!("{{% macro f(a, b=2) %}}{}{{{{ a }}}}{{% endmacro %}}{{{{ f({e}) }}}}", body(random)),
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
    let template: String = (0..count).map(|_| statement(random, 2)).collect();
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
