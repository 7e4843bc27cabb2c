//! Pydantic's errors, as Python prints a list of them.
//!
//! Owns the reading of `'loc'` and `'msg'` out of such a text. The caller's `'input'` stands beside
//! them and may hold any words, also those of an error: so texts are read as Python's literals, and
//! only the keys of the errors themselves count.
//!
//! <https://docs.pydantic.dev/latest/errors/errors/>

use super::forms::Words;

/// A step on the way to a parameter.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step<'a> {
    Name(&'a str),
    Place(u64),
}

/// The path of a parameter, as OpenAI writes it: `messages[0].content`. Where in the request the
/// parameter is, is left out.
pub(super) fn path<'a>(steps: impl Iterator<Item = Step<'a>>) -> String {
    let mut path = String::new();
    for step in steps.skip_while(|step| matches!(step, Step::Name("body" | "query" | "header"))) {
        match step {
            Step::Name(name) if path.is_empty() => path.push_str(name),
            Step::Name(name) => {
                path.push('.');
                path.push_str(name);
            }
            Step::Place(place) => path.push_str(&format!("[{place}]")),
        }
    }
    path
}

/// The words of the errors in a text like `[{'type': ..., 'loc': ('body', 'foo'), 'msg': '...',
/// 'input': ...}]`; `None` if there are none.
pub(super) fn words(text: &str) -> Option<Words> {
    if !(text.contains("'loc':") && text.contains("'msg':")) {
        return None;
    }
    let mut words = Words::default();
    let mut reasons = Vec::new();
    let mut tokens = Tokens { rest: text.get(text.find('{')?..)? };
    let (mut depth, mut key, mut location) = (0_usize, None::<String>, Vec::new());
    while let Some(token) = tokens.next() {
        match token {
            Token::Open => depth += 1,
            Token::Close => {
                depth = depth.saturating_sub(1);
                location.clear();
            }
            Token::Text(name) if depth == 1 && tokens.rest.trim_start().starts_with(':') => key = Some(name),
            Token::Text(reason) if depth == 1 && key.as_deref() == Some("msg") => {
                let steps = location.iter().map(Located::step);
                let path = Some(path(steps)).filter(|path| !path.is_empty());
                reasons.extend(words.add(path, &reason));
                key = None;
            }
            Token::Text(name) if depth == 1 && key.as_deref() == Some("loc") => location.push(Located::Name(name)),
            Token::Number(place) if depth == 1 && key.as_deref() == Some("loc") => location.push(Located::Place(place)),
            Token::Text(_) | Token::Number(_) => {}
        }
    }
    words.reason = Some(reasons.join("; ")).filter(|reason| !reason.is_empty());
    words.reason.is_some().then_some(words)
}

enum Located {
    Name(String),
    Place(u64),
}

impl Located {
    fn step(&self) -> Step<'_> {
        match self {
            Self::Name(name) => Step::Name(name),
            Self::Place(place) => Step::Place(*place),
        }
    }
}

/// What matters of Python's literals.
enum Token {
    /// `{`
    Open,
    /// `}`
    Close,
    Text(String),
    Number(u64),
}

struct Tokens<'a> {
    rest: &'a str,
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        loop {
            let first = self.rest.chars().next()?;
            match first {
                '\'' | '"' => return self.text(first),
                '0'..='9' => {
                    let end = self.rest.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(self.rest.len());
                    let (digits, rest) = self.rest.split_at_checked(end)?;
                    self.rest = rest;
                    return Some(Token::Number(digits.parse().unwrap_or_default()));
                }
                _ => {
                    self.rest = self.rest.get(first.len_utf8()..)?;
                    match first {
                        '{' => return Some(Token::Open),
                        '}' => return Some(Token::Close),
                        _ => {}
                    }
                }
            }
        }
    }
}

impl Tokens<'_> {
    /// A text in quotes, of which only backslashes before quotes are taken away.
    fn text(&mut self, quote: char) -> Option<Token> {
        let inside = self.rest.get(1..)?;
        let mut text = String::new();
        let mut characters = inside.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '\\' => text.extend(characters.next().map(|(_, escaped)| escaped)),
                end if end == quote => {
                    self.rest = inside.get(at + 1..)?;
                    return Some(Token::Text(text));
                }
                other => text.push(other),
            }
        }
        self.rest = "";
        None
    }
}
