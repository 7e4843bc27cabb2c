//! The grammar of the shared files: one pass over the text, which yields sections and properties in
//! their order.
//!
//! It does not know what a section means or which names are allowed: `set` decides that. The rules
//! are those of the [file format
//! page](https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html), read as the AWS CLI
//! (Python's `RawConfigParser`) reads them: a line continues a property only if it is indented
//! further than that property, `:` separates a name from its value as `=` does, and text after a
//! section's `]` is ignored.

use std::iter::Peekable;
use std::str::Lines;

use super::error::SyntaxErrorKind;
use crate::secret::Secret;

/// The characters that begin a comment.
const COMMENT: [char; 2] = ['#', ';'];
/// The characters that separate a name from its value.
const SEPARATOR: [char; 2] = ['=', ':'];
/// The property whose value is a command line: the shell decides what a comment in it is.
const COMMAND_LINE: &str = "credential_process";

/// One section or property, with the number of the line it begins on. The first line is 1.
#[derive(Debug)]
pub(super) enum Item<'t> {
    /// `[header]`, without the brackets and the blanks inside them.
    Section { header: &'t str, line: u32 },
    /// `name = value`, with its continuation lines. The name is as written.
    Property { name: &'t str, value: Secret, line: u32 },
}

/// An error and the number of its line.
pub(super) type Fault = (u32, SyntaxErrorKind);

/// Reads a file's text. Stop at the first error: the lines after it cannot be interpreted.
pub(super) struct Items<'t> {
    lines: Peekable<Lines<'t>>,
    line: u32,
    in_section: bool,
}

impl<'t> Items<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        // Some editors on Windows begin a UTF-8 file with a byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self { lines: text.lines().peekable(), line: 0, in_section: false }
    }

    fn take_line(&mut self) -> Option<&'t str> {
        let line = self.lines.next()?;
        self.line = self.line.saturating_add(1);
        Some(line)
    }

    /// `rest` is what follows the opening bracket.
    fn section(&mut self, rest: &'t str) -> Result<Item<'t>, SyntaxErrorKind> {
        let (header, _) = rest.split_once(']').ok_or(SyntaxErrorKind::UnclosedSection)?;
        self.in_section = true;
        Ok(Item::Section { header: header.trim(), line: self.line })
    }

    fn property(&mut self, line: &'t str) -> Result<Item<'t>, Fault> {
        let start = self.line;
        if !self.in_section {
            return Err((start, SyntaxErrorKind::OutsideSection));
        }
        let (name, value) = line.split_once(SEPARATOR).ok_or((start, SyntaxErrorKind::MissingSeparator))?;
        let name = name.trim();
        if name.is_empty() {
            return Err((start, SyntaxErrorKind::EmptyName));
        }
        let value = if name.eq_ignore_ascii_case(COMMAND_LINE) { value } else { before_comment(value) };
        let mut value = value.trim().to_owned();
        // A property without a value on its own line holds nested properties, one on each line.
        let nested = value.is_empty();
        while let Some(continuation) = self.next_continuation(indentation(line)) {
            if nested {
                check_nested(continuation).map_err(|kind| (self.line, kind))?;
            }
            value.push('\n');
            value.push_str(continuation);
        }
        Ok(Item::Property { name, value: value.into(), line: start })
    }

    /// The next line, trimmed, if it is indented further than `property`. Blank lines and comments
    /// are skipped.
    fn next_continuation(&mut self, property: usize) -> Option<&'t str> {
        loop {
            let next = *self.lines.peek()?;
            let trimmed = next.trim();
            if is_void(trimmed) {
                self.take_line();
            } else if indentation(next) > property {
                self.take_line();
                return Some(trimmed);
            } else {
                return None;
            }
        }
    }
}

impl<'t> Iterator for Items<'t> {
    type Item = Result<Item<'t>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let line = self.take_line()?;
            let trimmed = line.trim();
            if is_void(trimmed) {
                continue;
            }
            return Some(match trimmed.strip_prefix('[') {
                Some(rest) => self.section(rest).map_err(|kind| (self.line, kind)),
                None => self.property(line),
            });
        }
    }
}

/// Whether a trimmed line is empty or a comment.
fn is_void(trimmed: &str) -> bool {
    trimmed.is_empty() || trimmed.starts_with(COMMENT)
}

/// The number of blanks before the first other character. A tab counts as one, as it does for the
/// AWS CLI.
fn indentation(line: &str) -> usize {
    line.chars().take_while(|character| character.is_whitespace()).count()
}

/// The part of a value before its comment, which must follow a blank: values may contain `#` and
/// `;`.
fn before_comment(value: &str) -> &str {
    let mut comments = value.match_indices(COMMENT).map(|(start, _)| value.split_at(start).0);
    comments.find(|before| before.ends_with(char::is_whitespace)).unwrap_or(value)
}

/// A nested property must have a name and an equals sign. Its name may contain any character.
fn check_nested(line: &str) -> Result<(), SyntaxErrorKind> {
    let (name, _) = line.split_once('=').ok_or(SyntaxErrorKind::NestedMissingEquals)?;
    if name.trim().is_empty() {
        return Err(SyntaxErrorKind::NestedEmptyName);
    }
    Ok(())
}

/// The names and values, trimmed, of the properties nested in a value. A value that is not nested
/// has none.
pub(super) fn nested(value: &str) -> impl DoubleEndedIterator<Item = (&str, &str)> {
    let lines = if value.starts_with('\n') { value } else { "" };
    lines.lines().filter_map(|line| {
        let (name, value) = line.split_once('=')?;
        Some((name.trim(), value.trim()))
    })
}
