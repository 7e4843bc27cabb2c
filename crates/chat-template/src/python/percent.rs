//! `'%s has %d' % (name, count)`, and the `format` filter which does the same.
//! <https://docs.python.org/3/library/stdtypes.html#printf-style-string-formatting>

use minijinja::value::Value;
use minijinja::{Error, State};

use super::budget;
use super::error::{type_error, undefined_error, value_error};
use super::format_spec::{Spec, bounded_width, format_value, number};
use super::kind::{Kind, kind, type_name};
use super::repr::{repr_of, str_of};

/// Formats `template` with one value, a tuple of values, or a dictionary for `%(name)s`.
pub(crate) fn percent(state: &State<'_, '_>, template: &str, value: &Value) -> Result<String, Error> {
    budget::charge_items(state, value.len().filter(|_| kind(value) == Kind::Tuple).unwrap_or(0))?;
    let values: Vec<Value> = if kind(value) == Kind::Tuple { value.try_iter()?.collect() } else { vec![value.clone()] };
    let mut formatter = PercentFormatter { state, all: value, values, next: 0, out: String::new() };
    formatter.run(template)?;
    // Python wants every value used, unless it could have been looked up in: by name, but a list will
    // do.
    let subscriptable = matches!(kind(value), Kind::Dict | Kind::List | Kind::Range | Kind::Bytes | Kind::Undefined);
    if formatter.next < formatter.values.len() && !subscriptable {
        return Err(type_error("not all arguments converted during string formatting"));
    }
    Ok(formatter.out)
}

struct PercentFormatter<'s, 't, 'e> {
    state: &'s State<'t, 'e>,
    all: &'s Value,
    values: Vec<Value>,
    next: usize,
    out: String,
}

