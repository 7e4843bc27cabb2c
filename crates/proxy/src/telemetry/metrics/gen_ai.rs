//! The metrics of [OpenTelemetry's GenAI conventions](https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/).
//!
//! Owns their names, labels and bounds. They are kept only if a collector takes them: `/metrics`
//! has its own.

use std::time::Duration;

use opentelemetry::{
    KeyValue,
    metrics::{Histogram, Meter},
};

/// Who serves the models, as spans and metrics name it. The conventions have no name for SageMaker.
pub(crate) const PROVIDER: &str = "aws.sagemaker";

/// The metrics.
#[derive(Debug)]
pub(crate) struct GenAiMetrics {
    duration: Histogram<f64>,
    tokens: Histogram<u64>,
    first_token: Histogram<f64>,
    per_token: Histogram<f64>,
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

impl GenAiMetrics {
    pub(crate) fn new(meter: &Meter) -> Self {
        // The bounds that the conventions recommend.
        const OPERATION_SECONDS: &[f64] =
            &[0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
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
        const FIRST_TOKEN_SECONDS: &[f64] =
            &[0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
        const TOKEN_SECONDS: &[f64] = &[0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5];

        let seconds = |name, description, bounds: &[f64]| {
            let histogram = meter.f64_histogram(name).with_description(description).with_unit("s");
            histogram.with_boundaries(bounds.to_vec()).build()
        };
        Self {
            duration: seconds("gen_ai.client.operation.duration", "GenAI operation duration.", OPERATION_SECONDS),
            tokens: meter
                .u64_histogram("gen_ai.client.token.usage")
                .with_description("Number of input and output tokens used.")
                .with_unit("{token}")
                .with_boundaries(TOKENS.to_vec())
                .build(),
            first_token: seconds(
                "gen_ai.server.time_to_first_token",
                "Time to generate first token for successful responses.",
                FIRST_TOKEN_SECONDS,
            ),
            per_token: seconds(
                "gen_ai.server.time_per_output_token",
                "Time per output token generated after the first token for successful responses.",
                TOKEN_SECONDS,
            ),
        }
    }

    pub(crate) fn ended(&self, operation: &Operation<'_>) {
        let Operation { name, model, took, first_token, error, tokens } = operation;
        let attributes = [
            KeyValue::new("gen_ai.operation.name", (*name).to_owned()),
            KeyValue::new("gen_ai.provider.name", PROVIDER),
            KeyValue::new("gen_ai.request.model", (*model).to_owned()),
        ];
        let with = |name: &'static str, value: &str| {
            let mut attributes = attributes.to_vec();
            attributes.push(KeyValue::new(name, value.to_owned()));
            attributes
        };
        match error {
            Some(error) => self.duration.record(took.as_secs_f64(), &with("error.type", error)),
            None => self.duration.record(took.as_secs_f64(), &attributes),
        }
        if let Some((input, output)) = tokens {
            self.tokens.record(*input, &with("gen_ai.token.type", "input"));
            // An embedding has no tokens of its own.
            if *name != "embeddings" {
                self.tokens.record(*output, &with("gen_ai.token.type", "output"));
            }
        }
        let Some(first_token) = first_token.filter(|_| error.is_none()) else { return };
        self.first_token.record(first_token.as_secs_f64(), &attributes);
        let later =
            tokens.and_then(|(_, output)| u32::try_from(output.saturating_sub(1)).ok()).filter(|later| *later > 0);
        if let Some(later) = later {
            let per_token = took.saturating_sub(first_token) / later;
            self.per_token.record(per_token.as_secs_f64(), &attributes);
        }
    }
}
