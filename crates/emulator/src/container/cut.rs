//! Where a streamed answer is cut.
//!
//! SageMaker's payload parts have arbitrary borders. Owns a cut that is the same for the same
//! bytes, and deliberately awkward: it goes through multi-byte characters and through events, and
//! puts several events into one part.

use bytes::Bytes;

/// Where the parts of a whole body end in a streamed answer. A body that a container gives in parts
/// keeps its own borders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Parts {
    /// Inside characters and events, as SageMaker may cut them.
    #[default]
    Awkward,
    /// Behind each server-sent event.
    Events,
}

impl Parts {
    pub(super) fn of(self, body: &Bytes) -> Vec<Bytes> {
        match self {
            Self::Awkward => cut(body),
            Self::Events => events(body),
        }
    }
}

/// One part for each event, with the blank line that ends it.
fn events(body: &Bytes) -> Vec<Bytes> {
    let mut rest = body.clone();
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let end = rest.windows(2).position(|pair| pair == b"\n\n").map_or(rest.len(), |at| at + 2);
        parts.push(rest.split_to(end));
    }
    parts
}

/// Sizes of successive parts, over and over: short enough to split an event, long enough to hold
/// several.
const SIZES: [usize; 8] = [11, 1, 420, 5, 97, 2, 240, 43];
/// A long body gets longer parts, so that their number stays bearable.
const STRETCH_EVERY: usize = 32 * 1024;

/// The body in parts. Nothing is lost, no part is empty.
fn cut(body: &Bytes) -> Vec<Bytes> {
    let stretch = 1 + body.len() / STRETCH_EVERY;
    let mut rest = body.clone();
    let mut parts = Vec::new();
    let mut split_a_character = false;
    for size in SIZES.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let mut size = (size * stretch).min(rest.len());
        // Wherever the sizes would fall, the first multi-byte character is always split.
        if !split_a_character && let Some(lead) = rest.iter().take(size).position(|byte| *byte >= 0xc0) {
            size = (lead + 1).min(rest.len());
            split_a_character = true;
        }
        parts.push(rest.split_to(size));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_and_borders_are_awkward() {
        let event = |text: &str| format!("data: {{\"token\": {{\"text\": \"{text}\"}}}}\n\n");
        let body: String = ["a", "b", "c", "é", "d", "e", "f", "g", "h", "i"].map(event).concat().repeat(4);
        let body = Bytes::from(body);
        let parts = cut(&body);
        assert_eq!(parts.concat(), body);
        assert!(parts.iter().all(|part| !part.is_empty()));
        assert!(parts.iter().any(|part| std::str::from_utf8(part).is_err()), "no character was split");
        assert!(parts.iter().any(|part| !part.ends_with(b"\n\n")), "no event was split");
        let events = |part: &Bytes| part.windows(2).filter(|pair| pair == b"\n\n").count();
        assert!(parts.iter().any(|part| events(part) >= 2), "no part held two events");
        assert_eq!(parts, cut(&body));
    }

    #[test]
    fn short_empty_and_long_bodies() {
        assert!(cut(&Bytes::new()).is_empty());
        assert_eq!(cut(&Bytes::from_static(b"{}")), [Bytes::from_static(b"{}")]);
        let long = Bytes::from(vec![b'x'; 6_000_000]);
        let parts = cut(&long);
        assert_eq!(parts.concat(), long);
        assert!(parts.len() < 1000);
    }
}