impl PercentFormatter<'_, '_, '_> {
    fn run(&mut self, template: &str) -> Result<(), Error> {
        let mut chars = template.chars().peekable();
        while let Some(c) = chars.next() {
            if c != '%' {
                self.out.push(c);
                continue;
            }
            let named = if chars.next_if_eq(&'(').is_some() { Some(self.by_name(&mut chars)?) } else { None };
            let (mut spec, mut left) = flags(&mut chars);
            spec.width = match self.number(&mut chars)? {
                // A negative width from the arguments is a flag `-` and a width.
                Some((width, negative)) => {
                    if negative {
                        (left, spec.fill) = (true, None);
                    }
                    width
                }
                None => 0,
            };
            if chars.next_if_eq(&'.').is_some() {
                let precision = self.number(&mut chars)?;
                spec.precision =
                    Some(precision.filter(|(_, negative)| !negative).map_or(0, |(precision, _)| precision));
            }
            while chars.next_if(|c| matches!(c, 'h' | 'l' | 'L')).is_some() {}
            let code = chars.next().ok_or_else(|| value_error("incomplete format"))?;
            if code == '%' {
                self.out.push('%');
                continue;
            }
            let value = self.take(named)?;
            let text = self.convert(&value, code, spec, left)?;
            budget::afford_bytes(self.state, self.out.len() + text.len())?;
            budget::charge_bytes(self.state, text.len())?;
            self.out.push_str(&text);
        }
        Ok(())
    }

    /// A width or a precision: written, or taken from the values for `*`; and whether it was
    /// negative.
    fn number(&mut self, chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Option<(usize, bool)>, Error> {
        if chars.next_if_eq(&'*').is_none() {
            return Ok(number(chars)?.map(|number| (number, false)));
        }
        let value = self.take(None)?;
        if !matches!(kind(&value), Kind::Int | Kind::Bool) {
            return Err(type_error("* wants int"));
        }
        let given = super::args::as_int(&value)?;
        let size = usize::try_from(given.unsigned_abs()).unwrap_or(usize::MAX);
        Ok(Some((bounded_width(size)?, given < 0)))
    }

    /// Reads the rest of `%(name)` and looks the name up.
    fn by_name(&self, chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Value, Error> {
        if kind(self.all) != Kind::Dict {
            return Err(type_error("format requires a mapping"));
        }
        let mut name = String::new();
        loop {
            match chars.next() {
                Some(')') => break,
                Some(c) => name.push(c),
                None => return Err(value_error("incomplete format key")),
            }
        }
        // A key whose value is undefined is there all the same.
        let found = self.all.as_object().and_then(|dict| dict.get_value(&Value::from(name.as_str())));
        found.ok_or_else(|| value_error(format!("KeyError: '{name}'")))
    }

    fn take(&mut self, named: Option<Value>) -> Result<Value, Error> {
        if let Some(value) = named {
            return Ok(value);
        }
        let value = self.values.get(self.next).cloned();
        self.next += 1;
        value.ok_or_else(|| type_error("not enough arguments for format string"))
    }

    fn convert(&self, value: &Value, code: char, mut spec: Spec, left: bool) -> Result<String, Error> {
        if value.is_undefined() && !matches!(code, 's' | 'r' | 'a' | 'c') {
            return Err(undefined_error("a number to format is undefined"));
        }
        spec.align = Some(match spec.align {
            _ if left => '<',
            Some(align) => align,
            None => '>',
        });
        let text = match code {
            's' => str_of(self.state, value)?.into_owned(),
            'r' | 'a' => repr_of(self.state, value)?,
            'c' if kind(value) == Kind::Str => value.as_str().unwrap_or_default().to_owned(),
            'd' | 'i' | 'u' => return self.integer(value, spec),
            'o' | 'x' | 'X' | 'c' => return self.radix(value, code, spec),
            'e' | 'E' | 'f' | 'F' | 'g' | 'G' => return self.float(value, code, &spec),
            other => return Err(value_error(format!("unsupported format character '{other}'"))),
        };
        if spec.align == Some('=') {
            (spec.align, spec.fill) = (Some('>'), None);
        }
        format_value(self.state, &Value::from(text), &spec)
    }

    /// `%d`: floats lose their fraction.
    fn integer(&self, value: &Value, mut spec: Spec) -> Result<String, Error> {
        let int = match kind(value) {
            Kind::Int => value.clone(),
            Kind::Bool => Value::from(i64::from(value.is_true())),
            Kind::Float => {
                let float = f64::try_from(value.clone()).unwrap_or(f64::NAN);
                super::number::float_to_int(float)?
            }
            _ => return Err(type_error(format!("%d format: a real number is required, not {}", type_name(value)))),
        };
        spec.precision = None;
        format_value(self.state, &int, &spec)
    }

    fn radix(&self, value: &Value, code: char, mut spec: Spec) -> Result<String, Error> {
        if !matches!(kind(value), Kind::Int | Kind::Bool) {
            return Err(type_error(format!("%{code} format: an integer is required, not {}", type_name(value))));
        }
        (spec.precision, spec.ty) = (None, Some(code));
        format_value(self.state, value, &spec)
    }

    fn float(&self, value: &Value, code: char, spec: &Spec) -> Result<String, Error> {
        if !matches!(kind(value), Kind::Int | Kind::Bool | Kind::Float) {
            return Err(type_error(format!("must be real number, not {}", type_name(value))));
        }
        format_value(self.state, value, &Spec { ty: Some(code), ..spec.clone() })
    }
}

/// Reads the flags `-+ #0`; the second result says whether to align left.
fn flags(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> (Spec, bool) {
    let (mut spec, mut left) = (Spec::default(), false);
    while let Some(flag) = chars.next_if(|c| matches!(c, '-' | '+' | ' ' | '#' | '0')) {
        match flag {
            '-' => left = true,
            '+' => spec.sign = Some('+'),
            ' ' if spec.sign.is_none() => spec.sign = Some(' '),
            '#' => spec.alternate = true,
            '0' => (spec.fill, spec.align) = (Some('0'), Some('=')),
            _ => {}
        }
    }
    if left {
        spec.fill = None;
    }
    (spec, left)
}
