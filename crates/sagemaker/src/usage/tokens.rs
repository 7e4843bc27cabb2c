//! Counting tokens with OpenAI's `cl100k_base`, for whatever model.
//!
//! Owns the one use of the tokenizer. It is made at its first use, and stays.

/// The longest piece that is counted at once: the tokenizer's cost grows faster than its text where there are no blanks, and its regular
/// expressions give up on long runs of them.
const LONGEST_PIECE: usize = 2048;

/// How many tokens a text has, about.
pub(super) fn count(text: &str) -> u64 {
    let tokenizer = tiktoken_rs::cl100k_base_singleton();
    pieces(text).map(|piece| u64::try_from(tokenizer.count_ordinary(piece)).unwrap_or(u64::MAX)).sum()
}

fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = rest.floor_char_boundary(LONGEST_PIECE);
        let (piece, after) = rest.split_at_checked(end)?;
        rest = after;
        Some(piece).filter(|piece| !piece.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_texts_have_their_known_counts() {
        assert_eq!((count(""), count("I am fine."), count("Hello, how are you?")), (0, 4, 6));
    }

    #[test]
    fn long_texts_are_counted_in_pieces_that_lose_nothing() {
        let text = "é😀 ".repeat(10_000);
        assert_eq!(pieces(&text).collect::<String>(), text);
        assert!(pieces(&text).all(|piece| piece.len() <= LONGEST_PIECE));
    }

    #[test]
    fn runs_that_tokenizers_stumble_over_are_counted() {
        for character in [" ", "\n", "a", "\t\n ", "'"] {
            assert!(count(&(character.repeat(50_000) + "x")) > 0, "{character:?}");
        }
    }
}
