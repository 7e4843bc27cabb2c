//! Python's format specification mini-language, shared by `'%5.2f' % x` and `'{:5.2f}'.format(x)`.
//! <https://docs.python.org/3/library/string.html#format-specification-mini-language>

use minijinja::value::Value;
use minijinja::{Error, State};

use super::budget;
use super::error::{type_error, value_error};
use super::kind::{Kind, kind, type_name};
use super::number::Number;
use super::repr::{push_float, str_of};

/// No width or precision beyond this: the padding is output nobody asked a template for.
const MAX_WIDTH: usize = 10_000;

/// One parsed specification.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Spec {
    pub(crate) fill: Option<char>,
    /// `<`, `>`, `^` or `=` (padding between the sign and the digits).
    pub(crate) align: Option<char>,
    /// `+`, `-` or a space.
    pub(crate) sign: Option<char>,
    pub(crate) alternate: bool,
    pub(crate) width: usize,
    /// `,` or `_` between groups of digits.
    pub(crate) grouping: Option<char>,
    pub(crate) precision: Option<usize>,
    /// The presentation type: `s`, `d`, `x`, `f`, ...
    pub(crate) ty: Option<char>,
}

impl Spec {
    /// Parses the text after the colon of a replacement field.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let mut spec = Spec::default();
        let mut chars = text.chars().peekable();
        let mut ahead = text.chars();
        let (first, second) = (ahead.next(), ahead.next());
        if second.is_some_and(is_align) {
            spec.fill = first;
            spec.align = second;
            chars.nth(1);
        } else if first.is_some_and(is_align) {
            spec.align = first;
            chars.next();
        }
        spec.sign = chars.next_if(|c| matches!(c, '+' | '-' | ' '));
        spec.alternate = chars.next_if_eq(&'#').is_some();
        if chars.next_if_eq(&'0').is_some() && spec.align.is_none() {
            spec.fill.get_or_insert('0');
            spec.align = Some('=');
        }
        spec.width = number(&mut chars)?.unwrap_or(0);
        spec.grouping = chars.next_if(|c| matches!(c, ',' | '_'));
        if chars.next_if_eq(&'.').is_some() {
            spec.precision =
                Some(number(&mut chars)?.ok_or_else(|| value_error("Format specifier missing precision"))?);
        }
        spec.ty = chars.next();
        if chars.next().is_some() {
            return Err(value_error("Invalid format specifier"));
        }
        Ok(spec)
    }
}

fn is_align(c: char) -> bool {
    matches!(c, '<' | '>' | '^' | '=')
}

/// Reads a decimal number, if one is next.
pub(crate) fn number(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Option<usize>, Error> {
    let mut found = None;
    while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
        chars.next();
        let value = found.unwrap_or(0_usize).saturating_mul(10).saturating_add(digit as usize);
        found = Some(bounded_width(value)?);
    }
    Ok(found)
}

/// A width or precision, wherever it came from. Fails if it is beyond [`MAX_WIDTH`].
pub(crate) fn bounded_width(width: usize) -> Result<usize, Error> {
    if width > MAX_WIDTH { Err(value_error("Too many decimal digits in format string")) } else { Ok(width) }
}

/// `format(value, spec)`.
pub(crate) fn format_value(state: &State<'_, '_>, value: &Value, spec: &Spec) -> Result<String, Error> {
    // Before the text is made: the padding, and the digits of a float, each of which takes several
    // steps.
    let padding = spec.width.saturating_mul(spec.fill.map_or(1, char::len_utf8));
    budget::afford_bytes(state, padding.saturating_add(value.as_str().map_or(0, str::len)))?;
    budget::charge_items(state, spec.precision.filter(|_| kind(value) != Kind::Str).unwrap_or(0) / 8)?;
    let text = match kind(value) {
        Kind::Int | Kind::Bool if spec.ty.is_none_or(|ty| "bcdoxXn".contains(ty)) => format_int(value, spec)?,
        Kind::Bool if spec.ty == Some('s') => return Err(unknown_code('s', value)),
        Kind::Int | Kind::Bool | Kind::Float => {
            let float = Number::of(value).map_or(f64::NAN, Number::float);
            format_float(float, spec).ok_or_else(|| unknown_code(spec.ty.unwrap_or('s'), value))?
        }
        Kind::Str => match spec.ty {
            None | Some('s') => {
                let text = value.as_str().unwrap_or_default();
                budget::charge_bytes(state, text.len())?;
                format_text(text, spec)?
            }
            Some(ty) => return Err(unknown_code(ty, value)),
        },
        _ if *spec == Spec::default() => str_of(state, value)?.into_owned(),
        _ => {
            return Err(type_error(format!("unsupported format string passed to {}.__format__", type_name(value))));
        }
    };
    budget::afford_bytes(state, text.len())?;
    Ok(text)
}

