//! Templates that mean harm end in an error after a bounded number of steps and bytes: they never
//! hang, never fill the memory, never overflow the stack, and never panic. The tests run on threads
//! with small stacks, like a server's.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

use sagewire_chat_template::{ChatTemplate, Conversation, KeepGoing, Limit, Limits, SpecialTokens, TemplateError};
use serde_json::json;

/// The stack a worker thread of a server has.
const STACK: usize = 2 << 20;

/// Compiles and renders on a small stack.
fn render_within(source: &str, limits: Limits) -> Result<String, TemplateError> {
    let source = source.to_owned();
    let run = move || {
        let template = ChatTemplate::from_jinja_within(&source, SpecialTokens::new(), limits)?;
        let messages = [json!({"role": "user", "content": "x", "list": [[1], [2]]})];
        template.render(&Conversation::new(&messages), &|| std::time::UNIX_EPOCH)
    };
    std::thread::Builder::new().stack_size(STACK).spawn(run).unwrap().join().unwrap()
}

fn render(source: &str) -> Result<String, TemplateError> {
    // Little fuel, so that the tests are quick: the bound is the same, only sooner.
    render_within(source, Limits::default().fuel(200_000))
}

#[track_caller]
fn assert_limited(source: &str) {
    match render(source) {
        Err(TemplateError::LimitExceeded { .. }) => {}
        other => panic!(
            "{}: should go past a limit, but: {:?}",
            source.chars().take(120).collect::<String>(),
            other.map(|text| text.len())
        ),
    }
}

/// Any end is fine, as long as there is one.
fn assert_ends(source: &str) {
    let _ = render(source);
}

#[test]
fn loops_run_out_of_fuel() {
    assert_limited("{% for a in range(100000) %}{% for b in range(100000) %}{{ b }}{% endfor %}{% endfor %}");
    assert_limited("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}");
    assert_limited("{% macro f() %}{% for i in range(100000) %}{{ f() }}{% endfor %}{% endmacro %}{{ f() }}");
    assert_limited("{% for a in range(100000) recursive %}{{ loop(range(100000)) }}{% endfor %}");
}

#[test]
fn strings_and_lists_cannot_explode() {
    assert_limited("{{ 'x' * 10000000000 }}");
    assert_limited("{{ [0] * 10000000000 }}");
    assert_limited("{{ 'x'.center(9000000000) }}");
    assert_limited("{{ 'x'.zfill(9000000000) }}");
    assert_limited("{{ 'x'|center(9000000000) }}");
    assert_limited("{{ ('\\t' * 100000).expandtabs(1000000) }}");
    assert_limited(
        "{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}{{ ns.s|length }}",
    );
    assert_limited("{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}");
    assert_limited(
        "{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set ns.s = ns.s.replace('x', 'xx') %}{% endfor %}",
    );
    assert_limited(
        "{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set ns.s = ns.s|replace('', ns.s) %}{% endfor %}",
    );
    assert_limited(
        "{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set ns.s = [ns.s, ns.s]|join %}{% endfor %}",
    );
    assert_limited(
        "{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set ns.s = '%s%s' % (ns.s, ns.s) %}{% endfor %}",
    );
    assert_limited(
        "{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set ns.s = '{0}{0}'.format(ns.s) %}{% endfor %}",
    );
    assert_limited(
        "{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set x %}{{ ns.s }}{{ ns.s }}{% endset %}{% set ns.s = x %}{% endfor %}",
    );
    assert_limited("{% set ns = namespace(l=[0]) %}{% for i in range(100) %}{% set ns.l = ns.l + ns.l %}{% endfor %}");
    assert_limited(
        "{% set ns = namespace(s='&') %}{% for i in range(100) %}{% set ns.s = ns.s|forceescape ~ ns.s %}{% endfor %}",
    );
    assert_limited(
        "{% set ns = namespace(s='\n') %}{% for i in range(60) %}{% set ns.s = ns.s|indent(9000000, blank=true) %}{% endfor %}",
    );
    assert_limited("{{ range(3)|batch(90000000000, 'x')|list }}");
    assert_limited("{{ range(3)|slice(90000000000)|list }}");
    assert_limited("{{ [1]|tojson(indent=90000000000) }}");
}

