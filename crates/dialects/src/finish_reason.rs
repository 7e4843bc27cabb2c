//! Why an answer ended, in OpenAI's terms.
//!
//! Owns the containers' own names for reasons, those by which a container says that it failed, and
//! the reason beside tool calls.

use sagewire_types::FinishReason;

/// The reason in OpenAI's terms. `eos_token` and `stop_sequence` are those of
/// [TGI and DJL](https://huggingface.co/docs/text-generation-inference/reference/api_reference), in OpenAI's shapes too.
pub(crate) fn in_openais_terms(reason: FinishReason) -> FinishReason {
    match reason {
        FinishReason::Other(name) if ["eos_token", "stop_sequence", "eos"].contains(&name.as_str()) => {
            FinishReason::Stop
        }
        reason => reason,
    }
}

/// Whether the container ended the answer because it failed: DJL says `error`, vLLM `abort`.
pub(crate) fn is_failure(reason: &FinishReason) -> bool {
    matches!(reason, FinishReason::Other(name) if name == "error" || name == "abort")
}

/// The reason of an answer that has ended. One that calls tools ended for their sake; a container
/// that marked the end without a reason would leave its readers without one.
pub(crate) fn of_ended(reason: Option<FinishReason>, has_calls: bool) -> FinishReason {
    match reason {
        None | Some(FinishReason::Stop) if has_calls => FinishReason::ToolCalls,
        reason => reason.unwrap_or(FinishReason::Stop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn other(name: &str) -> FinishReason {
        FinishReason::Other(name.to_owned())
    }

    #[test]
    fn container_names_become_openais() {
        for name in ["eos_token", "stop_sequence", "eos"] {
            assert_eq!(in_openais_terms(other(name)), FinishReason::Stop);
        }
        assert_eq!(in_openais_terms(FinishReason::Length), FinishReason::Length);
        assert_eq!(in_openais_terms(other("odd")), other("odd"));
    }

    #[test]
    fn an_answer_that_calls_tools_ended_for_their_sake() {
        for (reason, with_calls, without) in [
            (None, FinishReason::ToolCalls, FinishReason::Stop),
            (Some(FinishReason::Stop), FinishReason::ToolCalls, FinishReason::Stop),
            (Some(FinishReason::Length), FinishReason::Length, FinishReason::Length),
            (Some(FinishReason::ContentFilter), FinishReason::ContentFilter, FinishReason::ContentFilter),
            (Some(FinishReason::ToolCalls), FinishReason::ToolCalls, FinishReason::ToolCalls),
        ] {
            assert_eq!((of_ended(reason.clone(), true), of_ended(reason, false)), (with_calls, without));
        }
    }
}
