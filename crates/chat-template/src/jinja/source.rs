//! What has to happen to a template's text before it is parsed, and what its tokens tell.
//!
//! The rewrites of source text live here: the tag `{% generation %}` of `transformers`, which the
//! engine's parser does not know and cannot be taught, becomes `{% with %}`, and `{% raw %}`
//! becomes `{% raw +%}` where a line ends behind it. They work on the engine's own tokens, so that
//! comments, raw blocks and literals are left alone.

use std::borrow::Cow;

use minijinja::machinery::{Token, tokenize};
use minijinja::syntax::SyntaxConfig;

/// How deep one expression may nest: brackets, and operators, filters or attributes in a row.
/// Parsing, rewriting and freeing the syntax tree recurse as deep.
const MAX_EXPRESSION_DEPTH: usize = 120;
/// How deep blocks may nest, branches of one `if` counted as levels, for the same reason.
const MAX_BLOCK_DEPTH: usize = 100;
/// The engine counts lines, and characters in a line, in 16 bits.
const MAX_LINES: usize = 60_000;
const MAX_LINE_BYTES: usize = 60_000;

/// A template's text, ready to be parsed.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) text: String,
    /// Text marked as safe may occur: operators have to look for it.
    pub(super) markup: bool,
    /// The template asks for the time.
    pub(super) clock: bool,
}

/// Why a text is no template.
#[derive(Debug)]
pub(super) enum Refused {
    Syntax(minijinja::Error),
    Malformed { detail: String, line: usize },
    TooComplex { detail: &'static str, bound: usize },
}

/// The whitespace rules `transformers` sets: the line break behind a tag goes, and so do blanks
/// before it.
pub(super) fn syntax() -> Result<SyntaxConfig, minijinja::Error> {
    SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()
}

/// Normalises line ends, rewrites `generation` tags, checks that blocks are closed and that the
/// template has bounds.
pub(super) fn prepare(source: &str) -> Result<Source, Refused> {
    let text = normalise_newlines(source);
    if text.bytes().filter(|byte| *byte == b'\n').count() > MAX_LINES {
        return Err(Refused::TooComplex { detail: "lines", bound: MAX_LINES });
    }
    if text.split('\n').any(|line| line.len() > MAX_LINE_BYTES) {
        return Err(Refused::TooComplex { detail: "bytes in one line", bound: MAX_LINE_BYTES });
    }
    let mut scan = Scan::default();
    let syntax = syntax().map_err(Refused::Syntax)?;
    for token in tokenize(&text, false, syntax) {
        let (token, span) = token.map_err(Refused::Syntax)?;
        let offset = span.start_offset as usize;
        if matches!(token, Token::TemplateData(_)) {
            scan.rewrites.extend(raw_end(&text, offset).map(|at| (at, "%}", "+%}")));
        }
        scan.token(&token, usize::from(span.start_line), offset)?;
    }
    scan.finish()?;
    let mut rewritten = text.into_owned();
    // From the back, so that the offsets stay right.
    for (at, from, to) in scan.rewrites.into_iter().rev() {
        if rewritten.get(at..at + from.len()) == Some(from) {
            rewritten.replace_range(at..at + from.len(), to);
        }
    }
    Ok(Source { text: rewritten, markup: scan.markup, clock: scan.clock })
}

/// Where the tag `{% raw %}` ends whose line break the engine took away in front of the data at
/// `offset`. Jinja2 keeps it, and so does the engine behind `+%}`.
fn raw_end(text: &str, offset: usize) -> Option<usize> {
    let tag = text.get(..offset)?.strip_suffix("%}\n")?;
    let name = tag.trim_end().strip_suffix("raw")?.trim_end();
    ["{%", "{%-", "{%+"].iter().any(|start| name.ends_with(start)).then_some(tag.len())
}

/// `\r\n` and `\r` become `\n`, as Jinja2 reads templates.
fn normalise_newlines(source: &str) -> Cow<'_, str> {
    if source.contains('\r') {
        Cow::Owned(source.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(source)
    }
}

/// The statements that have an end, and how it is called.
fn end_of(tag: &str) -> Option<&'static str> {
    Some(match tag {
        "for" => "endfor",
        "if" => "endif",
        "with" => "endwith",
        "macro" => "endmacro",
        "call" => "endcall",
        "filter" => "endfilter",
        "block" => "endblock",
        "autoescape" => "endautoescape",
        "generation" => "endgeneration",
        _ => return None,
    })
}