#[test]
fn a_width_from_the_arguments_is_bounded_as_a_written_one() {
    for form in ["%*d", "%*s", "%0*d", "%*c", "%#*x", "%-*s", "%+*d", "%*.2f", "%(*)d"] {
        for width in ["10**18", "10**12", "10001", "-10**18", "9223372036854775807", "-9223372036854775807 - 1"] {
            let source = format!("{{{{ '{form}' % ({width}, 65) }}}}");
            assert!(render(&source).is_err(), "{source}");
        }
    }
    for form in ["%.*f", "%.*e", "%.*g", "%.*s"] {
        assert!(render(&format!("{{{{ '{form}' % (10**18, 1.5) }}}}")).is_err(), "{form}");
    }
    assert_limited("{{ ('%*d' * 9000) % ((9999, 1) * 9000) }}");
    // As Python: a negative width aligns left, a negative precision is none.
    assert_eq!(render("{{ '[%*d|%*d|%0*d|%-*s]' % (4, 1, -4, 2, 3, 7, 3, 'x') }}").unwrap(), "[   1|2   |007|x  ]");
    assert_eq!(render("{{ '[%.*f|%.*s|%*.*f]' % (1, 2.55, 2, 'abc', 6, 1, 0.25) }}").unwrap(), "[2.5|ab|   0.2]");
    assert!(matches!(render("{{ '%*d' % ('4', 1) }}"), Err(TemplateError::Type { .. })));
}

#[test]
fn a_rendering_stops_when_it_is_told_to() {
    let messages = [json!({"role": "user", "content": "x".repeat(20_000)})];
    for body in [
        "{{ s[i] }}",
        "{{ s|upper|length }}",
        "{% if s|upper == s %}{% endif %}",
        "{% set x = s ~ i %}",
        "{% set x = [s]|map('upper') %}",
        "{% for j in range(1000) %}{% endfor %}",
        "{{ f() }}",
    ] {
        let source = format!(
            "{{% macro f() %}}{{% for j in range(99) %}}{{{{ j }}}}{{% endfor %}}{{% endmacro %}}\
             {{% set s = messages[0].content %}}{{% for i in range(100000) %}}{body}{{% endfor %}}"
        );
        let template = ChatTemplate::from_jinja(&source, SpecialTokens::new()).unwrap();
        let left = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(20));
        let asked = std::sync::Arc::clone(&left);
        let keep_going = KeepGoing::new(move |_| {
            let enough = std::sync::atomic::Ordering::Relaxed;
            asked.fetch_update(enough, enough, |left| left.checked_sub(1)).is_ok()
        });
        let result = template.render_while(&Conversation::new(&messages), &|| std::time::UNIX_EPOCH, &keep_going);
        assert!(matches!(result, Err(TemplateError::Stopped)), "{body}: {:?}", result.map(|text| text.len()));
    }
    // Work that is about to be done counts: a caller that allows few steps is not kept by one large
    // one.
    let template = ChatTemplate::from_jinja("{% set x = 'x' * 9000000 %}{{ x|length }}", SpecialTokens::new()).unwrap();
    let few = KeepGoing::new(|steps| steps < 5_000);
    let result = template.render_while(&Conversation::new(&messages), &|| std::time::UNIX_EPOCH, &few);
    assert!(matches!(result, Err(TemplateError::Stopped)));
    // No variable of the caller's takes the place of the bounds.
    let kwargs = json!({" bounds": 1, "begin": 1});
    let conversation = Conversation::new(&messages).kwargs(kwargs.as_object().unwrap());
    let template =
        ChatTemplate::from_jinja("{% for i in range(9) %}{{ i }}{% endfor %}", SpecialTokens::new()).unwrap();
    let result = template.render_while(&conversation, &|| std::time::UNIX_EPOCH, &KeepGoing::new(|_| false));
    assert!(matches!(result, Err(TemplateError::Stopped)));
}

