//! `str(x)` and `repr(x)`: what `{{ x }}`, `~` and the `string` filter print.

use std::borrow::Cow;
use std::fmt::Write as _;

use minijinja::value::{Value, ValueKind};
use minijinja::{Error, State};

use super::budget;
use super::dict::{self, DictView};
use super::iterators::{Generator, PyRange};
use super::kind::{Kind, kind, type_name};
use super::text::{is_printable, pieces};

/// How deep `repr` follows containers. Values are kept shallower than this when they are made.
const MAX_DEPTH: usize = 512;

/// `str(value)`. Text comes back borrowed.
pub(crate) fn str_of<'a>(state: &State<'_, '_>, value: &'a Value) -> Result<Cow<'a, str>, Error> {
    budget::keep_going(state)?;
    // Bytes that are text have a text too, but print otherwise.
    match value.as_str().filter(|_| value.kind() == ValueKind::String) {
        Some(text) => Ok(Cow::Borrowed(text)),
        None => {
            let mut printer = Printer::new(state);
            printer.value(value, false, 0)?;
            Ok(Cow::Owned(printer.out))
        }
    }
}

/// `repr(value)`.
pub(crate) fn repr_of(state: &State<'_, '_>, value: &Value) -> Result<String, Error> {
    let mut printer = Printer::new(state);
    printer.value(value, true, 0)?;
    Ok(printer.out)
}

struct Printer<'s, 't, 'e> {
    state: &'s State<'t, 'e>,
    out: String,
    /// How long the output may become before the fuel cannot pay for it.
    limit: usize,
}

impl<'s, 't, 'e> Printer<'s, 't, 'e> {
    fn new(state: &'s State<'t, 'e>) -> Self {
        Self { state, out: String::new(), limit: budget::affordable_bytes(state) }
    }

    fn value(&mut self, value: &Value, quoted: bool, depth: usize) -> Result<(), Error> {
        if self.out.len() > self.limit {
            return Err(budget::exhaust(self.state));
        }
        if depth > MAX_DEPTH {
            return Err(super::error::depth_error());
        }
        match kind(value) {
            Kind::Undefined if quoted => self.out.push_str("Undefined"),
            Kind::Undefined => {}
            Kind::None => self.out.push_str("None"),
            Kind::Bool => self.out.push_str(if value.is_true() { "True" } else { "False" }),
            Kind::Float => push_float(&mut self.out, f64::try_from(value.clone()).unwrap_or(f64::NAN)),
            Kind::Str => {
                let text = value.as_str().unwrap_or_default();
                if !quoted {
                    self.out.push_str(text);
                } else if value.is_safe() {
                    self.out.push_str("Markup(");
                    self.quoted(text)?;
                    self.out.push(')');
                } else {
                    self.quoted(text)?;
                }
            }
            Kind::List => self.items("[", value, "]", depth)?,
            Kind::Tuple => {
                let close = if value.len() == Some(1) { ",)" } else { ")" };
                self.items("(", value, close, depth)?;
            }
            Kind::Dict => self.dict(value, depth)?,
            Kind::Range => self.range(value),
            Kind::View => self.view(value, depth)?,
            Kind::Generator => self.generator(value),
            Kind::Bytes => {
                let _ = write!(self.out, "{value:?}");
            }
            Kind::Object if self.loop_variable(value) => {}
            Kind::Object if is_engines(value, "Namespace") => {
                self.out.push_str("<Namespace ");
                self.dict(value, depth)?;
                self.out.push('>');
            }
            Kind::Object if is_engines(value, "Macro") => self.macro_name(value),
            // Integers print as Python prints them; functions and macros have their own words.
            Kind::Int | Kind::Object => {
                let _ = write!(self.out, "{value}");
            }
        }
        Ok(())
    }

    /// Escapes are longer than what they stand for: in pieces, so that the limit is not passed by
    /// far.
    fn quoted(&mut self, text: &str) -> Result<(), Error> {
        let quote = quote_for(text);
        self.out.push(quote);
        for piece in pieces(text) {
            if self.out.len() > self.limit {
                return Err(budget::exhaust(self.state));
            }
            push_escaped(&mut self.out, piece, quote);
        }
        self.out.push(quote);
        Ok(())
    }

    fn items(&mut self, open: &str, value: &Value, close: &str, depth: usize) -> Result<(), Error> {
        self.out.push_str(open);
        for (index, item) in value.try_iter()?.enumerate() {
            if index > 0 {
                self.out.push_str(", ");
            }
            self.value(&item, true, depth + 1)?;
        }
        self.out.push_str(close);
        Ok(())
    }

    fn dict(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        self.out.push('{');
        for (index, (key, item)) in dict::entries(value).iter().enumerate() {
            if index > 0 {
                self.out.push_str(", ");
            }
            self.value(key, true, depth + 1)?;
            self.out.push_str(": ");
            self.value(item, true, depth + 1)?;
        }
        self.out.push('}');
        Ok(())
    }