#[derive(Debug, Default)]
struct Scan {
    /// The blocks that are open: how they end, where they began, how many branches they have so
    /// far.
    open: Vec<Open>,
    /// The tag we are in: its name, its first line, whether it assigns.
    tag: Option<Tag>,
    /// The length of the chain of operators at each level of brackets.
    chains: Vec<usize>,
    markup: bool,
    clock: bool,
    rewrites: Vec<(usize, &'static str, &'static str)>,
}

#[derive(Debug)]
struct Open {
    end: &'static str,
    line: usize,
    branches: usize,
}

#[derive(Debug)]
struct Tag {
    name: String,
    line: usize,
    depth: usize,
    assigns: bool,
}

impl Scan {
    fn token(&mut self, token: &Token<'_>, line: usize, offset: usize) -> Result<(), Refused> {
        match token {
            Token::VariableStart => self.chains = vec![0],
            Token::BlockStart => {
                self.chains = vec![0];
                self.tag = Some(Tag { name: String::new(), line, depth: 0, assigns: false });
            }
            Token::BlockEnd => return self.end_tag(),
            Token::Ident(name) => self.ident(name, offset)?,
            Token::Str(text) => self.literal(text),
            Token::String(text) => self.literal(text),
            Token::ParenOpen | Token::BracketOpen | Token::BraceOpen => {
                self.link()?;
                self.chains.push(0);
                self.deeper(1);
            }
            Token::ParenClose | Token::BracketClose | Token::BraceClose => {
                self.chains.pop();
                self.deeper(-1);
            }
            // The next item of a list starts a chain of its own.
            Token::Comma => {
                if let Some(chain) = self.chains.last_mut() {
                    *chain = 0;
                }
            }
            Token::Assign => {
                if let Some(tag) = &mut self.tag {
                    tag.assigns |= tag.depth == 0;
                }
            }
            Token::TemplateData(_) | Token::VariableEnd | Token::Colon => {}
            Token::Int(_) | Token::Int128(_) | Token::Float(_) => {}
            // Operators, dots and filters.
            _ => self.link()?,
        }
        Ok(())
    }

    /// Lengthens the chain of the current level by one.
    fn link(&mut self) -> Result<(), Refused> {
        if let Some(chain) = self.chains.last_mut() {
            *chain += 1;
        }
        if self.chains.iter().sum::<usize>() > MAX_EXPRESSION_DEPTH {
            return Err(Refused::TooComplex { detail: "levels of one expression", bound: MAX_EXPRESSION_DEPTH });
        }
        Ok(())
    }

    fn deeper(&mut self, by: isize) {
        if let Some(tag) = &mut self.tag {
            tag.depth = tag.depth.saturating_add_signed(by);
        }
    }

    fn ident(&mut self, name: &str, offset: usize) -> Result<(), Refused> {
        match name {
            "safe" | "e" | "escape" | "forceescape" | "autoescape" => self.markup = true,
            "strftime_now" => self.clock = true,
            "not" | "and" | "or" | "in" | "is" | "if" => self.link()?,
            _ => {}
        }
        let Some(tag) = self.tag.as_mut().filter(|tag| tag.name.is_empty()) else { return Ok(()) };
        name.clone_into(&mut tag.name);
        match name {
            "generation" => self.rewrites.push((offset, "generation", "with")),
            "endgeneration" => self.rewrites.push((offset, "endgeneration", "endwith")),
            "elif" => {
                if let Some(open) = self.open.last_mut() {
                    open.branches += 1;
                }
                self.check_block_depth()?;
            }
            _ => {}
        }
        Ok(())
    }

    /// A literal may be the name of a filter: `map('escape')`.
    fn literal(&mut self, text: &str) {
        self.markup |= matches!(text, "safe" | "e" | "escape" | "forceescape");
    }

