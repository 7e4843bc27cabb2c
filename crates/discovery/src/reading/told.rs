//! Texts of descriptions as they may be told: anyone who deploys to the account writes them.

/// The longest text that is told, in characters.
const LONGEST: usize = 500;

/// The longest name that is told.
const LONGEST_NAME: usize = 64;

/// The text in one line, without control characters and marks of direction, and no longer than can
/// be read.
pub(super) fn told(text: &str) -> String {
    cut(text, LONGEST)
}

/// The same for a name.
pub(super) fn told_name(text: &str) -> String {
    cut(text, LONGEST_NAME)
}

fn cut(text: &str, longest: usize) -> String {
    let is_mark = |c: &char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    // Far more than what is told of it.
    let beginning = text.chars().take(4 * longest);
    let blank = beginning.map(|c| if c.is_control() || c.is_whitespace() { ' ' } else { c });
    let line: String = blank.filter(|c| !is_mark(c)).collect();
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(longest) {
        Some((end, _)) => format!("{}...", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_told_text_is_one_short_line() {
        assert_eq!(told(" no\r\nroom\u{2028}\u{85}: \u{1b}[31m\u{202e}x "), "no room : [31mx");
        let long = told(&"x".repeat(1_000_000));
        assert_eq!((long.len(), long.ends_with("x...")), (LONGEST + 3, true));
        assert_eq!(told_name(&long).len(), LONGEST_NAME + 3);
        assert_eq!(told(&"\u{1b}".repeat(1_000_000)), "");
    }
}
