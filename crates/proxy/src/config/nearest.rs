//! The known name that a mistyped one most likely means.
//!
//! Owns the distance between names; which names are known is the tables'.

/// The known name nearest to this one, where one is near enough to be meant.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (name.chars().count() / 3).clamp(1, 3);
    within(name, known, allowed)
}

/// The known name that this one misses by a slip of the keyboard: for places where other names are welcome too, so that
/// only a strong likeness counts. Short names (`top_k`, `top_p`) are too alike to judge.
pub(super) fn slip<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.chars().count() < 7 { None } else { within(name, known, 2) }
}

fn within<'a>(name: &str, known: impl IntoIterator<Item = &'a str>, allowed: usize) -> Option<&'a str> {
    let name = plain(name);
    known
        .into_iter()
        .map(|known| (distance(&name, &plain(known)), known))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= allowed)
        .map(|(_, known)| known)
}

/// `HF-Model-Name` and `hf_model_name` differ in nothing that matters.
fn plain(name: &str) -> Vec<char> {
    name.chars().map(|c| if c == '-' { '_' } else { c.to_ascii_lowercase() }).collect()
}

/// How many insertions, deletions, changes and swaps of neighbours lead from one name to the other.
fn distance(from: &[char], to: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    let mut previous_from: Option<char> = None;
    for (row, &from_char) in from.iter().enumerate() {
        let mut current = Vec::with_capacity(last.len());
        current.push(row + 1);
        let mut previous_to: Option<char> = None;
        for (column, &to_char) in to.iter().enumerate() {
            let at = |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX / 2);
            let changed = at(&last, column) + usize::from(from_char != to_char);
            let mut best = changed.min(at(&last, column + 1) + 1).min(at(&current, column) + 1);
            if previous_from == Some(to_char) && previous_to == Some(from_char) && column > 0 {
                best = best.min(at(&before_last, column - 1) + 1);
            }
            current.push(best);
            previous_to = Some(to_char);
        }
        before_last = std::mem::replace(&mut last, current);
        previous_from = Some(from_char);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found() {
        let known = ["master_key", "database_url", "num_retries", "timeout"];
        assert_eq!(nearest("master-key", known), Some("master_key"));
        assert_eq!(nearest("num_retrys", known), Some("num_retries"));
        assert_eq!(nearest("tiemout", known), Some("timeout"));
        assert_eq!(nearest("something_else", known), None);
    }

    #[test]
    fn neighbours_swapped_count_once() {
        let distance = |a: &str, b: &str| distance(&plain(a), &plain(b));
        assert_eq!(distance("abcd", "abdc"), 1);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("", "ab"), 2);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn a_short_or_distant_name_is_no_slip() {
        let known = ["top_p", "max_tokens", "hf_model_name"];
        assert_eq!(slip("top_k", known), None);
        assert_eq!(slip("max_length", known), None);
        assert_eq!(slip("hf_modle_name", known), Some("hf_model_name"));
    }
}
