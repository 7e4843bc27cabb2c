//! How model names are matched: words that must, may or must not occur.

/// A name as it is matched: lower case, with `-` for `.` and `_`, so that `Llama-3.1` and `llama-3-1` are the same.
pub(super) fn normalise(name: &str) -> String {
    name.to_lowercase().replace(['.', '_'], "-")
}

/// Whether a normalised name matches a pattern.
///
/// A pattern is a row of words, separated by blanks. Each must occur in the name; of `a|b` one must; `!a` must not.
/// `=name` must be the whole name.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    pattern.split(' ').all(|word| match word.strip_prefix('!') {
        Some(unwanted) => !name.contains(unwanted),
        None => match word.strip_prefix('=') {
            Some(whole) => name == whole,
            None => word.split('|').any(|one| name.contains(one)),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_must_occur_and_others_must_not() {
        let name = normalise("meta-llama/Llama-3.1-8B_Instruct");
        assert!(matches("llama-3-1 instruct", &name));
        assert!(matches("llama-3-3|llama-3-1 chat|instruct !guard", &name));
        assert!(!matches("llama-3-1 !instruct", &name));
        assert!(!matches("llama-3-1 chat", &name));
        assert!(matches("=a/b", "a/b") && !matches("=a/b", "a/bc"));
    }
}
