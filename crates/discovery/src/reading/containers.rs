//! The table of images, and what each says about its container.
//!
//! Owns which repository is which container. A new container is a row, and a function if it has
//! settings of its own. The names are those of [AWS's Deep Learning Containers](https://aws.github.io/deep-learning-containers/reference/available_images/), Amazon Nova's and the SageMaker
//! SDK's `image_uri_config`.

use super::{
    conclusion::Conclusion,
    embedding_containers::{framework, tei, toolkit},
    hosted::Hosted,
    text_containers::{llama_cpp, lmi, nova, sglang, tgi, vllm, vllm_omni},
};
use crate::deployment::Serves;

/// How a container's settings are read.
type Read = fn(&Hosted<'_>) -> Conclusion;

/// A container, and the repositories that its image is in.
struct Row {
    name: &'static str,
    /// The names of AWS's repositories.
    repositories: &'static [&'static str],
    /// Parts of the names of others' repositories.
    parts: &'static [&'static str],
    read: Read,
}

/// Of the parts, the first that fits counts: those of more special containers come first.
static TABLE: &[Row] = &[
    Row {
        name: "TGI",
        repositories: &["huggingface-pytorch-tgi-inference"],
        parts: &["text-generation-inference", "tgi"],
        read: tgi,
    },
    Row { name: "TEI", repositories: &["tei", "tei-cpu"], parts: &["text-embeddings-inference", "tei-"], read: tei },
    Row {
        name: "vLLM-Omni",
        repositories: &["huggingface-vllm-omni", "vllm-omni"],
        parts: &["vllm-omni"],
        read: vllm_omni,
    },
    Row {
        name: "vLLM",
        repositories: &["vllm", "huggingface-vllm", "huggingface-vllm-inference-neuronx"],
        parts: &["vllm"],
        read: vllm,
    },
    Row { name: "LMI", repositories: &["djl-inference"], parts: &["djl", "lmi"], read: lmi },
    Row { name: "SGLang", repositories: &["sglang", "huggingface-sglang"], parts: &["sglang"], read: sglang },
    Row {
        name: "llama.cpp",
        repositories: &["llama-cpp", "llama-cpp-arm64", "huggingface-llamacpp"],
        parts: &["llama-cpp", "llamacpp", "llama.cpp"],
        read: llama_cpp,
    },
    Row { name: "Amazon Nova", repositories: &["nova-inference-repo"], parts: &["nova-inference"], read: nova },
    Row {
        name: "WhisperX",
        repositories: &["whisperx"],
        parts: &["whisper"],
        read: |_| Conclusion::sure(Serves::Transcription("whisperx")),
    },
    Row {
        name: "Hugging Face toolkit",
        repositories: &[
            "huggingface-pytorch-inference",
            "huggingface-pytorch-inference-neuron",
            "huggingface-pytorch-inference-neuronx",
            "huggingface-tensorflow-inference",
        ],
        parts: &["huggingface-pytorch-inference"],
        read: toolkit,
    },
    Row {
        name: "Stable Diffusion",
        repositories: &["stabilityai-pytorch-inference"],
        parts: &[],
        read: |_| Conclusion::task("image generation"),
    },
    Row {
        name: "Triton",
        repositories: &["sagemaker-tritonserver"],
        parts: &["tritonserver"],
        read: |_| Conclusion::unknown("Triton serves whatever its model repository holds"),
    },
    Row {
        name: "framework",
        repositories: &[
            "pytorch-inference",
            "tensorflow-inference",
            "mxnet-inference",
            "sagemaker-xgboost",
            "sagemaker-scikit-learn",
        ],
        parts: &[],
        read: framework,
    },
];

/// What the image of a container and its settings tell.
pub(super) fn recognise(hosted: &Hosted<'_>) -> Conclusion {
    let repository = hosted.image.repository.to_ascii_lowercase();
    let is_omni = hosted.image.tag.starts_with("omni-");
    let exact = TABLE.iter().find(|row| row.repositories.contains(&repository.as_str()));
    if let Some(row) = exact {
        let row = if is_omni { TABLE.iter().find(|row| row.name == "vLLM-Omni").unwrap_or(row) } else { row };
        let mut conclusion = (row.read)(hosted);
        conclusion.container = Some(row.name);
        conclusion.reasons.insert(0, format!("the image `{repository}` is {}", row.name));
        return conclusion;
    }
    let custom = TABLE.iter().find(|row| row.parts.iter().any(|part| repository.contains(part)));
    match custom {
        Some(row) => {
            let mut conclusion = (row.read)(hosted).at_most_likely();
            conclusion.container = Some(row.name);
            let reason = format!("the image `{repository}` is named after {}, but is not AWS's own", row.name);
            conclusion.reasons.insert(0, reason);
            conclusion
        }
        None => Conclusion::unknown(format!("the image `{repository}` is not one of AWS's model servers")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_repository_is_in_two_rows() {
        let all: Vec<_> = TABLE.iter().flat_map(|row| row.repositories).collect();
        for repository in &all {
            assert_eq!(all.iter().filter(|other| other == &repository).count(), 1, "{repository}");
        }
    }
}
