//! `json.dumps`, as the `tojson` filter of `transformers` calls it: no HTML escaping, insertion
//! order, Python's floats. <https://docs.python.org/3/library/json.html#json.dumps>

use std::fmt::Write as _;

use minijinja::value::Value;
use minijinja::{Error, State};

use super::budget;
use super::dict;
use super::error::{depth_error, type_error};
use super::kind::{Kind, kind, type_name};
use super::repr::push_float;
use super::text::pieces;

const MAX_DEPTH: usize = 512;

/// The arguments of `json.dumps` that templates can give.
#[derive(Debug)]
pub(crate) struct Style {
    pub(crate) ensure_ascii: bool,
    /// The text one level is indented by; `None` writes everything on one line.
    pub(crate) indent: Option<String>,
    pub(crate) item_separator: String,
    pub(crate) key_separator: String,
    pub(crate) sort_keys: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            ensure_ascii: false,
            indent: None,
            item_separator: ", ".to_owned(),
            key_separator: ": ".to_owned(),
            sort_keys: false,
        }
    }
}

/// `json.dumps(value)` in the given style.
pub(crate) fn dumps(state: &State<'_, '_>, value: &Value, style: &Style) -> Result<String, Error> {
    let mut writer = Writer { state, style, out: String::new(), limit: budget::affordable_bytes(state) };
    writer.value(value, 0)?;
    Ok(writer.out)
}

struct Writer<'s, 't, 'e> {
    state: &'s State<'t, 'e>,
    style: &'s Style,
    out: String,
    limit: usize,
}

impl Writer<'_, '_, '_> {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        if self.out.len() > self.limit {
            return Err(budget::exhaust(self.state));
        }
        if depth > MAX_DEPTH {
            return Err(depth_error());
        }
        match kind(value) {
            Kind::None => self.out.push_str("null"),
            Kind::Bool => self.out.push_str(if value.is_true() { "true" } else { "false" }),
            Kind::Int => {
                let _ = write!(self.out, "{value}");
            }
            Kind::Float => push_json_float(&mut self.out, f64::try_from(value.clone()).unwrap_or(f64::NAN)),
            Kind::Str => self.string(value.as_str().unwrap_or_default())?,
            Kind::List | Kind::Tuple => self.list(value, depth)?,
            Kind::Dict => self.dict(value, depth)?,
            _ => return Err(type_error(format!("Object of type {} is not JSON serializable", type_name(value)))),
        }
        Ok(())
    }

    fn list(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        self.out.push('[');
        let mut empty = true;
        for item in value.try_iter()? {
            self.separate(empty, depth + 1)?;
            empty = false;
            self.value(&item, depth + 1)?;
        }
        self.close(empty, depth, ']')
    }

    fn dict(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        let mut entries = dict::entries(value);
        if self.style.sort_keys {
            budget::charge_sort(self.state, entries.len())?;
            if let Some((odd, _)) = entries.iter().find(|(key, _)| key.as_str().is_none()) {
                let same = entries.iter().all(|(key, _)| kind(key) == kind(odd));
                if !same {
                    return Err(type_error("'<' not supported between instances of keys of different types"));
                }
            }
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
        self.out.push('{');
        let mut empty = true;
        for (key, item) in &entries {
            self.separate(empty, depth + 1)?;
            empty = false;
            self.key(key)?;
            self.out.push_str(&self.style.key_separator);
            self.value(item, depth + 1)?;
        }
        self.close(empty, depth, '}')
    }

    /// Keys that are not strings are written as strings: `1`, `true`, `null`, `1.5`.
    fn key(&mut self, key: &Value) -> Result<(), Error> {
        let mut text = String::new();
        match kind(key) {
            Kind::Str => return self.string(key.as_str().unwrap_or_default()),
            Kind::None => text.push_str("null"),
            Kind::Bool => text.push_str(if key.is_true() { "true" } else { "false" }),
            Kind::Int => {
                let _ = write!(text, "{key}");
            }
            Kind::Float => push_json_float(&mut text, f64::try_from(key.clone()).unwrap_or(f64::NAN)),
            _ => {
                return Err(type_error(format!("keys must be str, int, float, bool or None, not {}", type_name(key))));
            }
        }
        self.string(&text)
    }

    fn separate(&mut self, first: bool, depth: usize) -> Result<(), Error> {
        if !first {
            self.out.push_str(&self.style.item_separator);
        }
        self.line_break(depth)
    }

    fn close(&mut self, empty: bool, depth: usize, bracket: char) -> Result<(), Error> {
        if !empty {
            self.line_break(depth)?;
        }
        self.out.push(bracket);
        Ok(())
    }

    /// Fails if what is about to be written goes past the limit.
    fn afford(&self, bytes: usize) -> Result<(), Error> {
        if self.out.len().saturating_add(bytes) <= self.limit { Ok(()) } else { Err(budget::exhaust(self.state)) }
    }

    fn string(&mut self, text: &str) -> Result<(), Error> {
        self.afford(text.len())?;
        // Escapes are longer than what they stand for: in pieces, so that the limit is not passed by far.
        self.out.push('"');
        for piece in pieces(text) {
            push_escaped(&mut self.out, piece, self.style.ensure_ascii);
            self.afford(0)?;
        }
        self.out.push('"');
        Ok(())
    }

    fn line_break(&mut self, depth: usize) -> Result<(), Error> {
        if let Some(indent) = &self.style.indent {
            self.afford(indent.len().saturating_mul(depth))?;
            self.out.push('\n');
            for _ in 0..depth {
                self.out.push_str(indent);
            }
        }
        Ok(())
    }
}

fn push_json_float(out: &mut String, value: f64) {
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    } else {
        push_float(out, value);
    }
}

fn push_escaped(out: &mut String, text: &str, ensure_ascii: bool) {
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..='\u{1f}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            // The ASCII form of Python's encoder also escapes DEL.
            c if ensure_ascii && !matches!(c, ' '..='~') => {
                let mut units = [0_u16; 2];
                for unit in c.encode_utf16(&mut units) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(text: &str, ensure_ascii: bool) -> String {
        let mut out = String::new();
        push_escaped(&mut out, text, ensure_ascii);
        out
    }

    #[test]
    fn strings_escape_only_what_json_requires() {
        assert_eq!(string("<a> & 'é' \"x\"\u{1}\u{7f}", false), "<a> & 'é' \\\"x\\\"\\u0001\u{7f}");
        assert_eq!(string("é😀\u{7f}", true), "\\u00e9\\ud83d\\ude00\\u007f");
    }

    #[test]
    fn floats_have_the_names_python_gives_them() {
        let mut out = String::new();
        push_json_float(&mut out, f64::NEG_INFINITY);
        push_json_float(&mut out, 1e16);
        assert_eq!(out, "-Infinity1e+16");
    }
}
