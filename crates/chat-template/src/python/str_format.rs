//! `'{} is {1:>5} and {name!r}'.format(...)`.
//! <https://docs.python.org/3/library/string.html#format-string-syntax>

use minijinja::value::{Kwargs, Value};
use minijinja::{Error, State};

use super::budget;
use super::error::value_error;
use super::format_spec::{Spec, format_value};
use super::repr::{repr_of, str_of};
use super::subscript::item;

/// How deep a replacement field may nest in a format specification; Python's own bound.
const MAX_NESTING: usize = 2;

/// Formats `template` with the positional and keyword arguments of the call.
pub(crate) fn str_format(
    state: &State<'_, '_>,
    template: &str,
    args: &[Value],
    kwargs: Option<&Kwargs>,
) -> Result<String, Error> {
    let mut formatter = StrFormatter { state, args, kwargs, next: 0 };
    formatter.run(template, 0)
}

struct StrFormatter<'a, 't, 'e> {
    state: &'a State<'t, 'e>,
    args: &'a [Value],
    kwargs: Option<&'a Kwargs>,
    next: usize,
}

impl StrFormatter<'_, '_, '_> {
    fn run(&mut self, template: &str, nesting: usize) -> Result<String, Error> {
        if nesting >= MAX_NESTING {
            return Err(value_error("Max string recursion exceeded"));
        }
        let mut out = String::with_capacity(template.len());
        let mut rest = template;
        while let Some(at) = rest.find(['{', '}']) {
            let (text, tail) = rest.split_at(at);
            out.push_str(text);
            if let Some(after) = tail.strip_prefix("{{").or_else(|| tail.strip_prefix("}}")) {
                out.push_str(tail.split_at(1).0);
                rest = after;
                continue;
            }
            let Some(body) = tail.strip_prefix('{') else {
                return Err(value_error("Single '}' encountered in format string"));
            };
            let end = field_end(body).ok_or_else(|| value_error("expected '}' before end of string"))?;
            let (field, after) = body.split_at(end);
            let text = self.field(field, nesting)?;
            budget::afford_bytes(self.state, out.len() + text.len())?;
            budget::charge_bytes(self.state, text.len())?;
            out.push_str(&text);
            rest = after.strip_prefix('}').unwrap_or(after);
        }
        out.push_str(rest);
        Ok(out)
    }

    fn field(&mut self, field: &str, nesting: usize) -> Result<String, Error> {
        let (head, spec) = field.split_once(':').unwrap_or((field, ""));
        let (name, conversion) = head.split_once('!').map_or((head, None), |(name, c)| (name, Some(c)));
        let value = self.lookup(name)?;
        let value = match conversion {
            None => value,
            Some("s") => Value::from(str_of(self.state, &value)?.into_owned()),
            Some("r" | "a") => Value::from(repr_of(self.state, &value)?),
            Some(_) => return Err(value_error("Unknown conversion specifier")),
        };
        let spec = if spec.contains('{') { self.run(spec, nesting + 1)? } else { spec.to_owned() };
        format_value(self.state, &value, &Spec::parse(&spec)?)
    }

    /// Resolves `0`, `name`, `0.attribute`, `name[key]`.
    fn lookup(&mut self, name: &str) -> Result<Value, Error> {
        let end = name.find(['.', '[']).unwrap_or(name.len());
        let (first, mut path) = name.split_at(end);
        let mut value = match first.parse::<usize>() {
            Ok(index) => self.positional(index)?,
            Err(_) if first.is_empty() => {
                self.next += 1;
                self.positional(self.next - 1)?
            }
            Err(_) => self
                .kwargs
                .filter(|kwargs| kwargs.args().any(|name| name == first))
                .ok_or_else(|| value_error(format!("KeyError: '{first}'")))?
                // What is given but undefined counts as missing for `peek`.
                .peek::<Value>(first)
                .unwrap_or_default(),
        };
        while !path.is_empty() {
            let (key, tail) = match path.strip_prefix('[') {
                Some(item) => {
                    let (key, tail) =
                        item.split_once(']').ok_or_else(|| value_error("Missing ']' in format string"))?;
                    let index = key.parse::<i64>();
                    (index.map_or_else(|_| Value::from(key), Value::from), tail)
                }
                None => {
                    let attribute = path.strip_prefix('.').unwrap_or(path);
                    let end = attribute.find(['.', '[']).unwrap_or(attribute.len());
                    let (key, tail) = attribute.split_at(end);
                    if key.starts_with("__") {
                        return Err(super::error::security_error("access to a private attribute is unsafe"));
                    }
                    (Value::from(key), tail)
                }
            };
            value = item(self.state, &value, &key)?;
            path = tail;
        }
        Ok(value)
    }

    fn positional(&self, index: usize) -> Result<Value, Error> {
        let found = self.args.get(index).cloned();
        found.ok_or_else(|| value_error("Replacement index out of range for positional args tuple"))
    }
}

/// Where the replacement field ends: at the closing brace of the same level.
fn field_end(body: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in body.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}
