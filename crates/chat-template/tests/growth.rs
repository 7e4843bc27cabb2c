//! What a rendering costs grows no faster than what it is given, in steps and in memory, and no
//! template can make it take more memory than its limits pay for.
//!
//! Steps are fuel, found by trying how little is enough; memory is what the allocator gave out at
//! its peak. One test, so that nothing else allocates meanwhile.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use peak_alloc::PeakAlloc;
use sagewire_chat_template::{ChatTemplate, Conversation, Limits, SpecialTokens, TemplateError};
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const MIB: usize = 1 << 20;

/// One use of each operation that walks, copies or compares what it is given.
const LINEAR: &[&str] = &[
    "s[-1]",
    "s[s|length - 1]",
    "s[s|length // 2]",
    "{'a': 1}[s]",
    "m[s]",
    "[s]|map(attribute='-1')|list",
    "'{0[1]}'.format(s)",
    "s.translate({97: 98})",
    "s + t",
    "s ~ t ~ s",
    "s * 2",
    "s == t",
    "s < t",
    "t in s",
    "'b' in s",
    "s in [t, s]",
    "s[1:]",
    "s[::-1]",
    "[s, t]|join(s)",
    "s.join([t, t])",
    "m.numbers|join('-')",
    "m.rows|map(attribute='0')|join",
    "m.words.split()|join(' ')",
    "s|length",
    "s|upper",
    "s|trim",
    "s|reverse",
    "s|list",
    "s|replace('a', 'bc')",
    "s|tojson",
    "s|title",
    "s|wordwrap(9)",
    "s|indent",
    "m.lines|indent(2)",
    "m.marks|e",
    "m.controls|tojson",
    "s|urlencode",
    "s|center(999)",
    "'%s %s' % (s, t)",
    "'%*d' % (99, 1)",
    "'%.*f' % (99, 1)",
    "'{} {}'.format(s, t)",
    "s.split('a')",
    "s.splitlines()",
    "s.find('b')",
    "s.count('a')",
    "s.strip('a')",
    "s.startswith(t)",
    "s.upper()",
    "s.title()",
    "s.expandtabs()",
    "s.encode()",
    "m.numbers|list",
    "m.numbers + [1]",
    "m.numbers[1:]",
    "m.numbers|reverse|list",
    "m.numbers|map('string')|list",
    "m.numbers|select|list",
    "m.numbers|batch(3)|list",
    "m.numbers|tojson",
    "m.numbers|string",
    "m.numbers == m.rows",
    "m.rows == m.rows",
    "7 in m.numbers",
    "m.dict|items|list",
    "m.dict|tojson",
    "m.dict.items()|list",
    "m.dict|length",
    "dict(m.dict)",
    "namespace(m.dict)",
    "m|tojson",
    "m|string",
];

/// What sorts may take a logarithm more.
const NEARLY_LINEAR: &[&str] =
    &["m.numbers|sort", "m.numbers|unique|list", "m.dict|dictsort", "m.rows|groupby('0')", "m.numbers|max"];

/// Templates that make much out of little: each must end within the memory that its limits pay for.
const BOMBS: &[&str] = &[
    "{{ s.join(s) }}",
    "{{ s|list|join(s) }}",
    "{{ s|join(s) }}",
    "{{ [s, s]|join(s * 9) }}",
    "{{ ([s] * 1000)|map('upper')|list }}",
    "{{ ([s] * 100000)|string }}",
    "{{ ([s] * 100000)|tojson }}",
    "{{ s|list|list|list|length }}",
    "{{ s|replace('', s) }}",
    "{{ (s * 20) * 20 }}",
    "{{ '%s%s' % (s * 15, s * 15) }}",
    "{{ '{0}{0}'.format(s * 15) }}",
    "{{ '%*d' % (10**18, 1) }}",
    "{{ '%-*s' % (10**9, s) }}",
    "{{ '%.*f' % (10**9, 1.5) }}",
    "{{ ('%*d' * 1000) % ((9999, 1) * 1000) }}",
    "{{ s|center(10**12) }}",
    "{% for i in range(1000) %}{{ s }}{% endfor %}",
    "{% set x %}{% for i in range(1000) %}{{ s }}{% endfor %}{% endset %}",
    "{% macro f() %}{% for i in range(1000) %}{{ s }}{% endfor %}{% endmacro %}{{ f() }}",
    "{% filter upper %}{% for i in range(1000) %}{{ s }}{% endfor %}{% endfilter %}",
    "{% set ns = namespace(l=[]) %}{% for i in range(1000) %}{% set ns.l = ns.l + [s ~ i] %}{% endfor %}",
    "{% set ns = namespace(s=s) %}{% for i in range(1000) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
];

