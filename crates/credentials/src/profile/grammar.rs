//! The grammar of the shared files: one pass over the text, yielding sections and properties in the order they stand in.
//!
//! Knows nothing of what a section means or which names are allowed: `set` judges that. Defined by the
//! [file format page](https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html).

use std::iter::Peekable;
use std::str::Lines;

use super::error::SyntaxErrorKind;
use crate::secret::Secret;

/// What may stand around names, values and lines. A carriage return is here for files written on Windows.
const BLANK: [char; 3] = [' ', '\t', '\r'];
/// What opens a comment.
const COMMENT: [char; 2] = ['#', ';'];

/// One thing read from a file, with the number of the line it begins on (the first line is 1).
#[derive(Debug)]
pub(super) enum Item<'t> {
    /// `[header]`, without the brackets and the blanks inside them.
    Section { header: &'t str, line: u32 },
    /// `name = value`, with its continuation lines. The name is as written.
    Property { name: &'t str, value: Secret, line: u32 },
}

/// A mistake and the number of the line it is on.
pub(super) type Fault = (u32, SyntaxErrorKind);

/// Reads a file's text. Stop at the first error: what follows it has no meaning.
pub(super) struct Items<'t> {
    lines: Peekable<Lines<'t>>,
    line: u32,
    in_section: bool,
}

impl<'t> Items<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        // Some editors on Windows open a UTF-8 file with a byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self { lines: text.lines().peekable(), line: 0, in_section: false }
    }

    fn take_line(&mut self) -> Option<&'t str> {
        let line = self.lines.next()?;
        self.line = self.line.saturating_add(1);
        Some(line)
    }

    fn section(&mut self, line: &'t str) -> Result<Item<'t>, SyntaxErrorKind> {
        let line = before_comment(line, false);
        let header =
            line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).ok_or(SyntaxErrorKind::UnclosedSection)?;
        self.in_section = true;
        Ok(Item::Section { header: header.trim_matches(BLANK), line: self.line })
    }

    fn property(&mut self, line: &'t str) -> Result<Item<'t>, Fault> {
        let start = self.line;
        if !self.in_section {
            return Err((start, SyntaxErrorKind::OutsideSection));
        }
        let (name, value) =
            before_comment(line, true).split_once('=').ok_or((start, SyntaxErrorKind::MissingEquals))?;
        let name = name.trim_matches(BLANK);
        if name.is_empty() {
            return Err((start, SyntaxErrorKind::EmptyName));
        }
        let mut value = value.trim_matches(BLANK).to_owned();
        // A property whose own line has no value holds properties of its own, one a line.
        let nested = value.is_empty();
        while let Some(continuation) = self.next_continuation() {
            if nested {
                check_nested(continuation).map_err(|kind| (self.line, kind))?;
            }
            value.push('\n');
            value.push_str(continuation);
        }
        Ok(Item::Property { name, value: value.into(), line: start })
    }

    /// The next line, trimmed, if it continues the property before it. Blank lines and comments between them are passed over.
    fn next_continuation(&mut self) -> Option<&'t str> {
        loop {
            let next = *self.lines.peek()?;
            let trimmed = next.trim_matches(BLANK);
            if is_void(trimmed) {
                self.take_line();
            } else if is_indented(next) {
                self.take_line();
                return Some(trimmed);
            } else {
                return None;
            }
        }
    }

    fn item(&mut self, line: &'t str) -> Result<Item<'t>, Fault> {
        if is_indented(line) {
            let kind = if self.in_section {
                SyntaxErrorKind::ContinuationWithoutProperty
            } else {
                SyntaxErrorKind::OutsideSection
            };
            return Err((self.line, kind));
        }
        if line.starts_with('[') {
            return self.section(line).map_err(|kind| (self.line, kind));
        }
        self.property(line)
    }
}

impl<'t> Iterator for Items<'t> {
    type Item = Result<Item<'t>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let line = self.take_line()?;
            if !is_void(line.trim_matches(BLANK)) {
                return Some(self.item(line));
            }
        }
    }
}

/// Nothing but blanks, or a comment. Takes a trimmed line.
fn is_void(trimmed: &str) -> bool {
    trimmed.is_empty() || trimmed.starts_with(COMMENT)
}

fn is_indented(line: &str) -> bool {
    line.starts_with(BLANK)
}

/// The part of a line before its comment, trimmed. In a property a comment needs a blank before it, since values may hold `#`
/// and `;`; after a section's bracket it does not.
fn before_comment(line: &str, needs_blank: bool) -> &str {
    let comment = line.match_indices(COMMENT).map(|(start, _)| line.split_at(start).0);
    let before = comment.into_iter().find(|before| !needs_blank || before.ends_with(BLANK));
    before.unwrap_or(line).trim_matches(BLANK)
}

/// A nested property must have a name and an equals sign. Its name may hold any character.
fn check_nested(line: &str) -> Result<(), SyntaxErrorKind> {
    let (name, _) = line.split_once('=').ok_or(SyntaxErrorKind::NestedMissingEquals)?;
    if name.trim_matches(BLANK).is_empty() {
        return Err(SyntaxErrorKind::NestedEmptyName);
    }
    Ok(())
}

/// The properties nested in a property's value, as `name`, `value`, both trimmed. None where the value is a plain one.
pub(super) fn nested(value: &str) -> impl DoubleEndedIterator<Item = (&str, &str)> {
    let lines = if value.starts_with('\n') { value } else { "" };
    lines.lines().filter_map(|line| {
        let (name, value) = line.split_once('=')?;
        Some((name.trim_matches(BLANK), value.trim_matches(BLANK)))
    })
}