fn unknown_code(code: char, value: &Value) -> Error {
    value_error(format!("Unknown format code '{code}' for object of type '{}'", type_name(value)))
}

fn format_text(text: &str, spec: &Spec) -> Result<String, Error> {
    if spec.align == Some('=') && spec.fill != Some('0') {
        return Err(value_error("'=' alignment not allowed in string format specifier"));
    }
    if let Some(separator) = spec.grouping {
        return Err(value_error(format!("Cannot specify '{separator}' with 's'.")));
    }
    let cut: String = match spec.precision {
        Some(precision) => text.chars().take(precision).collect(),
        None => text.to_owned(),
    };
    let align = spec.align.filter(|align| *align != '=').unwrap_or('<');
    Ok(pad("", &cut, spec, align))
}

fn format_int(value: &Value, spec: &Spec) -> Result<String, Error> {
    if spec.precision.is_some() {
        return Err(value_error("Precision not allowed in integer format specifier"));
    }
    let number = match Number::of(value) {
        Some(Number::Int(int)) => int,
        _ => return Err(value_error("the integer is too large to format")),
    };
    let magnitude = number.unsigned_abs();
    let (prefix, digits) = match spec.ty {
        Some('b') => ("0b", format!("{magnitude:b}")),
        Some('o') => ("0o", format!("{magnitude:o}")),
        Some('x') => ("0x", format!("{magnitude:x}")),
        Some('X') => ("0X", format!("{magnitude:X}")),
        Some('c') => {
            let c = u32::try_from(number).ok().and_then(char::from_u32);
            let c = c.ok_or_else(|| value_error("%c arg not in range(0x110000)"))?;
            return Ok(pad("", &c.to_string(), spec, spec.align.unwrap_or('<')));
        }
        _ => ("", magnitude.to_string()),
    };
    let group = if matches!(spec.ty, Some('b' | 'o' | 'x' | 'X')) { 4 } else { 3 };
    let mut sign = sign_text(number < 0, spec).to_owned();
    if spec.alternate {
        sign.push_str(prefix);
    }
    Ok(pad(&sign, &grouped(&digits, spec.grouping, group), spec, spec.align.unwrap_or('>')))
}

/// The sign to write in front.
fn sign_text(negative: bool, spec: &Spec) -> &'static str {
    match (negative, spec.sign) {
        (true, _) => "-",
        (false, Some('+')) => "+",
        (false, Some(' ')) => " ",
        _ => "",
    }
}

/// Formats a float; `None` for a type code that floats do not have.
fn format_float(value: f64, spec: &Spec) -> Option<String> {
    let magnitude = value.abs();
    let precision = spec.precision.unwrap_or(6);
    let mut digits = match spec.ty {
        _ if !value.is_finite() => if value.is_nan() { "nan" } else { "inf" }.to_owned(),
        Some('f' | 'F') => format!("{magnitude:.precision$}"),
        Some('%') => format!("{:.precision$}%", magnitude * 100.0),
        Some('e' | 'E') => exponent_form(magnitude, precision),
        Some('g' | 'G' | 'n') => general_form(magnitude, precision.max(1), spec.alternate),
        None => match spec.precision {
            Some(precision) => general_form_with_point(magnitude, precision.max(1)),
            None => {
                let mut text = String::new();
                push_float(&mut text, magnitude);
                text
            }
        },
        _ => return None,
    };
    if matches!(spec.ty, Some('E' | 'G' | 'F')) {
        digits = digits.to_uppercase();
    }
    if spec.grouping.is_some() {
        let split = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        let (whole, rest) = digits.split_at(split);
        digits = format!("{}{rest}", grouped(whole, spec.grouping, 3));
    }
    let sign = sign_text(value.is_sign_negative() && !value.is_nan(), spec);
    Some(pad(sign, &digits, spec, spec.align.unwrap_or('>')))
}

