//! Counting tokens with OpenAI's `cl100k_base`, for whatever model.
//!
//! Owns the one use of the tokenizer. It is made once, on a thread that may block, and stays:
//! making it takes a good part of a second, which no other call on the runtime shall wait for.

use tokio::{sync::OnceCell, task::spawn_blocking};

/// The longest piece that is counted at once: the tokenizer's cost grows faster than its text where
/// there are no blanks, and its regular expressions give up on long runs of them.
const LONGEST_PIECE: usize = 2048;

static TOKENIZER: Once = Once(OnceCell::const_new());

/// Waits until the tokenizer is made, so that [`count`] does not make it where it is called.
pub(super) async fn ready() {
    let work = || {
        tiktoken_rs::cl100k_base_singleton();
    };
    TOKENIZER.after(work).await;
}

/// Work that is done once, on a thread that may block.
struct Once(OnceCell<()>);

impl Once {
    /// Waits until the work is done; the first caller starts it.
    async fn after(&self, work: impl FnOnce() + Send + 'static) {
        let begin = || async {
            if let Err(error) = spawn_blocking(work).await {
                tracing::warn!(target: "sagewire::usage", %error, "the tokenizer is not ready; it is loaded at its first use");
            }
        };
        self.0.get_or_init(begin).await;
    }
}

/// How many tokens a text has, about.
pub(super) fn count(text: &str) -> u64 {
    let tokenizer = tiktoken_rs::cl100k_base_singleton();
    pieces(text).map(|piece| u64::try_from(tokenizer.count_ordinary(piece)).unwrap_or(u64::MAX)).sum()
}

fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let longest = LONGEST_PIECE.min(rest.len());
        let end = (0..=longest).rfind(|at| rest.is_char_boundary(*at)).unwrap_or_default();
        let (piece, after) = rest.split_at_checked(end)?;
        rest = after;
        Some(piece).filter(|piece| !piece.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, Mutex},
        thread,
    };

    use super::*;

    #[tokio::test]
    async fn work_is_done_once_and_on_another_thread() {
        let (once, done) = (Once(OnceCell::new()), Arc::new(Mutex::new(Vec::new())));
        let work = || {
            let done = Arc::clone(&done);
            once.after(move || done.lock().unwrap().push(thread::current().id()))
        };
        tokio::join!(work(), work(), work());
        work().await;
        let done = done.lock().unwrap();
        assert_eq!(done.len(), 1);
        assert_ne!(done[0], thread::current().id());
    }

    #[tokio::test]
    async fn counts_are_the_same_before_and_after_the_tokenizer_is_ready() {
        let before = count("I am fine.");
        ready().await;
        assert_eq!((before, count("I am fine.")), (4, 4));
    }

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