    fn range(&mut self, value: &Value) {
        if let Some(PyRange { start, stop, step }) = value.downcast_object_ref() {
            let _ = match step {
                1 => write!(self.out, "range({start}, {stop})"),
                _ => write!(self.out, "range({start}, {stop}, {step})"),
            };
        }
    }

    fn view(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        self.out.push_str(type_name(value));
        self.out.push_str("([");
        let items = value.downcast_object_ref::<DictView>().map(DictView::items).unwrap_or_default();
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.out.push_str(", ");
            }
            self.value(item, true, depth + 1)?;
        }
        self.out.push_str("])");
        Ok(())
    }

    /// Prints the loop variable; false if `value` is something else.
    fn loop_variable(&mut self, value: &Value) -> bool {
        let attribute = |name: &str| value.get_attr(name).ok().filter(|found| !found.is_undefined());
        let (Some(index), Some(length), Some(_)) = (attribute("index"), attribute("length"), attribute("revindex0"))
        else {
            return false;
        };
        let _ = write!(self.out, "<LoopContext {index}/{length}>");
        true
    }

    fn macro_name(&mut self, value: &Value) {
        let name = value.get_attr("name").unwrap_or_default();
        let _ = match name.as_str().filter(|name| *name != "caller") {
            Some(name) => write!(self.out, "<Macro '{name}'>"),
            None => write!(self.out, "<Macro anonymous>"),
        };
    }

    // Python prints the object's address, which no two runs share; ours is a constant of the same
    // shape.
    fn generator(&mut self, value: &Value) {
        let Some(generator) = value.downcast_object_ref::<Generator>() else { return };
        let _ = match generator.label() {
            "" => write!(self.out, "<{} object at 0x7f0000000000>", generator.type_name()),
            label => write!(self.out, "<generator object {label} at 0x7f0000000000>"),
        };
    }
}

/// Whether a value is an object of the engine's own type of this name, which cannot be named in
/// Rust.
fn is_engines(value: &Value, name: &str) -> bool {
    let type_name = value.as_object().map(|object| object.type_name()).unwrap_or_default();
    type_name.starts_with("minijinja::") && type_name.rsplit("::").next() == Some(name)
}

/// Appends a float as `repr(float)` writes it: the shortest digits that read back the same,
/// exponent form outside `1e-4 .. 1e16`. <https://docs.python.org/3/tutorial/floatingpoint.html>
pub(crate) fn push_float(out: &mut String, value: f64) {
    if value.is_nan() {
        return out.push_str("nan");
    }
    if value.is_infinite() {
        return out.push_str(if value > 0.0 { "inf" } else { "-inf" });
    }
    // Rust's `{:e}` gives the same shortest digits: `-1.25e-7`.
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = format!("{value}");
        out.push_str(&plain);
        if !plain.contains('.') {
            out.push_str(".0");
        }
        return;
    }
    out.push_str(mantissa);
    out.push('e');
    out.push(if exponent < 0 { '-' } else { '+' });
    let digits = exponent.unsigned_abs().to_string();
    if digits.len() < 2 {
        out.push('0');
    }
    out.push_str(&digits);
}

/// What `repr(str)` puts around a text: single quotes unless only they occur in it.
fn quote_for(text: &str) -> char {
    if text.contains('\'') && !text.contains('"') { '"' } else { '\'' }
}

/// Appends the inside of `repr(str)`: escapes for the quote and for what is not printable.
fn push_escaped(out: &mut String, text: &str, quote: char) {
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if is_printable(c) => out.push(c),
            c => {
                let code = u32::from(c);
                let _ = match code {
                    0..=0xff => write!(out, "\\x{code:02x}"),
                    0x100..=0xffff => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn float(value: f64) -> String {
        let mut out = String::new();
        push_float(&mut out, value);
        out
    }

    fn quoted(text: &str) -> String {
        let mut out = String::new();
        let quote = quote_for(text);
        out.push(quote);
        push_escaped(&mut out, text, quote);
        out.push(quote);
        out
    }

    #[test]
    fn floats_print_their_shortest_form() {
        let cases = [
            (1e16, "1e+16"),
            (1e15, "1000000000000000.0"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1e-7, "1e-07"),
            (-0.0, "-0.0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1.5e300, "1.5e+300"),
            (22.0, "22.0"),
            (123_456_789.125, "123456789.125"),
            (f64::INFINITY, "inf"),
            (f64::NAN, "nan"),
        ];
        for (value, text) in cases {
            assert_eq!(float(value), text);
        }
    }

    #[test]
    fn strings_choose_their_quotes() {
        assert_eq!(quoted("it's"), "\"it's\"");
        assert_eq!(quoted("it's \"it\""), "'it\\'s \"it\"'");
        assert_eq!(quoted("a\u{a0}\u{200b}\u{7f}é😀\\"), "'a\\xa0\\u200b\\x7fé😀\\\\'");
    }
}
