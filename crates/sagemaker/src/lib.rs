//! Models on Amazon SageMaker endpoints, behind sagewire's OpenAI-shaped `Provider` trait.
#![expect(dead_code, reason = "the stages that use the dialects follow")]

pub use parameters::ParameterPolicy;

mod dialect;
mod embedding;
mod failure;
#[cfg(test)]
mod fixture;
mod framing;
mod parameters;
mod stop;
