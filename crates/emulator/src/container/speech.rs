//! What an emulated model says.
//!
//! Owns the one sentence every built-in container answers with, its tokens, and how limits and stop
//! strings end it. The same question always gets the same answer. How it is dressed is each
//! container's business.

/// Markup of chat templates that separates turns.
const MARKUP: [&str; 14] = [
    "[INST]",
    "[/INST]",
    "<<SYS>>",
    "<</SYS>>",
    "<s>",
    "</s>",
    "<bos>",
    "<eos>",
    "<start_of_turn>",
    "<end_of_turn>",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "### Instruction:",
    "### Response:",
];
/// Words that name who speaks.
const LABELS: [&str; 9] = ["system", "user", "assistant", "model", "tool", "human", "question", "answer", "ai"];
/// A quoted question is cut after so many characters.
const LONGEST_QUOTE: usize = 160;
/// With fewer tokens to say it in, the answer stays one sentence.
const ROOM_FOR_TWO_SENTENCES: usize = 64;
const LONGEST_TOKEN: usize = 6;

/// Why an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finish {
    /// All was said.
    EndOfText,
    /// No more tokens were allowed.
    Length,
    /// This stop string came up.
    Stop(String),
}

/// How an answer is to be limited.
#[derive(Clone, Debug)]
pub(super) struct Limits<'a> {
    pub(super) max_tokens: usize,
    pub(super) stop: &'a [String],
    /// Is a stop string part of the answer?
    pub(super) keeps_stop: bool,
    /// Go on until the limit, saying the same over and over.
    pub(super) ignores_end: bool,
}

/// An answer in tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Speech {
    pub(super) tokens: Vec<String>,
    pub(super) finish: Finish,
}

impl Speech {
    /// Says `text` as far as the limits allow.
    pub(super) fn new(text: &str, limits: &Limits<'_>) -> Self {
        let all = tokens(text);
        let enough =
            if limits.ignores_end && !all.is_empty() { limits.max_tokens } else { all.len().min(limits.max_tokens) };
        let finish = if enough < all.len() || limits.ignores_end { Finish::Length } else { Finish::EndOfText };
        let said: Vec<String> = all.iter().cycle().take(enough).cloned().collect();
        let whole = said.concat();
        let first_stop = limits
            .stop
            .iter()
            .filter(|stop| !stop.is_empty())
            .filter_map(|stop| whole.find(stop.as_str()).map(|at| (at, stop)))
            .min_by_key(|(at, _)| *at);
        let Some((at, stop)) = first_stop else { return Self { tokens: said, finish } };
        let end = if limits.keeps_stop { at + stop.len() } else { at };
        Self { tokens: clipped(said, end), finish: Finish::Stop(stop.clone()) }
    }

    pub(super) fn text(&self) -> String {
        self.tokens.concat()
    }
}

/// The first `bytes` bytes of a text in tokens; the token across the border is shortened.
fn clipped(tokens: Vec<String>, bytes: usize) -> Vec<String> {
    let mut left = bytes;
    let mut kept = Vec::new();
    for mut token in tokens {
        if left == 0 {
            break;
        }
        token.truncate(left.min(token.len()));
        left -= token.len();
        kept.push(token);
    }
    kept
}

/// The answer to a question, in a sentence of a dozen words, and in one more where there is room.
pub(super) fn answer(question: &str, max_tokens: usize) -> String {
    let mut quote: String = question.chars().take(LONGEST_QUOTE).collect();
    if quote.len() < question.len() {
        quote.push('…');
    }
    let mut text = format!("You asked: “{quote}” Here is a friendly echo, carried to you token by token ☕.");
    if max_tokens >= ROOM_FOR_TWO_SENTENCES {
        text.push_str(" No model ran: the words are yours, the road is SageMaker's, and naïve clients trip over 日本語 on the way.");
    }
    text
}