fn message(size: usize) -> Value {
    let entries: serde_json::Map<String, Value> = (0..size / 8).map(|n| (format!("k{n}"), json!(n))).collect();
    json!({
        "role": "user",
        "content": "a".repeat(size),
        "other": format!("{}b", "a".repeat(size - 1)),
        "lines": "a\n".repeat(size / 2),
        "words": "ab ".repeat(size / 3),
        "controls": "\u{1}".repeat(size),
        "marks": "<".repeat(size),
        "rows": (0..size / 8).map(|n| json!([n])).collect::<Vec<_>>(),
        "numbers": (0..size / 8).collect::<Vec<_>>(),
        "dict": entries,
    })
}

fn render(body: &str, message: &Value, limits: Limits) -> Result<String, TemplateError> {
    let source = format!("{{% set m = messages[0] %}}{{% set s = m.content %}}{{% set t = m.other %}}{body}");
    let template = ChatTemplate::from_jinja_within(&source, SpecialTokens::new(), limits).unwrap();
    template.render(&Conversation::new(std::slice::from_ref(message)), &|| std::time::UNIX_EPOCH)
}

/// The least fuel that an expression gets by with.
fn steps(expression: &str, message: &Value) -> u64 {
    let body = format!("{{% if ({expression}) is none %}}{{% endif %}}");
    let is_enough = |fuel| {
        let rendered = render(&body, message, Limits::default().fuel(fuel));
        !matches!(rendered, Err(TemplateError::LimitExceeded { .. }))
    };
    let mut enough = 16;
    while !is_enough(enough) {
        enough *= 2;
    }
    let mut too_little = enough / 2;
    while enough - too_little > 1 {
        let middle = too_little.midpoint(enough);
        if is_enough(middle) { enough = middle } else { too_little = middle }
    }
    enough
}

/// The most memory that a rendering takes beyond what is there before, in bytes.
fn peak(body: &str, message: &Value, limits: Limits) -> usize {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let _ = render(body, message, limits);
    ALLOCATOR.peak_usage().saturating_sub(before)
}

#[test]
fn cost_grows_with_size_and_memory_is_bounded() {
    const SIZE: usize = 128;
    let sizes: Vec<usize> = (0..7).map(|power| SIZE << power).collect();
    let messages: Vec<Value> = sizes.iter().map(|size| message(*size)).collect();
    let mut faults = Vec::new();
    for (expressions, allowance) in [(LINEAR, 1), (NEARLY_LINEAR, 3)] {
        for expression in expressions {
            let body = format!("{{% if ({expression}) is none %}}{{% endif %}}");
            let (first_steps, first_peak) =
                (steps(expression, &messages[0]), peak(&body, &messages[0], Limits::default()));
            for (size, message) in sizes.iter().zip(&messages) {
                let factor = size / SIZE;
                let (steps, peak) = (steps(expression, message), peak(&body, message, Limits::default()));
                if steps > first_steps * factor as u64 * allowance {
                    faults.push(format!("{expression}: {first_steps} steps for {SIZE} bytes, {steps} for {size}"));
                }
                if peak > first_peak * factor * 2 {
                    faults.push(format!("{expression}: peak of {first_peak} for {SIZE} bytes, {peak} for {size}"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "costs that grow faster than what is given:\n{}", faults.join("\n"));

    // A unit of fuel pays for 64 bytes; 16 MiB of texts and as much again for what grows.
    let (large, limits) = (message(MIB / 16), Limits::default().fuel(500_000).output_bytes(4 * MIB));
    let paid = 64 * 500_000;
    for bomb in BOMBS {
        let peak = peak(bomb, &large, limits.clone());
        if peak > paid + 16 * MIB {
            faults.push(format!("{bomb}: a peak of {} MiB", peak / MIB));
        }
    }
    assert!(faults.is_empty(), "memory beyond the limits:\n{}", faults.join("\n"));
}
