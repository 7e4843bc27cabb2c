//! How much a model is to think, as the other APIs say it.

/// The level in the terms of containers, which know `none`, `low`, `medium` and `high`.
pub(crate) fn level(effort: &str) -> &str {
    match effort {
        "minimal" => "low",
        "xhigh" | "max" => "high",
        other => other,
    }
}