/// `1.234560e+05`: Rust's exponent form with Python's two-digit exponent.
fn exponent_form(value: f64, precision: usize) -> String {
    let text = format!("{value:.precision$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    format!("{mantissa}e{sign}{digits:0>2}")
}

/// The `g` presentation: significant digits, exponent form when the exponent is small or large,
/// trailing zeros cut.
fn general_form(value: f64, precision: usize, keep_zeros: bool) -> String {
    let probe = format!("{value:.*e}", precision - 1);
    let exponent: i64 = probe.split_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0);
    let in_range = exponent >= -4 && exponent < i64::try_from(precision).unwrap_or(i64::MAX);
    let text = if in_range {
        let decimals = usize::try_from(i64::try_from(precision).unwrap_or(i64::MAX) - 1 - exponent).unwrap_or(0);
        format!("{value:.decimals$}")
    } else {
        exponent_form(value, precision - 1)
    };
    if keep_zeros || !text.contains('.') {
        return text;
    }
    match text.split_once('e') {
        Some((mantissa, exponent)) => format!("{}e{exponent}", cut_zeros(mantissa)),
        None => cut_zeros(&text).to_owned(),
    }
}

/// `format(1.0, '.3')`: like `g`, but with at least one digit behind the point.
fn general_form_with_point(value: f64, precision: usize) -> String {
    let text = general_form(value, precision, false);
    if text.contains(['.', 'e']) { text } else { text + ".0" }
}

fn cut_zeros(text: &str) -> &str {
    text.trim_end_matches('0').trim_end_matches('.')
}

/// Puts `separator` between groups of `size` digits.
fn grouped(digits: &str, separator: Option<char>, size: usize) -> String {
    let Some(separator) = separator else { return digits.to_owned() };
    let mut out = String::with_capacity(digits.len() * 2);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % size == 0 {
            out.push(separator);
        }
        out.push(digit);
    }
    out
}

/// Pads `sign` + `body` to the width.
fn pad(sign: &str, body: &str, spec: &Spec, align: char) -> String {
    let fill = spec.fill.unwrap_or(' ');
    let missing = spec.width.saturating_sub(sign.chars().count() + body.chars().count());
    let (before, between, after) = match align {
        '<' => (0, 0, missing),
        '^' => (missing / 2, 0, missing - missing / 2),
        '=' => (0, missing, 0),
        _ => (missing, 0, 0),
    };
    let mut out = String::with_capacity(sign.len() + body.len() + missing * fill.len_utf8());
    out.extend(std::iter::repeat_n(fill, before));
    out.push_str(sign);
    out.extend(std::iter::repeat_n(fill, between));
    out.push_str(body);
    out.extend(std::iter::repeat_n(fill, after));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(value: i64, spec: &str) -> String {
        format_int(&Value::from(value), &Spec::parse(spec).unwrap()).unwrap()
    }

    fn float(value: f64, spec: &str) -> String {
        format_float(value, &Spec::parse(spec).unwrap()).unwrap()
    }

    #[test]
    fn integers_format_as_python_formats_them() {
        let cases = [
            (42, "", "42"),
            (42, "5d", "   42"),
            (-42, "06d", "-00042"),
            (42, "<5", "42   "),
            (42, "*^6", "**42**"),
            (255, "#x", "0xff"),
            (1_234_567, ",", "1,234,567"),
            (65, "c", "A"),
            (7, "+d", "+7"),
        ];
        for (value, spec, text) in cases {
            assert_eq!(int(value, spec), text, "{spec}");
        }
    }

    #[test]
    fn floats_format_as_python_formats_them() {
        let cases = [
            (2.34567, ".2f", "2.35"),
            (2.5, ".0f", "2"),
            (123_456.0, "e", "1.234560e+05"),
            (0.0001, "g", "0.0001"),
            (0.00001, "g", "1e-05"),
            (1_234_567.0, "g", "1.23457e+06"),
            (100_000.0, "g", "100000"),
            (0.5, ".1%", "50.0%"),
            (1.0, ".3", "1.0"),
            (1234.5, ",.2f", "1,234.50"),
            (-1.5, "08.2f", "-0001.50"),
        ];
        for (value, spec, text) in cases {
            assert_eq!(float(value, spec), text, "{spec}");
        }
    }

    #[test]
    fn a_width_is_bounded() {
        assert!(Spec::parse("99999999999d").is_err());
        assert!(Spec::parse("5dd").is_err());
    }
}
