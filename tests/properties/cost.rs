//! What reading foreign bytes costs: every reader, with the inputs that cost it most.
//!
//! Owns the table of hand-made inputs, those that are made from the corpora by repeating a part of
//! a file, and the judgement: what an allocator counts is within the reader's bound, and grows no
//! faster than the input.

use libtest_mimic::{Failed, Trial};
use proptest::{
    prelude::*,
    sample::{Index, select},
    test_runner::{Config, TestRunner},
};
use sagewire_tests::properties::{Cost, Property};

use crate::service;

/// The shortest input, in bytes. The longest is 64 times as long.
const SHORTEST: usize = 1024;
const TIMES: [usize; 6] = [2, 4, 8, 16, 32, 64];
/// A table that doubles may cost three times its share just then.
const JITTER: u64 = 3;

/// A text whose middle is repeated until it is long enough.
struct Worst {
    name: &'static str,
    head: &'static str,
    repeated: &'static str,
    tail: &'static str,
}

const fn worst(name: &'static str, head: &'static str, repeated: &'static str, tail: &'static str) -> Worst {
    Worst { name, head, repeated, tail }
}

impl Worst {
    fn of_length(&self, length: usize) -> Vec<u8> {
        grown(self.head.as_bytes(), self.repeated.as_bytes(), self.tail.as_bytes(), length)
    }
}

/// The three parts, with the middle repeated.
fn grown(head: &[u8], repeated: &[u8], tail: &[u8], length: usize) -> Vec<u8> {
    let times = length.saturating_sub(head.len() + tail.len()).div_ceil(repeated.len());
    [head, &repeated.repeat(times), tail].concat()
}