    fn end_tag(&mut self) -> Result<(), Refused> {
        let Some(tag) = self.tag.take() else { return Ok(()) };
        let end = match tag.name.as_str() {
            // `{% set x %}...{% endset %}`, as against `{% set x = 1 %}`.
            "set" if !tag.assigns => Some("endset"),
            name => end_of(name),
        };
        if let Some(end) = end {
            self.open.push(Open { end, line: tag.line, branches: 1 });
            return self.check_block_depth();
        }
        if !tag.name.starts_with("end") {
            return Ok(());
        }
        match self.open.pop() {
            Some(Open { end, .. }) if end == tag.name => Ok(()),
            Some(Open { end, line, .. }) => Err(Refused::Malformed {
                detail: format!("found '{}' where '{end}' was expected for the block of line {line}", tag.name),
                line: tag.line,
            }),
            None => {
                Err(Refused::Malformed { detail: format!("found '{}' without its block", tag.name), line: tag.line })
            }
        }
    }

    fn check_block_depth(&self) -> Result<(), Refused> {
        if self.open.iter().map(|open| open.branches).sum::<usize>() > MAX_BLOCK_DEPTH {
            return Err(Refused::TooComplex { detail: "levels of blocks", bound: MAX_BLOCK_DEPTH });
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), Refused> {
        match self.open.last() {
            Some(Open { end, line, .. }) => Err(Refused::Malformed {
                detail: format!("unexpected end of template: '{end}' is missing for the block of line {line}"),
                line: *line,
            }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(source: &str) -> String {
        prepare(source).unwrap().text
    }

    #[test]
    fn generation_tags_become_with_tags() {
        assert_eq!(text("{%- generation -%}x{% endgeneration %}"), "{%- with -%}x{% endwith %}");
    }

    #[test]
    fn the_word_generation_stays_elsewhere() {
        for source in [
            "{# {% generation %} #}",
            "{% raw %}{% generation %}{% endraw %}",
            "{{ '{% generation %}' }}",
            "{{ add_generation_prompt }} generation",
            "{% if generation %}{{ generation }}{% endif %}",
        ] {
            assert_eq!(text(source), source);
        }
    }

    #[test]
    fn raw_tags_keep_the_line_break_behind_them() {
        assert_eq!(text("{% raw %}\nx{% endraw %}"), "{% raw +%}\nx{% endraw %}");
        assert_eq!(text("a{%- raw\n%}\n\nx{% endraw %}"), "a{%- raw\n+%}\n\nx{% endraw %}");
        for same in [
            "{% raw %}x{% endraw %}",
            "{% raw -%}\nx{% endraw %}",
            "{# {% raw %}\n #}x",
            "{% raw %}{% raw %}\nx{% endraw %}",
        ] {
            assert_eq!(text(same), same);
        }
    }

    #[test]
    fn line_ends_are_normalised() {
        assert_eq!(text("a\r\nb\rc"), "a\nb\nc");
    }

    #[test]
    fn unclosed_blocks_are_refused() {
        for source in ["{% if x %}a", "{% for a in b %}{% endif %}", "a{% endif %}", "{% set x %}a", "{% generation %}"]
        {
            assert!(matches!(prepare(source), Err(Refused::Malformed { .. })), "{source}");
        }
        assert!(prepare("{% set x = f(a=1) %}{% set y %}{% endset %}").is_ok());
        assert!(prepare("{% set x|upper %}a{% endset %}").is_ok());
    }

    #[test]
    fn depth_is_bounded_but_length_is_not() {
        let deep = format!("{{{{ {} }}}}", vec!["x"; 1500].join("+"));
        assert!(matches!(prepare(&deep), Err(Refused::TooComplex { .. })));
        let long = format!("{{{{ [{}] }}}}", vec!["{'a': x.y|trim}"; 1500].join(","));
        assert!(prepare(&long).is_ok());
        let branches = format!("{{% if a %}}{}{{% endif %}}", "{% elif b %}".repeat(500));
        assert!(matches!(prepare(&branches), Err(Refused::TooComplex { .. })));
    }

    #[test]
    fn tokens_tell_about_markup_and_time() {
        let facts = |source: &str| prepare(source).map(|source| (source.markup, source.clock)).unwrap();
        assert_eq!(facts("{{ x|safe }}"), (true, false));
        assert_eq!(facts("{{ x|map('e')|list }}"), (true, false));
        assert_eq!(facts("{{ strftime_now('%d') }} safe"), (false, true));
    }
}
