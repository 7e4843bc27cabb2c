//! The known name that a mistyped one most likely means.
//!
//! Owns how near is near enough; which names are known is the tables'.

/// The known name nearest to this one, where one is near enough to be meant.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (name.chars().count() / 3).clamp(1, 3);
    within(name, known, allowed)
}

/// The known name that this one misses by a slip of the keyboard: for places where other names are
/// welcome too, so that only a strong likeness counts. Short names (`top_k`, `top_p`) are too alike
/// to judge.
pub(super) fn slip<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.chars().count() < 7 { None } else { within(name, known, 2) }
}

fn within<'a>(name: &str, known: impl IntoIterator<Item = &'a str>, allowed: usize) -> Option<&'a str> {
    let name = plain(name);
    known
        .into_iter()
        .map(|known| (strsim::osa_distance(&name, &plain(known)), known))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= allowed)
        .map(|(_, known)| known)
}

/// `HF-Model-Name` and `hf_model_name` differ in nothing that matters.
fn plain(name: &str) -> String {
    name.to_ascii_lowercase().replace('-', "_")
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
    fn a_short_or_distant_name_is_no_slip() {
        let known = ["top_p", "max_tokens", "hf_model_name"];
        assert_eq!(slip("top_k", known), None);
        assert_eq!(slip("max_length", known), None);
        assert_eq!(slip("hf_modle_name", known), Some("hf_model_name"));
    }
}
