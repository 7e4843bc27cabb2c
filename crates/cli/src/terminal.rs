//! What a terminal is given that a pipe is not: colours, and no control characters from outside.
//!
//! Owns when there are colours: only on a terminal, and never with [`NO_COLOR`](https://no-color.org). Everything that a command says on standard
//! error goes through [`note`], so that no text of a container, of AWS or of a file can steer the
//! terminal.
#![expect(clippy::print_stderr, reason = "the one place that prints to standard error")]

use std::{
    borrow::Cow,
    fmt,
    io::{IsTerminal, stderr, stdout},
};

use sagewire::credentials::seam::{Env, ProcessEnv};

/// Whether what is written may be coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    coloured: bool,
}

/// A colour of the terminal's own palette.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
}

impl Style {
    /// The style of standard output.
    pub(crate) fn of_stdout() -> Self {
        Self::new(stdout().is_terminal(), |name| ProcessEnv.var(name))
    }

    /// The style of standard error.
    pub(crate) fn of_stderr() -> Self {
        Self::new(stderr().is_terminal(), |name| ProcessEnv.var(name))
    }

    fn new(is_terminal: bool, var: impl Fn(&str) -> Option<String>) -> Self {
        let no_color = var("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = var("TERM").is_some_and(|term| term == "dumb");
        Self { coloured: is_terminal && !no_color && !dumb }
    }

    /// Whether the terminal takes more than plain text.
    pub(crate) fn is_coloured(self) -> bool {
        self.coloured
    }

    /// No colours.
    #[cfg(test)]
    pub(crate) fn plain() -> Self {
        Self { coloured: false }
    }

    /// The text in a colour, where there are any.
    pub(crate) fn paint<T: fmt::Display>(self, colour: Colour, text: T) -> Painted<T> {
        Painted { colour: self.coloured.then_some(colour), text }
    }
}

/// A text and its colour, for printing.
#[derive(Debug)]
pub(crate) struct Painted<T> {
    colour: Option<Colour>,
    text: T,
}

impl Colour {
    /// The terminal's sequence that begins it.
    pub(crate) fn begin(self) -> &'static str {
        match self {
            Self::Bold => "\x1b[1m",
            Self::Dim => "\x1b[2m",
            Self::Red => "\x1b[31m",
            Self::Green => "\x1b[32m",
            Self::Yellow => "\x1b[33m",
        }
    }

    /// The sequence that ends every colour.
    pub(crate) const END: &str = "\x1b[0m";
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.colour {
            Some(colour) => write!(f, "{}{}{}", colour.begin(), self.text, Colour::END),
            None => self.text.fmt(f),
        }
    }
}

/// Prints a line on standard error: the label in its colour, then the text. If people read it,
/// control characters are left out of both.
pub(crate) fn note(label: Option<(Colour, &str)>, text: impl fmt::Display) {
    let text = text.to_string();
    let text = if stderr().is_terminal() { harmless(&text) } else { text.into() };
    match label {
        Some((colour, label)) => eprintln!("{} {text}", Style::of_stderr().paint(colour, label)),
        None => eprintln!("{text}"),
    }
}

/// Prints a warning on standard error.
pub(crate) fn warn(text: impl fmt::Display) {
    note(Some((Colour::Yellow, "warning:")), text);
}

/// Prints a dimmed line on standard error: what is said beside the result.
pub(crate) fn aside(text: impl fmt::Display) {
    let text = text.to_string();
    let text = if stderr().is_terminal() { harmless(&text) } else { text.into() };
    eprintln!("{}", Style::of_stderr().paint(Colour::Dim, text));
}

/// Whether a terminal could act on this character: move the cursor, rename the window, fake a
/// prompt, or change the [direction](https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters) of what follows.
fn is_harmful(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text from outside for a terminal: without the characters that a terminal could act on.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    if text.contains(is_harmful) { Cow::Owned(text.replace(is_harmful, "")) } else { Cow::Borrowed(text) }
}

/// The same for JSON, whose texts stay what they are: the characters are escaped.
pub(crate) fn harmless_json(json: &str) -> Cow<'_, str> {
    if !json.contains(is_harmful) {
        return Cow::Borrowed(json);
    }
    let escaped = |c: char| if is_harmful(c) { format!("\\u{:04x}", u32::from(c)) } else { c.into() };
    Cow::Owned(json.chars().map(escaped).collect())
}

/// A text from outside for standard output: without those characters if people read it, else as it
/// is.
pub(crate) fn for_stdout(text: &str) -> Cow<'_, str> {
    if stdout().is_terminal() { harmless(text) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_terminal_without_no_color_is_coloured() {
        let none = |_: &str| None;
        let var =
            |name: &'static str, value: &'static str| move |asked: &str| (asked == name).then(|| value.to_owned());
        assert!(Style::new(true, none).coloured);
        assert!(!Style::new(false, none).coloured);
        assert!(!Style::new(true, var("NO_COLOR", "1")).coloured);
        assert!(Style::new(true, var("NO_COLOR", "")).coloured, "an empty NO_COLOR counts as none");
        assert!(!Style::new(true, var("TERM", "dumb")).coloured);
        assert_eq!(Style { coloured: true }.paint(Colour::Bold, "x").to_string(), "\x1b[1mx\x1b[0m");
        assert_eq!(Style { coloured: false }.paint(Colour::Bold, "x").to_string(), "x");
    }

    #[test]
    fn a_model_cannot_steer_the_terminal() {
        assert_eq!(harmless("a\x1b]0;title\x07b\u{9b}2Jc\r\n\td"), "a]0;titleb2Jc\n\td");
        assert_eq!(harmless("a\u{202e}b\u{2066}c"), "abc");
        assert!(matches!(harmless("plain\nü"), Cow::Borrowed(_)));
    }

    #[test]
    fn json_says_the_same_on_a_terminal() {
        let texts = ["\u{9b}31m\u{7f}", "\u{202e}", "\x1b\r\n", "plain"];
        let json = serde_json::to_string_pretty(&texts).unwrap();
        let shown = harmless_json(&json);
        assert!(!shown.contains(is_harmful), "{shown:?}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&shown).unwrap(), texts);
        assert!(matches!(harmless_json("[1]"), Cow::Borrowed(_)));
    }
}
