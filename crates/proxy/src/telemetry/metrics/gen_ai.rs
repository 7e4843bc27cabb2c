//! The numbers of [OpenTelemetry's GenAI conventions](https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/).
//!
//! Owns their names, labels and bounds. They are kept only where somebody exports them: `/metrics` has its own.

use std::time::Duration;

use super::{family::Family, histogram::Histogram, reading::Reading};

/// What the conventions recommend for operations.
const OPERATION_SECONDS: &[f64] =
    &[0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
/// And for tokens: powers of four.
const TOKENS: &[f64] = &[
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];
/// And for first tokens.
const FIRST_TOKEN_SECONDS: &[f64] =
    &[0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// And for each token after it.
const TOKEN_SECONDS: &[f64] = &[0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5];

/// Who serves the models, as spans and numbers call it. The conventions have no name for SageMaker.
pub(crate) const PROVIDER: &str = "aws.sagemaker";

const OPERATION: &str = "gen_ai.operation.name";
const PROVIDER_NAME: &str = "gen_ai.provider.name";
const MODEL: &str = "gen_ai.request.model";

/// The numbers.
#[derive(Debug)]
pub(crate) struct GenAiMetrics {
    duration: Family<4, Histogram>,
    tokens: Family<4, Histogram>,
    first_token: Family<3, Histogram>,
    per_token: Family<3, Histogram>,
}

/// One call of a model that has ended.
#[derive(Debug)]
pub(crate) struct Operation<'a> {
    /// `chat`, `text_completion` or `embeddings`.
    pub(crate) name: &'a str,
    pub(crate) model: &'a str,
    pub(crate) took: Duration,
    /// From its beginning to the first piece of a stream.
    pub(crate) first_token: Option<Duration>,
    pub(crate) error: Option<&'a str>,
    /// Those of the prompt and those of the answer, where the model reported them.
    pub(crate) tokens: Option<(u64, u64)>,
}

impl Default for GenAiMetrics {
    fn default() -> Self {
        Self {
            duration: Family::new(
                "gen_ai.client.operation.duration",
                "GenAI operation duration.",
                [OPERATION, PROVIDER_NAME, MODEL, "error.type"],
            )
            .with_bounds(OPERATION_SECONDS),
            tokens: Family::new(
                "gen_ai.client.token.usage",
                "Number of input and output tokens used.",
                [OPERATION, PROVIDER_NAME, MODEL, "gen_ai.token.type"],
            )
            .with_bounds(TOKENS),
            first_token: Family::new(
                "gen_ai.server.time_to_first_token",
                "Time to generate first token for successful responses.",
                [OPERATION, PROVIDER_NAME, MODEL],
            )
            .with_bounds(FIRST_TOKEN_SECONDS),
            per_token: Family::new(
                "gen_ai.server.time_per_output_token",
                "Time per output token generated after the first token for successful responses.",
                [OPERATION, PROVIDER_NAME, MODEL],
            )
            .with_bounds(TOKEN_SECONDS),
        }
    }
}

impl GenAiMetrics {
    pub(crate) fn ended(&self, operation: &Operation<'_>) {
        let Operation { name, model, took, first_token, error, tokens } = operation;
        self.duration.with([name, PROVIDER, model, error.unwrap_or_default()]).observe(*took);
        if let Some((input, output)) = tokens {
            self.tokens.with([name, PROVIDER, model, "input"]).observe_count(*input);
            // An embedding has no tokens of its own.
            if *name != "embeddings" {
                self.tokens.with([name, PROVIDER, model, "output"]).observe_count(*output);
            }
        }
        let Some(first_token) = first_token.filter(|_| error.is_none()) else { return };
        self.first_token.with([name, PROVIDER, model]).observe(first_token);
        let later =
            tokens.and_then(|(_, output)| u32::try_from(output.saturating_sub(1)).ok()).filter(|later| *later > 0);
        if let Some(later) = later {
            self.per_token.with([name, PROVIDER, model]).observe(took.saturating_sub(first_token) / later);
        }
    }

    pub(crate) fn readings(&self) -> Vec<Reading> {
        vec![self.duration.reading(), self.tokens.reading(), self.first_token.reading(), self.per_token.reading()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::metrics::reading::Value;

    fn numbers(reading: &Reading, with: &str) -> (u64, f64) {
        let point = reading.points.iter().find(|point| point.labels.iter().any(|(_, value)| value == with)).unwrap();
        match &point.value {
            Value::Distribution { count, sum, .. } => (*count, *sum),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_operation_is_counted_under_the_conventions_names() {
        let metrics = GenAiMetrics::default();
        let stream = Operation {
            name: "chat",
            model: "m",
            took: Duration::from_secs(5),
            first_token: Some(Duration::from_secs(1)),
            error: None,
            tokens: Some((7, 5)),
        };
        metrics.ended(&stream);
        metrics.ended(&Operation { error: Some("timeout"), tokens: None, ..stream });
        let [duration, tokens, first_token, per_token] = &metrics.readings()[..] else { panic!() };
        assert_eq!(duration.points.len(), 2);
        assert_eq!(numbers(duration, "timeout"), (1, 5.0));
        assert_eq!((numbers(tokens, "input"), numbers(tokens, "output")), ((1, 7.0), (1, 5.0)));
        assert_eq!(numbers(first_token, "m"), (1, 1.0), "failures have no first token");
        assert_eq!(numbers(per_token, "m"), (1, 1.0));
        for (name, value) in [("gen_ai.provider.name", "aws.sagemaker"), ("gen_ai.operation.name", "chat")] {
            assert!(duration.points[0].labels.contains(&(name, value.to_owned())), "{duration:?}");
        }
    }

    #[test]
    fn embeddings_use_tokens_of_the_input_alone() {
        let metrics = GenAiMetrics::default();
        let embedding = Operation {
            name: "embeddings",
            model: "m",
            took: Duration::from_secs(1),
            first_token: None,
            error: None,
            tokens: Some((7, 0)),
        };
        metrics.ended(&embedding);
        let tokens = &metrics.readings()[1];
        assert_eq!((tokens.points.len(), numbers(tokens, "input")), (1, (1, 7.0)));
    }
}
