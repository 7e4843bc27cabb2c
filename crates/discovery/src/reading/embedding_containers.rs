//! Containers of models that read or listen: embeddings, rerankers, recordings, and the Hugging Face
//! toolkit, which serves a task of any kind.

use super::{
    conclusion::Conclusion,
    hosted::Hosted,
    model_name::{Kind, kind},
};
use crate::deployment::Serves;

/// <https://huggingface.github.io/text-embeddings-inference/>
pub(super) fn tei(hosted: &Hosted<'_>) -> Conclusion {
    let named = hosted.model_name(&["HF_MODEL_ID"]);
    if let Some(task) = hosted.environment().get("TASK") {
        let reason = format!("`TASK` is `{task}`");
        let conclusion = match task {
            "feature-extraction" | "embed" => Conclusion::sure(Serves::Embeddings("tei")),
            "rerank" => Conclusion::sure(Serves::Rerank("tei")),
            _ => Conclusion::task(task),
        };
        return conclusion.because(reason).of_model(named);
    }
    match named.as_ref().map_or(Kind::Unknown, |(name, _)| kind(name)) {
        Kind::Reranker => {
            Conclusion::likely(Serves::Rerank("tei")).of_model(named).because("the model's name is that of a reranker")
        }
        Kind::Embedding => Conclusion::sure(Serves::Embeddings("tei")).of_model(named),
        _ => Conclusion::likely(Serves::Embeddings("tei"))
            .of_model(named)
            .because("TEI serves rerankers and classifiers too, and nothing tells that this is one"),
    }
}

/// <https://huggingface.co/docs/sagemaker/inference>
pub(super) fn toolkit(hosted: &Hosted<'_>) -> Conclusion {
    let named = hosted.model_name(&["HF_MODEL_ID"]);
    if let Some(conclusion) = of_jumpstart(hosted) {
        return conclusion.of_model(named);
    }
    let Some(task) = hosted.environment().get("HF_TASK") else {
        return match named.as_ref().map_or(Kind::Unknown, |(name, _)| kind(name)) {
            Kind::Embedding => Conclusion::likely(Serves::Embeddings("hf"))
                .of_model(named)
                .because("`HF_TASK` is not set; the model's name is that of an embedding model"),
            Kind::Chat | Kind::Base => Conclusion::likely(Serves::Chat("tgi"))
                .of_model(named)
                .because("`HF_TASK` is not set; the model's name is that of a text model"),
            Kind::Speech => Conclusion::likely(Serves::Transcription("huggingface"))
                .of_model(named)
                .because("`HF_TASK` is not set; the model's name is that of a model of speech recognition"),
            _ => Conclusion::unknown("`HF_TASK` is not set").of_model(named),
        };
    };
    let reason = format!("`HF_TASK` is `{task}`");
    let conclusion = match task {
        "feature-extraction" | "sentence-embeddings" => Conclusion::sure(Serves::Embeddings("hf")),
        "text-generation" => Conclusion::sure(Serves::Chat("tgi")),
        "text2text-generation" => Conclusion::likely(Serves::Chat("tgi")),
        "automatic-speech-recognition" => Conclusion::sure(Serves::Transcription("huggingface")),
        _ => Conclusion::task(task),
    };
    conclusion.because(reason).of_model(named)
}

/// An image of a framework runs a script of its owner's; of JumpStart's older models it is known
/// what that takes.
pub(super) fn framework(hosted: &Hosted<'_>) -> Conclusion {
    of_jumpstart(hosted).map(|conclusion| conclusion.of_model(hosted.model_name(&[]))).unwrap_or_else(|| {
        Conclusion::unknown("the image runs an inference script of its owner's, which nothing describes")
    })
}

fn of_jumpstart(hosted: &Hosted<'_>) -> Option<Conclusion> {
    let jumpstart = hosted.jumpstart?;
    if jumpstart.recognises_speech() {
        let reason = format!("JumpStart's model `{}` recognises speech", jumpstart.id);
        return Some(Conclusion::likely(Serves::Transcription("huggingface")).because(reason));
    }
    let family = jumpstart.embedding_family()?;
    let reason = format!("JumpStart's model `{}` embeds texts", jumpstart.id);
    Some(Conclusion::likely(Serves::Embeddings(family)).because(reason))
}