/// The last thing said in a prompt, without a chat template's markup: what a person would call the
/// question.
pub(super) fn gist(prompt: &str) -> String {
    let mut plain = String::with_capacity(prompt.len());
    let mut rest = prompt;
    // `<|anything|>` ends a line.
    while let Some((before, after)) = rest.split_once("<|") {
        plain.push_str(before);
        match after.split_once("|>") {
            Some((_, after)) => {
                plain.push('\n');
                rest = after;
            }
            None => {
                plain.push_str("<|");
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    for markup in MARKUP {
        plain = plain.replace(markup, "\n");
    }
    let said = plain.lines().map(without_label).rfind(|line| !line.is_empty());
    said.unwrap_or_default().to_owned()
}

/// A line without the speaker's name before it; nothing, where the name is all there is.
fn without_label(line: &str) -> &str {
    let line = line.trim().trim_start_matches('#').trim_start();
    let is_label = |text: &str| LABELS.iter().any(|label| text.trim().eq_ignore_ascii_case(label));
    if is_label(line) {
        return "";
    }
    match line.split_once(':') {
        Some((label, said)) if is_label(label) => said.trim(),
        _ => line,
    }
}

/// A text in pieces of at most six characters, each with the blank before it, as a tokenizer might
/// cut it.
pub(super) fn tokens(text: &str) -> Vec<String> {
    pieces(text).map(str::to_owned).collect()
}

/// How many tokens a text has.
pub(super) fn count(text: &str) -> usize {
    pieces(text).count()
}

fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (mut letters, mut last_is_word) = (0, false);
        let starts_another = |(at, character): (usize, char)| {
            let (blank, is_word) = (character.is_whitespace(), character.is_alphanumeric());
            let starts =
                if blank { at > 0 } else { letters == LONGEST_TOKEN || (letters > 0 && !(is_word && last_is_word)) };
            letters += usize::from(!blank);
            last_is_word = is_word;
            starts.then_some(at)
        };
        let end = rest.char_indices().find_map(starts_another).unwrap_or(rest.len());
        let (piece, after) = rest.split_at_checked(end)?;
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

/// A number that is the same for the same text, and nearly always another for another (FNV-1a).
pub(super) fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A token's id in an imagined vocabulary of 32,000.
pub(super) fn token_id(token: &str) -> u64 {
    3 + fingerprint(token.as_bytes()) % 31_997
}

/// A token's log-probability: below 0, above -1.
pub(super) fn logprob(token: &str) -> f64 {
    let thousandths = u32::try_from(fingerprint(token.as_bytes()) % 999).unwrap_or_default();
    -f64::from(thousandths + 1) / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(max_tokens: usize, stop: &[String]) -> Limits<'_> {
        Limits { max_tokens, stop, keeps_stop: false, ignores_end: false }
    }

    #[test]
    fn tokens_are_the_text() {
        for text in
            ["", " ", "a", "Hello, wonderful world!", "  two  blanks\n\nlines ", "naïve 日本語 ☕.", "abcdefghijklm"]
        {
            let tokens = tokens(text);
            assert_eq!(tokens.concat(), text);
            assert!(tokens.iter().all(|token| token.trim_start().chars().count() <= LONGEST_TOKEN), "{tokens:?}");
        }
        assert_eq!(tokens("Hello, wonderful world"), ["Hello", ",", " wonder", "ful", " world"]);
    }

    #[test]
    fn limits_end_it() {
        let text = "one two three four five";
        let all = Speech::new(text, &limits(50, &[]));
        assert_eq!((all.text().as_str(), &all.finish), (text, &Finish::EndOfText));
        let short = Speech::new(text, &limits(2, &[]));
        assert_eq!((short.text().as_str(), &short.finish), ("one two", &Finish::Length));
        let stops = ["four".to_owned(), "ree".to_owned(), String::new()];
        let stopped = Speech::new(text, &limits(50, &stops));
        assert_eq!((stopped.text().as_str(), stopped.finish), ("one two th", Finish::Stop("ree".to_owned())));
        let kept = Speech::new(text, &Limits { keeps_stop: true, ..limits(50, &stops) });
        assert_eq!(kept.text(), "one two three");
        let on_and_on = Speech::new(text, &Limits { ignores_end: true, ..limits(12, &[]) });
        assert_eq!((on_and_on.tokens.len(), on_and_on.finish), (12, Finish::Length));
    }

    #[test]
    fn the_question_is_found_under_the_markup() {
        let cases = [
            ("What is a llama?", "What is a llama?"),
            (
                "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHi there<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
                "Hi there",
            ),
            ("<s>[INST] <<SYS>>\nBe kind\n<</SYS>>\n\nHow are you? [/INST]", "How are you?"),
            ("<start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\n", "Hi"),
            ("User: a\nAssistant: b\nUser: c: d\nAssistant:", "c: d"),
            ("### Human: hello\n### Assistant:", "hello"),
            ("an open <| bracket", "an open <| bracket"),
            ("", ""),
        ];
        for (prompt, question) in cases {
            assert_eq!(gist(prompt), question, "{prompt}");
        }
    }

    #[test]
    fn the_answer_quotes_and_grows_with_its_room() {
        let short = answer("Hi", 20);
        assert!(short.contains("“Hi”") && short.split_whitespace().count() >= 12);
        assert!(answer("Hi", 100).starts_with(&short) && answer("Hi", 100).len() > short.len());
        assert!(answer(&"x".repeat(1000), 20).contains('…'));
    }

    #[test]
    fn numbers_stay_in_their_ranges() {
        for token in ["", "a", "☕"] {
            assert!((3..32_000).contains(&token_id(token)));
            assert!(logprob(token) < 0.0 && logprob(token) > -1.0);
        }
    }
}