#[test]
fn shared_parts_cannot_unfold_exponentially() {
    let doubling = |end: &str| {
        format!(
            "{{% set ns = namespace(l=[]) %}}{{% for i in range(100) %}}{{% set ns.l = [ns.l, ns.l] %}}{{% endfor %}}{end}"
        )
    };
    assert_limited(&doubling("{{ ns.l }}"));
    assert_limited(&doubling("{{ ns.l|tojson }}"));
    assert_limited(&doubling("{{ ns.l == ns.l }}"));
    let straight: String = (0..60).map(|_| "{% set x = [x, x] %}").collect();
    assert_limited(&format!("{{% set x = [] %}}{straight}{{{{ x|string|length }}}}"));
    let tuples: String = (0..60).map(|_| "{% set x = (x, x) %}").collect();
    assert_limited(&format!("{{% set x = () %}}{tuples}{{{{ {{x: 1}} }}}}"));
    let dicts: String = (0..60).map(|_| "{% set x = {'a': x, 'b': x} %}").collect();
    assert_limited(&format!("{{% set x = {{}} %}}{dicts}{{{{ x == x }}}}"));
}

#[test]
fn values_cannot_nest_without_end() {
    for step in [
        "[ns.l]",
        "(ns.l,)",
        "{'a': ns.l}",
        "ns.l|batch(1)|list",
        "[ns.l]|batch(1)",
        "[ns.l]|slice(1)|list",
        "[ns.l]|map('list')",
        "[ns.l]|select",
        "[ns.l]|reverse",
        "dict(a=ns.l)",
        "dict(a=ns.l).items()",
        "dict(a=ns.l)|items",
        "namespace(a=ns.l)",
        "[ns.l].index",
        "cycler(ns.l)",
        "ns.l + [ns.l]",
        "[ns.l] if true else 1",
        "none or [ns.l]",
        "[[ns.l]][0:1]",
        "[ns.l]|unique",
        "([ns.l]|groupby('x')) or [ns.l]",
        "[[ns.l]]|first",
        "[[ns.l]]|last",
    ] {
        let source = format!(
            "{{% set ns = namespace(l=[]) %}}{{% for i in range(100000) %}}{{% set ns.l = {step} %}}{{% endfor %}}"
        );
        let result = render(&source);
        assert!(result.is_err(), "{step}: {:?}", result.map(|text| text.len()));
    }
    assert_limited("{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}");
    assert_limited("{% set ns = namespace() %}{% set ns.a = [ns] %}{{ ns.a }}");
    assert_limited("{% set ns = namespace(l=1) %}{% for x in [ns.l] %}{% set ns.l = loop %}{% endfor %}");
    let nested: String = (0..5000).map(|_| "{% set x = [x] %}").collect();
    assert_limited(&format!("{{% set x = [] %}}{nested}"));
    let with: String = (0..400).map(|_| "{% with x = [x] %}").collect();
    assert_ends(&format!("{{% set x = [] %}}{with}{}", "{% endwith %}".repeat(400)));
    assert_ends("{% macro f(x) %}{{ f([x]) }}{% endmacro %}{{ f(1) }}");
}

#[test]
fn recursion_is_bounded() {
    assert_limited("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}");
    assert_limited("{% macro f() %}{{ g() }}{% endmacro %}{% macro g() %}{{ f() }}{% endmacro %}{{ f() }}");
    assert_ends(
        "{% macro f() %}{{ caller() }}{% call f() %}{{ f() }}{% endcall %}{% endmacro %}{% call f() %}{% endcall %}",
    );
    assert_limited("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}");
    assert_ends("{% block a %}{{ self.a() }}{% endblock %}");
    assert_ends("{% block a %}{{ super() }}{% endblock %}");
    let blocks: String = (0..100).map(|n| format!("{{% block b{n} %}}")).collect();
    assert_ends(&format!("{blocks}x{}", "{% endblock %}".repeat(100)));
}