/// The worst inputs by the name of the property whose reader takes them.
const WORST: &[(&str, &[Worst])] = &[
    (
        "requests",
        &[
            worst("empty objects", r#"{"model":"m","messages":[],"x":["#, "{},", "0]}"),
            worst("empty lists", r#"{"model":"m","messages":[],"x":["#, "[],", "0]}"),
            worst("numbers", r#"{"model":"m","messages":[],"x":["#, "1,", "0]}"),
            worst("numbers in place of token ids", r#"{"model":"m","messages":[],"input":["#, "1,", "0]}"),
            worst("numbers in place of a prompt", r#"{"model":"m","messages":[],"prompt":["#, "1,", "0]}"),
            worst("token ids to embed", r#"{"model":"m","input":["#, "1,", "0]}"),
            worst("lists of token ids", r#"{"model":"m","input":["#, "[1],", "[0]]}"),
            worst("token ids that are not all", r#"{"model":"m","input":["#, "1,", "\"a\"]}"),
            worst("short texts", r#"{"model":"m","messages":[],"x":["#, "\"\",", "0]}"),
            worst("keys", r#"{"model":"m","messages":[],"x":{"#, r#""a":0,"#, r#""a":0}}"#),
            worst("parameters", r#"{"model":"m","messages":[]"#, r#","a":0"#, "}"),
            worst(
                "messages",
                r#"{"model":"m","messages":["#,
                r#"{"role":"user","content":""},"#,
                r#"{"role":"user"}]}"#,
            ),
            worst(
                "parts",
                r#"{"model":"m","messages":[{"role":"user","content":["#,
                r#"{"type":"text","text":""},"#,
                r#"{"type":"text","text":""}]}]}"#,
            ),
            worst("a long text", r#"{"model":"m","messages":[{"role":"user","content":""#, "long ", r#""}]}"#),
            worst("a text of escapes", r#"{"model":"m","messages":[{"role":"user","content":""#, "\\n", r#""}]}"#),
            worst(
                "halves of characters",
                r#"{"model":"m","messages":[{"role":"user","content":""#,
                "\\ud83d",
                r#""}]}"#,
            ),
            worst("halves in a further parameter", r#"{"model":"m","messages":[],"x":""#, "\\ud83d", r#""}"#),
            worst(
                "an image",
                r#"{"model":"m","messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":""#,
                "AAAA",
                r#""}}]}]}"#,
            ),
            worst(
                "the result of a tool",
                r#"{"model":"m","messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":""#,
                "long ",
                r#""}]}]}]}"#,
            ),
            worst(
                "the arguments of a tool",
                r#"{"model":"m","messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{"a":""#,
                "long ",
                r#""}}]}]}"#,
            ),
            worst(
                "instructions",
                r#"{"model":"m","messages":[{"role":"user","content":"a"}],"system":""#,
                "long ",
                r#""}"#,
            ),
            worst("blanks", r#"{"model":"m","messages":[]"#, " ", "}"),
            worst("brackets", r#"{"model":"m","messages":[],"x":"#, "[", ""),
            worst("commas", r#"{"model":"m","messages":[],"x":["#, ",", "]}"),
        ],
    ),
    (
        "dialects",
        &[
            worst("lines of a record without an end", "tgi\n{\"a\":[\n", "{}\n,\n", ""),
            worst("tokens", "tgi\n", "data:{\"token\":{\"text\":\"a\"}}\n\n", ""),
            worst("tokens with a stop text", "tgi stop\n", "data:{\"token\":{\"text\":\"E\"}}\n\n", ""),
            worst("tokens after a prompt", "tgi prompt\n", "data:{\"token\":{\"text\":\"Hello\"}}\n\n", ""),
            worst("choices", "messages\ndata:{\"choices\":[", "{},", "{}]}\n\n"),
            worst(
                "choices far apart",
                "messages\n",
                "data:{\"choices\":[{\"index\":127,\"delta\":{\"content\":\"a\"}}]}\n\n",
                "",
            ),
            worst(
                "calls of tools",
                "messages\n",
                "data:{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"a\"}}]}}]}\n\n",
                "",
            ),
            worst("thoughts", "messages\n", "data:{\"choices\":[{\"delta\":{\"content\":\"<think>\"}}]}\n\n", ""),
            worst(
                "log probabilities",
                "messages logprobs\n{\"choices\":[{\"message\":{\"content\":\"\"},\"logprobs\":{\"content\":[",
                "{\"token\":\"a\",\"logprob\":-1},",
                "{}]}}]}",
            ),
            worst("further fields", "messages\n{\"choices\":[{\"message\":{\"content\":\"a\"}}],\"x\":[", "{},", "0]}"),
            worst("lines of nothing", "lmi\n", "\n", ""),
            worst("comments", "tgi\n", ": a\n\n", ""),
            worst("a long line", "lmi\n{\"token\":{\"text\":\"", "long ", "\"}}\n"),
            worst("half characters", "lmi\n{\"token\":{\"text\":\"", "\\ud83d", "\"}}\n"),
            worst("numbers beyond a float", "lmi\n{\"generated_text\":\"a\",\"x\":[", "1e999,", "NaN]}\n"),
            worst("outputs", "lmi\n{\"outputs\":[", "\"a\",", "\"a\"]}"),
            worst("generations", "jumpstart\n[", "{\"generated_text\":\"a\"},", "{\"generated_text\":\"a\"}]"),
        ],
    ),
    (
        "records",
        &[
            worst("lines that may end it", "{\"a\":[\n", "{}\n,\n", ""),
            worst("opening brackets", "", "{\n", ""),
            worst("closing brackets", "", "}\n", ""),
            worst("data without an event", "", "data: a\n", ""),
            worst("carriage returns", "", "\r", ""),
            worst("quotation marks", "{\"", "\\\"", ""),
        ],
    ),
    (
        "embeddings",
        &[
            worst("numbers", "tei\n[[", "1,", "0]]"),
            worst("long numbers", "tei\n[[0.", "1", "]]"),
            worst("vectors", "hf\n[", "[1],", "[0]]"),
            worst("vectors of tokens", "hf\n[[", "[1],", "[0]]]"),
            worst("vectors that are cut", "openai cut\n{\"data\":[{\"embedding\":[", "1,", "0]}]}"),
            worst("entries", "openai\n{\"data\":[", "{\"embedding\":[1]},", "{\"embedding\":[1]}]}"),
            worst("base64", "openai\n{\"data\":[{\"embedding\":\"", "AAAA", "\"}]}"),
            worst("brackets", "hf\n", "[", ""),
        ],
    ),
    // Each byte is a choice: of the form, of a word, of an odd value and of its field.
    (
        "odd_replies",
        &[
            worst("odd tokens", "\u{4}\u{4}", "\u{7}", ""),
            worst("odd pieces with a call", "\u{2}\u{4}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}", "\u{7}\u{3}", ""),
        ],
    ),
    ("event_stream", &[worst("the smallest frame", "", "\0\0\0\x10\0\0\0\0\0\0\0\0\0\0\0\0", "")]),
    (
        "configuration",
        &[
            worst("models", "model_list:\n", "- {model_name: m, litellm_params: {model: sagemaker/e}}\n", ""),
            worst("unknown keys", "general_settings:\n", "  a: 1\n", ""),
            worst("flow", "model_list: [", "{},", "{}]\n"),
            worst("aliases", "a: &a {b: c}\nx:\n", "- *a\n", ""),
            worst("references", "model_list:\n", "- {model_name: os.environ/A}\n", ""),
            worst("brackets", "model_list: ", "[", ""),
            worst("a long text", "model_list: '", "long ", "'"),
        ],
    ),
    (
        "profiles",
        &[
            worst("sections", "", "[a]\n", ""),
            worst("keys", "[profile app]\n", "a=b\n", ""),
            worst("continued values", "[profile app]\na =\n", " b\n", ""),
            worst("nested keys", "[profile app]\ns3 =\n", "  a = b\n", ""),
            worst("a long line", "[profile app]\na = ", "long ", "\n"),
        ],
    ),
    (
        "chat_template",
        &[
            worst("outputs", "", "{{a}}", ""),
            worst("blocks", "", "{%if a%}", ""),
            worst("operators", "{{a", "+a", "}}"),
            worst("filters", "{{a", "|trim", "}}"),
            worst("brackets", "{{", "(", ""),
            worst("a list", "{% set a = [", "1,", "1] %}"),
            worst("macros", "", "{%macro a()%}{%endmacro%}", ""),
            worst("text", "", "long ", ""),
            worst("comments", "", "{# a #}", ""),
            worst(
                "messages",
                "{% for m in messages %}{{m.content}}{% endfor %}\n=====\n{\"messages\":[",
                "{\"role\":\"user\",\"content\":\"a\"},",
                "{}]}",
            ),
        ],
    ),
    (
        "signature",
        &[
            worst("parameters of a query", "GET /?", "a&", "\n\n"),
            worst("parts of a path", "GET /", "a/", "\n\n"),
            worst("dots in a path", "GET /", "../", "\n\n"),
            worst("headers", "POST /\n", "a: b\n", "\n"),
            worst("blanks in a header", "POST /\na: b", " b", "\n\n"),
            worst("encoded signs", "GET /", "%2F", "\n\n"),
        ],
    ),
    (
        "tool_calls",
        &[
            worst("marks", "hermes\n", "<tool_call>", ""),
            worst("half marks", "deepseek_v3\n", "<｜tool", ""),
            worst("closing marks", "mistral\n[TOOL_CALLS]", "]", ""),
            worst("braces", "llama3_json\n", "{", ""),
            worst("braces of a forced call", "hermes forced\n", "{", ""),
            worst("brackets", "olmo3\n<function_calls>", "[", ""),
            worst("calls", "lfm2\n", "<|tool_call_start|>[get_time()]", ""),
            worst(
                "parameters",
                "qwen3_coder\n<tool_call><function=get_weather>",
                "<parameter=city>a</parameter>",
                "</function></tool_call>",
            ),
            worst("values", "glm45\n<tool_call>get_weather", "<arg_key>a</arg_key><arg_value>1</arg_value>", ""),
            worst(
                "a long argument",
                "hermes\n<tool_call>{\"name\":\"get_weather\",\"arguments\":{\"city\":\"",
                "long ",
                "",
            ),
            worst("escapes", "hermes\n<tool_call>{\"name\":\"get_weather\",\"arguments\":{\"city\":\"", "\\n", ""),
            worst("quotation marks", "gemma4\n<|tool_call>call:get_weather{city:", "<|\"|>", ""),
            worst("channels", "openai\n", "<|channel|>analysis<|message|>a<|end|>", ""),
            worst("a name", "kimi_k2\n<|tool_call_begin|>", "functions.", ""),
            worst("text that begins a stop text", "hermes stop\n", "EN", ""),
            worst("thoughts", "hermes thoughts\n", "</think", ""),
        ],
    ),
    (
        "discovery",
        &[
            worst(
                "variants",
                r#"{"endpoint":{"EndpointName":"e","EndpointStatus":"InService"},"config":{"ProductionVariants":["#,
                r#"{"VariantName":"v"},"#,
                r#"{}]}}"#,
            ),
            worst("components", r#"{"endpoint":{"EndpointName":"e"},"components":["#, "{},", "{}]}"),
            worst(
                "variables",
                r#"{"models":{"m":{"PrimaryContainer":{"Image":"vllm:1","Environment":{"#,
                r#""A":"b","#,
                r#""C":"d"}}}},"config":{"ProductionVariants":[{"VariantName":"v","ModelName":"m"}]}}"#,
            ),
            worst("what could not be read", r#"{"unread":["#, r#""a","#, r#""b"]}"#),
            worst(
                "an image",
                r#"{"models":{"m":{"PrimaryContainer":{"Image":""#,
                "a/",
                r#""}}},"config":{"ProductionVariants":[{"VariantName":"v","ModelName":"m"}]}}"#,
            ),
            worst("unknown fields", r#"{"endpoint":{"x":["#, "{},", "0]}}"),
            worst("brackets", r#"{"endpoint":"#, "[", ""),
        ],
    ),
    (
        "native",
        &[
            worst("events", "/v1/messages\ndata: {\"type\":\"message_start\"}\n\n", "data: {\"type\":\"a\"}\n\n", ""),
            worst("lines of an event", "/v1/messages\ndata: {\n", "data: \n", ""),
            worst("lines that may end it", "/v1/responses\n{\"a\":[\n", "{}\n,\n", ""),
            worst("fields of a body", "/v1/responses\n{\"a\":[", "{},", "0]}"),
            worst("keys of a body", "/v1/responses\n{", "\"a\":0,", "\"a\":0}"),
            worst("a long event", "/v1/messages\ndata: {\"type\":\"message_start\",\"a\":\"", "long ", "\"}\n\n"),
        ],
    ),
    (
        "shared_state",
        &[
            worst("cooldowns", r#"{"cooldowns":["#, r#"{"millis":1,"failures":1},"#, "{}]}"),
            worst("unknown fields", r#"{"x":["#, "{},", "0]}"),
            worst("keys", "{", r#""a":0,"#, r#""a":0}"#),
            worst("brackets", "", "[", ""),
        ],
    ),
];

/// A trial for each worst input, and one for each property that repeats parts of its corpus.
pub(crate) fn trials(property: &'static Property, seeds: &[Vec<u8>]) -> Vec<Trial> {
    let by_hand = WORST.iter().filter(|(name, _)| *name == property.name).flat_map(|(_, inputs)| *inputs);
    let mut trials: Vec<Trial> = by_hand
        .map(|input| {
            let read = property.read;
            let judge = move || {
                judged(read, &|length| input.of_length(length), &|length, cost| property.bound.check(length, cost))
            };
            Trial::test(format!("{}/cost of {}", property.name, input.name), judge)
        })
        .collect();
    assert!(!trials.is_empty(), "no input is known that costs the reader of `{}` most", property.name);
    let seeds = seeds.to_vec();
    trials.push(Trial::test(format!("{}/cost of repeated parts", property.name), move || {
        repeated_parts(property, seeds)
    }));
    trials
}

/// Readers that are reached by a call alone.
pub(crate) fn trials_of_services() -> Vec<Trial> {
    let inputs = [
        worst("texts", r#"{"message":""#, "long ", r#""}"#),
        worst("objects", r#"{"message":"a","x":["#, "{},", "0]}"),
        worst("keys", r#"{"message":"a""#, r#","a":0"#, "}"),
        worst("marks of XML", "<a>", "<b>", "</a>"),
        worst("XML", "<AssumeRoleResponse>", "<Credentials></Credentials>", "</AssumeRoleResponse>"),
        worst("entities", "<Error><Message>", "&amp;", "</Message></Error>"),
        worst("brackets", "", "[", ""),
        worst("a canonical request", r#"{"message":"The Canonical String"#, "\\n", r#""}"#),
        worst("account ids", r#"{"message":""#, "arn:aws:sagemaker:us-east-1:123456789012:endpoint/e ", r#""}"#),
        worst("digits", r#"{"message":""#, "1", r#""}"#),
        worst("URLs", r#"{"message":""#, "https://a.example/ ", r#""}"#),
    ];
    let mut trials = Vec::new();
    for reader in service::READERS {
        for input in &inputs {
            let (head, repeated, tail) = (input.head, input.repeated, input.tail);
            let judge = move || {
                let read = |bytes: &[u8]| (reader.read)(bytes);
                let grow = |length| grown(head.as_bytes(), repeated.as_bytes(), tail.as_bytes(), length);
                judged(read, &grow, &|length, cost| reader.bound.check(length, cost))
            };
            trials.push(Trial::test(format!("{}/cost of {}", reader.name, input.name), judge));
        }
    }
    trials
}

/// Counts what a reader asks for.
pub(crate) fn counted(read: impl Fn(&[u8]), input: &[u8]) -> Cost {
    let counted = allocation_counter::measure(|| read(input));
    Cost { allocations: counted.count_total, bytes: counted.bytes_total, peak: counted.bytes_max }
}

/// Is every size within the bound, and does the cost grow no faster than the input?
fn judged(
    read: impl Fn(&[u8]),
    of_length: &dyn Fn(usize) -> Vec<u8>,
    bound: &dyn Fn(usize, Cost) -> Result<(), String>,
) -> Result<(), Failed> {
    let shortest = of_length(SHORTEST);
    // What is set up once is no cost of an input.
    read(&shortest);
    let least = counted(&read, &shortest);
    for times in TIMES {
        let input = of_length(SHORTEST * times);
        let cost = counted(&read, &input);
        bound(input.len(), cost)?;
        let share = times as u64 * JITTER;
        for (what, cost, least, free) in [
            ("allocations", cost.allocations, least.allocations, 500),
            ("bytes asked for", cost.bytes, least.bytes, 64 << 10),
        ] {
            let most = share * least + free;
            if cost > most {
                return Err(format!(
                    "{cost} {what} for an input of {} bytes, and {least} for one of {}: more than {most}",
                    input.len(),
                    shortest.len()
                )
                .into());
            }
        }
    }
    Ok(())
}

/// A file of the corpus in which a part is repeated.
fn repeated_parts(property: &'static Property, seeds: Vec<Vec<u8>>) -> Result<(), Failed> {
    let config = Config { cases: 48, failure_persistence: None, ..Config::default() };
    let cases = config.cases.max(Config::default().cases / 8);
    let places = (any::<Index>(), 1..40_usize);
    TestRunner::new(Config { cases, ..config })
        .run(&(select(seeds), places), |(seed, (begin, length))| {
            if seed.is_empty() || seed.len() > SHORTEST {
                return Ok(());
            }
            let begin = begin.index(seed.len());
            let (head, rest) = seed.split_at(begin);
            let (part, tail) = rest.split_at(length.min(rest.len()));
            judged(property.read, &|length| grown(head, part, tail, length), &|length, cost| {
                property.bound.check(length, cost)
            })
            .map_err(|failed| TestCaseError::fail(failed.message().unwrap_or_default().to_owned()))
        })
        .map_err(|error| Failed::from(error.to_string()))
}
