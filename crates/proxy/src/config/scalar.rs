//! What a scalar without quotes means.
//!
//! Owns the table of types, which is PyYAML's (YAML 1.1), because the file is LiteLLM's: `yes` is a
//! flag, `n` and `1e5` are texts, and `017` is 15. The scalar's own text is kept beside its value,
//! for keys that want a text.
//!
//! <https://github.com/yaml/pyyaml/blob/main/lib/yaml/resolver.py>

use serde_json::Number;

use super::node::Yaml;

/// The value of a scalar that was written without quotes.
pub(super) fn plain(text: &str) -> Yaml {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Yaml::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Yaml::Flag(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => return Yaml::Flag(false),
        _ => {}
    }
    match number(text) {
        Some(number) => Yaml::Number(number, text.to_owned()),
        None => Yaml::Text(text.to_owned()),
    }
}

/// The number that this is; `None` also for one that no JSON number holds.
fn number(text: &str) -> Option<Number> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    if let Some(whole) = whole(digits) {
        let whole = whole?;
        return if negative { Number::from_i128(-whole) } else { Number::from_i128(whole) };
    }
    let float = float(digits)?;
    Number::from_f64(if negative { -float } else { float })
}

/// The whole number that these digits are; within, `None` if it is too large.
#[expect(
    clippy::option_option,
    reason = "what is no whole number may still be a fraction; what is too large is neither"
)]
fn whole(digits: &str) -> Option<Option<i128>> {
    let all = |digits: &str, radix: u32| !digits.is_empty() && digits.chars().all(|c| c == '_' || c.is_digit(radix));
    let parse = |digits: &str, radix| i128::from_str_radix(&digits.replace('_', ""), radix).ok();
    if let Some(digits) = digits.strip_prefix("0b").filter(|digits| all(digits, 2)) {
        return Some(parse(digits, 2));
    }
    if let Some(digits) = digits.strip_prefix("0x").filter(|digits| all(digits, 16)) {
        return Some(parse(digits, 16));
    }
    if digits == "0" {
        return Some(Some(0));
    }
    if let Some(octal) = digits.strip_prefix('0') {
        return all(octal, 8).then(|| parse(octal, 8));
    }
    if all(digits, 10) {
        return Some(parse(digits, 10));
    }
    // Hours, minutes and seconds: 1:30 is 90.
    let mut parts = digits.split(':');
    let first = parts.next().filter(|first| all(first, 10))?;
    let mut value = parse(first, 10)?;
    let mut rest = parts.peekable();
    rest.peek()?;
    for part in rest {
        let part: i128 = part.parse().ok().filter(|_| is_sixtieth(part))?;
        value = value.checked_mul(60)?.checked_add(part)?;
    }
    Some(Some(value))
}

fn is_sixtieth(part: &str) -> bool {
    matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9'])
}

/// A number with a dot. An exponent needs its sign: `1.5e3` is a text.
fn float(digits: &str) -> Option<f64> {
    let (whole, rest) = digits.split_once('.')?;
    let (fraction, exponent) = match rest.split_once(['e', 'E']) {
        Some((fraction, exponent)) => (fraction, Some(exponent)),
        None => (rest, None),
    };
    let digits_alone = |text: &str| text.chars().all(|c| c == '_' || c.is_ascii_digit());
    let is_exponent = |text: &str| {
        text.strip_prefix(['+', '-'])
            .is_some_and(|digits| !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()))
    };
    if !digits_alone(whole)
        || !digits_alone(fraction)
        || (whole.is_empty() && !fraction.starts_with(|c: char| c.is_ascii_digit()))
        || !exponent.is_none_or(is_exponent)
    {
        return None;
    }
    let exponent = exponent.map_or_else(String::new, |exponent| format!("e{exponent}"));
    format!("{}.{}0{exponent}", whole.replace('_', ""), fraction.replace('_', "")).parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn value(text: &str) -> Value {
        match plain(text) {
            Yaml::Null => Value::Null,
            Yaml::Flag(flag) => json!(flag),
            Yaml::Number(number, kept) => {
                assert_eq!(kept, text);
                Value::Number(number)
            }
            Yaml::Text(text) => json!(text),
            Yaml::List(_) | Yaml::Map(_) | Yaml::Unset(_) => unreachable!("a scalar"),
        }
    }

    #[test]
    fn numbers_are_pyyamls() {
        for (text, number) in [
            ("0", json!(0)),
            ("7", json!(7)),
            ("-7", json!(-7)),
            ("+7", json!(7)),
            ("1_000", json!(1000)),
            ("017", json!(15)),
            ("0b101", json!(5)),
            ("0xFF", json!(255)),
            ("1:30", json!(90)),
            ("18446744073709551615", json!(18_446_744_073_709_551_615_u64)),
            ("2.5", json!(2.5)),
            ("1.", json!(1.0)),
            (".5", json!(0.5)),
            ("-0.5", json!(-0.5)),
            ("1.5e+3", json!(1500.0)),
            ("1e5", json!("1e5")),
            ("1e3", json!("1e3")),
            ("1.5e3", json!("1.5e3")),
            ("012345678901", json!("012345678901")),
            ("123456789012345678901234567890", json!("123456789012345678901234567890")),
            ("0o17", json!("0o17")),
            ("1.2.3", json!("1.2.3")),
            ("1:90", json!("1:90")),
            ("2026-12-31", json!("2026-12-31")),
            ("-", json!("-")),
            (".", json!(".")),
            ("+", json!("+")),
            ("0x", json!("0x")),
            ("_1", json!("_1")),
        ] {
            assert_eq!(value(text), number, "{text}");
        }
    }

    #[test]
    fn flags_and_nothing_are_pyyamls() {
        for text in ["yes", "Yes", "true", "TRUE", "on", "On"] {
            assert_eq!(value(text), json!(true), "{text}");
        }
        for text in ["no", "NO", "False", "off"] {
            assert_eq!(value(text), json!(false), "{text}");
        }
        for text in ["", "~", "null", "NULL"] {
            assert_eq!(value(text), Value::Null, "{text}");
        }
        for text in ["y", "n", "Y", "N", "tRUE", "nil", "none"] {
            assert_eq!(value(text), json!(text), "{text}");
        }
    }
}