#[test]
fn deep_sources_are_refused_or_run_but_never_overflow() {
    let deep: [(&str, &str, &str); 14] = [
        ("{{ ", "(", " }}"),
        ("{{ ", "[", " }}"),
        ("{{ ", "not ", "x }}"),
        ("{{ ", "-", "1 }}"),
        ("{{ x", "+x", " }}"),
        ("{{ x", "~x", " }}"),
        ("{{ x", "|trim", " }}"),
        ("{{ x", ".a", " }}"),
        ("{{ x", "[0]", " }}"),
        ("{{ x", "()", " }}"),
        ("{{ x", " if x else x", " }}"),
        ("{{ x", " and x", " }}"),
        ("{{ 2", "**2", " }}"),
        ("{{ x", " < x", " }}"),
    ];
    for count in [100, 300, 990, 5_000, 40_000] {
        for (start, step, end) in deep {
            assert_ends(&format!("{start}{}{end}", step.repeat(count)));
        }
        assert_ends(&format!("{}{}", "{% if x %}".repeat(count), "{% endif %}".repeat(count)));
        assert_ends(&format!("{{% if x %}}{}{{% endif %}}", "{% elif x %}".repeat(count)));
        assert_ends(&format!("{}{}", "{% for x in x %}".repeat(count), "{% endfor %}".repeat(count)));
        assert_ends(&format!("{{{{ {}{} }}}}", "[".repeat(count), "]".repeat(count)));
        assert_ends(&format!("{{{{ {}1{} }}}}", "{1:".repeat(count), "}".repeat(count)));
        assert_ends(&format!("{{{{ f({}) }}}}", "1,".repeat(count)));
        assert_ends(&format!("{{{{ [{}]|length }}}}", "1,".repeat(count)));
    }
    assert_ends(&"{% raw %}".repeat(10_000));
    assert_ends(&"\n".repeat(70_000));
    assert_ends(&"{#".repeat(10_000));
}

#[test]
fn engine_calls_with_odd_arguments_do_not_panic() {
    for source in [
        "{% for x in [1] %}{{ loop.cycle() }}{% endfor %}",
        "{% for x in [1] %}{{ loop.cycle(*[]) }}{% endfor %}",
        "{% for x in [1] %}{{ loop['cycle']() }}{% endfor %}",
        "{% for x in [1] %}{{ (loop|attr('cycle'))() }}{% endfor %}",
        "{{ 'abc'[::0] }}",
        "{{ [1][::-9223372036854775807 - 1] }}",
        "{{ range(-9223372036854775807, 9223372036854775807, 9223372036854775807)|list }}",
        "{{ range(1, 2, 0) }}",
        "{{ 1 // 0 }}{{ 1 % 0 }}{{ 1 / 0 }}{{ 0 ** -1 }}",
        "{{ (-170141183460469231731687303715884105727 - 1) // -1 }}",
        "{{ (-170141183460469231731687303715884105727 - 1)|abs }}",
        "{{ -(-170141183460469231731687303715884105727 - 1) }}",
        "{{ 'é'[1:] }}{{ 'é'.center(3) }}{{ 'éa'.find('a') }}{{ 'é'|truncate(1, true, '') }}",
        "{{ 'x'.encode()[0] }}{{ 'x'.encode() + 'x' }}",
        "{{ '%c' % -1 }}{{ '%*d' % (-5, 3) }}",
        "{{ '{:*^99999999999}'.format(1) }}",
        "{{ 1|round(-400) }}{{ 1.5|round(400) }}{{ 1e308|round(-308) }}",
        "{{ 'a'|wordwrap(0) }}{{ 'a'|batch(0) }}",
        "{{ x.y.z }}{{ x() }}{{ none() }}",
        "{{ messages[0].list|sort(attribute='0') }}",
        "{{ strftime_now('%') }}{{ strftime_now('%Q%-') }}",
        "{{ self.a() }}{{ self }}{{ super() }}{{ caller() }}{{ loop(1) }}",
        "{{ dict(**{'a': 1}) }}{{ dict(*[1]) }}",
        "{{ []|random }}{{ []|first }}{{ ''|last }}",
    ] {
        for piece in source.split("}}").filter(|piece| !piece.trim().is_empty()) {
            assert_ends(&format!("{piece}}}}}"));
        }
        assert_ends(source);
    }
}

