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
pub(super) enum LocationStep<'a> {
    Name(&'a str),
    Place(u64),
}

/// The path of a parameter, as OpenAI writes it: `messages[0].content`. Where in the request the
/// parameter is, is left out.
pub(super) fn path<'a>(steps: impl Iterator<Item = LocationStep<'a>>) -> String {
    let mut path = String::new();
    for step in steps.skip_while(|step| matches!(step, LocationStep::Name("body" | "query" | "header"))) {
        match step {
            LocationStep::Name(name) if path.is_empty() => path.push_str(name),
            LocationStep::Name(name) => {
                path.push('.');
                path.push_str(name);
            }
            LocationStep::Place(place) => path.push_str(&format!("[{place}]")),
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
            PythonToken::Open => depth += 1,
            PythonToken::Close => {
                depth = depth.saturating_sub(1);
                location.clear();
            }
            PythonToken::Text(name) if depth == 1 && tokens.rest.trim_start().starts_with(':') => key = Some(name),
            PythonToken::Text(reason) if depth == 1 && key.as_deref() == Some("msg") => {
                let steps = location.iter().map(Located::step);
                let path = Some(path(steps)).filter(|path| !path.is_empty());
                reasons.extend(words.add(path, &reason));
                key = None;
            }
            PythonToken::Text(name) if depth == 1 && key.as_deref() == Some("loc") => {
                location.push(Located::Name(name));
            }
            PythonToken::Number(place) if depth == 1 && key.as_deref() == Some("loc") => {
                location.push(Located::Place(place));
            }
            PythonToken::Text(_) | PythonToken::Number(_) => {}
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
    fn step(&self) -> LocationStep<'_> {
        match self {
            Self::Name(name) => LocationStep::Name(name),
            Self::Place(place) => LocationStep::Place(*place),
        }
    }
}

/// What matters of Python's literals.
enum PythonToken {
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
    type Item = PythonToken;

    fn next(&mut self) -> Option<PythonToken> {
        loop {
            let first = self.rest.chars().next()?;
            match first {
                '\'' | '"' => return self.text(first),
                '0'..='9' => {
                    let end = self.rest.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(self.rest.len());
                    let (digits, rest) = self.rest.split_at_checked(end)?;
                    self.rest = rest;
                    return Some(PythonToken::Number(digits.parse().unwrap_or_default()));
                }
                _ => {
                    self.rest = self.rest.get(first.len_utf8()..)?;
                    match first {
                        '{' => return Some(PythonToken::Open),
                        '}' => return Some(PythonToken::Close),
                        _ => {}
                    }
                }
            }
        }
    }
}

impl Tokens<'_> {
    /// A text in quotes, of which only backslashes before quotes are taken away.
    fn text(&mut self, quote: char) -> Option<PythonToken> {
        let inside = self.rest.get(1..)?;
        let mut text = String::new();
        let mut characters = inside.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '\\' => text.extend(characters.next().map(|(_, escaped)| escaped)),
                end if end == quote => {
                    self.rest = inside.get(at + 1..)?;
                    return Some(PythonToken::Text(text));
                }
                other => text.push(other),
            }
        }
        self.rest = "";
        None
    }
}