#[test]
fn jumps_out_of_blocks_do_not_panic() {
    let blocks = [
        ("{% with a = 1 %}", "{% endwith %}"),
        ("{% set a %}", "{% endset %}"),
        ("{% filter upper %}", "{% endfilter %}"),
        ("{% autoescape true %}", "{% endautoescape %}"),
        ("{% macro f() %}", "{% endmacro %}{{ f() }}"),
        ("{% call f() %}", "{% endcall %}"),
        ("{% block a %}", "{% endblock %}"),
        ("{% generation %}", "{% endgeneration %}"),
        ("{% for b in [] %}{% else %}", "{% endfor %}"),
        ("{% for b in [1] %}", "{% else %}{% break %}{% endfor %}"),
        ("{% if a %}", "{% else %}{% continue %}{% endif %}"),
        ("", ""),
    ];
    for jump in ["{% break %}", "{% continue %}"] {
        for (outer, outer_end) in blocks {
            for (inner, inner_end) in blocks {
                let body = format!("{outer}{inner}{jump}{inner_end}{outer_end}");
                assert_ends(&body);
                assert_ends(&format!("{{% for a in [1, 2] %}}{body}{{% endfor %}}"));
                assert_ends(&format!("{{% for a in [1, 2] recursive %}}{{{{ loop([]) }}}}{body}{{% endfor %}}"));
                assert_ends(&format!(
                    "{outer}{{% for a in [1, 2] %}}{inner}{jump}{inner_end}{{% endfor %}}{outer_end}"
                ));
            }
        }
    }
    assert!(matches!(render("{% break %}"), Err(TemplateError::Syntax { .. })));
    assert_eq!(
        render("{% for a in [1, 2] %}{% for b in [] %}{% else %}{% break %}{% endfor %}{{ a }}{% endfor %}!").unwrap(),
        "!"
    );
}

#[test]
fn nothing_outside_is_reached() {
    for source in [
        "{% include '/etc/passwd' %}",
        "{% import '/etc/passwd' as x %}",
        "{% extends '/etc/passwd' %}",
        "{% from '/etc/passwd' import x %}",
        "{% include ['a', 'b'] ignore missing %}",
    ] {
        assert!(render(source).is_err(), "{source}");
    }
    for source in ["{{ open('/etc/passwd') }}", "{{ ''.__class__.__mro__ }}", "{{ env }}{{ os }}", "{{ debug() }}"] {
        let text = render(source);
        assert!(text.is_err() || text.as_deref().is_ok_and(str::is_empty), "{source}: {text:?}");
    }
}

#[test]
fn each_limit_names_itself() {
    let which = |source: &str, limits: Limits| match render_within(source, limits) {
        Err(TemplateError::LimitExceeded { which, bound }) => (which, bound),
        other => panic!("{other:?}"),
    };
    assert_eq!(which("{% for i in range(100) %}{{ i }}{% endfor %}", Limits::default().fuel(50)), (Limit::Fuel, 50));
    assert_eq!(which("{{ 'x' * 200 }}", Limits::default().output_bytes(100)), (Limit::OutputBytes, 100));
    assert_eq!(which("xxxxxxxxxx", Limits::default().source_bytes(5)), (Limit::SourceBytes, 5));
    let macros = "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}";
    assert_eq!(which(macros, Limits::default().recursion(50)), (Limit::Recursion, 50));
    let message = render("{{ 'x' * 10000000000 }}").unwrap_err().to_string();
    assert!(message.contains("200000 steps of one rendering"), "{message}");
}
