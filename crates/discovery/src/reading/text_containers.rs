//! Containers of models that write: their settings, and what follows from them.

use super::{
    conclusion::Conclusion,
    hosted::Hosted,
    model_name::{Kind, kind},
};
use crate::deployment::{NativeRoutes, Serves};

/// The dialect for OpenAI's chat bodies.
const MESSAGES: Serves = Serves::Chat("messages");

/// Since this version TGI takes OpenAI's bodies without being told to.
const TGI_TAKES_MESSAGES: (u32, u32) = (3, 0);

/// Since this version LMI takes OpenAI's bodies for models with a chat template.
const LMI_TAKES_MESSAGES: (u32, u32) = (0, 27);

/// Since this version of its SageMaker image vLLM's own routes can be chosen.
const VLLM_TAKES_ROUTES: (u32, u32) = (1, 4);

/// The longest name that vLLM is believed to know its model by: AWS's variables may have 1,024
/// characters.
const LONGEST_SERVED_NAME: usize = 256;

/// <https://huggingface.co/docs/text-generation-inference/reference/api_reference>
pub(super) fn tgi(hosted: &Hosted<'_>) -> Conclusion {
    let named = hosted.model_name(&["HF_MODEL_ID"]);
    let kind = named.as_ref().map_or(Kind::Unknown, |(name, _)| kind(name));
    if hosted.environment().is_on("MESSAGES_API_ENABLED") {
        return Conclusion::sure(MESSAGES).because("`MESSAGES_API_ENABLED` is on").of_model(named);
    }
    match hosted.image.version_after("tgi") {
        Some(version) if version >= TGI_TAKES_MESSAGES && kind == Kind::Chat => Conclusion::likely(MESSAGES)
            .of_model(named)
            .because(format!("TGI {}.{} takes messages for models with a chat template", version.0, version.1)),
        _ => Conclusion::sure(Serves::Chat("tgi")).of_model(named),
    }
}

/// <https://docs.djl.ai/master/docs/serving/serving/docs/lmi/index.html>
pub(super) fn lmi(hosted: &Hosted<'_>) -> Conclusion {
    let environment = hosted.environment();
    let named = hosted.model_name(&["OPTION_MODEL_ID", "HF_MODEL_ID", "SERVING_LOAD_MODELS"]);
    let kind = named.as_ref().map_or(Kind::Unknown, |(name, _)| kind(name));
    if let Some(task) = environment.get("OPTION_TASK").or_else(|| environment.get("HF_TASK")) {
        let reason = format!("the container's task is `{task}`");
        match task.replace('-', "_").as_str() {
            "text_embedding" | "feature_extraction" => {
                return Conclusion::sure(Serves::Embeddings("lmi")).because(reason).of_model(named);
            }
            "text_generation" | "auto" => {}
            _ => return Conclusion::task(task).because(reason).of_model(named),
        }
    }
    if let Some(jumpstart) = hosted.jumpstart.filter(|jumpstart| jumpstart.is_llama_2_of_2023()) {
        return Conclusion::likely(Serves::Chat("jumpstart"))
            .because(format!("JumpStart's model `{}` had a format of its own before version 3", jumpstart.id))
            .of_model(named);
    }
    let takes_messages = hosted.image.version().is_some_and(|version| version >= LMI_TAKES_MESSAGES);
    let text = Serves::Chat("lmi");
    match kind {
        Kind::Embedding => Conclusion::likely(Serves::Embeddings("lmi"))
            .of_model(named)
            .because("the model's name is that of an embedding model"),
        Kind::Reranker | Kind::Speech => Conclusion::unknown(
            "the model's name is that of a reranker or of a model of speech recognition, and what LMI takes for it depends on its settings",
        )
        .of_model(named),
        Kind::Chat if takes_messages => {
            Conclusion::likely(MESSAGES).of_model(named).because("LMI takes messages for models with a chat template")
        }
        Kind::Chat => Conclusion::sure(text).of_model(named),
        Kind::Base => {
            Conclusion::sure(text).of_model(named).because("the model is a base model without a chat template")
        }
        Kind::Unknown => Conclusion::likely(text)
            .of_model(named)
            .because("whether the model has a chat template is not known; if it has one, `sagemaker_chat/` works too"),
    }
}

/// <https://github.com/aws/deep-learning-containers/tree/master/scripts/docker/vllm>
pub(super) fn vllm(hosted: &Hosted<'_>) -> Conclusion {
    let environment = hosted.environment();
    // Files in the container come before `HF_MODEL_ID`, and nothing names their model.
    let (files, variables) = match (environment.get("SM_VLLM_MODEL"), hosted.container.has_model_files()) {
        (None, true) => (true, &[][..]),
        (None, false) => (false, &["HF_MODEL_ID"][..]),
        (Some(_), _) => (false, &["SM_VLLM_MODEL"][..]),
    };
    let named = hosted.model_name(variables);
    let kind = named.as_ref().map_or(Kind::Unknown, |(name, _)| kind(name));
    let setting = |name: &'static str| Some((name, environment.get(name)?));
    let pooling = [setting("SM_VLLM_TASK"), setting("SM_VLLM_CONVERT"), setting("SM_VLLM_RUNNER")];
    let embeds = |value: &str| ["embed", "embedding", "pooling"].contains(&value);
    let conclusion = match pooling.into_iter().flatten().find(|(_, value)| *value != "auto" && *value != "generate") {
        Some((name, value)) if embeds(value) && kind != Kind::Reranker => {
            Conclusion::sure(Serves::Embeddings("openai")).because(format!("`{name}` is `{value}`"))
        }
        Some((name, value)) if embeds(value) || value == "score" => {
            Conclusion::sure(Serves::Rerank("vllm")).because(format!("`{name}` is `{value}`"))
        }
        Some((name, value @ "transcription")) => {
            Conclusion::sure(Serves::Transcription("vllm")).because(format!("`{name}` is `{value}`"))
        }
        Some((name, value)) => Conclusion::task(value).because(format!("`{name}` is `{value}`")),
        None => match kind {
            Kind::Embedding => Conclusion::likely(Serves::Embeddings("openai"))
                .because("the model's name is that of an embedding model"),
            Kind::Reranker => {
                Conclusion::likely(Serves::Rerank("vllm")).because("the model's name is that of a reranker")
            }
            Kind::Speech => Conclusion::likely(Serves::Transcription("vllm"))
                .because("the model's name is that of a model of speech recognition"),
            Kind::Base => {
                Conclusion::likely(MESSAGES).because("the model is a base model: it may have no chat template")
            }
            Kind::Chat | Kind::Unknown => Conclusion::sure(MESSAGES),
        },
    };
    let mut conclusion = conclusion.of_model(named);
    conclusion.native_routes = vllm_routes(hosted);
    if conclusion.serves == Serves::Transcription("vllm") && conclusion.native_routes == NativeRoutes::No {
        conclusion.serves = Serves::Other("audio transcription".to_owned());
        conclusion.reasons.push("an image of this version cannot be asked for `/v1/audio/transcriptions`".to_owned());
    }
    conclusion.served_name = environment
        .get("SM_VLLM_SERVED_MODEL_NAME")
        .map(|names| names.split_whitespace().next().unwrap_or(names).to_owned())
        .or_else(|| files.then(|| "/opt/ml/model".to_owned()))
        .or_else(|| environment.get("SM_VLLM_MODEL").map(str::to_owned))
        .filter(|served| conclusion.model_name.as_deref() != Some(served.as_str()))
        // What it cannot be is left to the author of the configuration.
        .filter(|served| served.len() <= LONGEST_SERVED_NAME && !served.contains(char::is_control));
    if let Some(name) = &conclusion.served_name {
        conclusion.reasons.push(format!("vLLM knows its model as `{name}`"));
    }
    conclusion
}

/// Whether the image has the middleware that reads `route=`: since version 1.4 of its `sagemaker`
/// tags, and in all `server` tags.
fn vllm_routes(hosted: &Hosted<'_>) -> NativeRoutes {
    if hosted.image.version_after("server-").is_some() {
        return NativeRoutes::Yes;
    }
    match hosted.image.version_after("sagemaker-v") {
        Some(version) if version >= VLLM_TAKES_ROUTES => NativeRoutes::Yes,
        Some(_) => NativeRoutes::No,
        None => NativeRoutes::Unknown,
    }
}

/// Models that also speak, paint or film.
pub(super) fn vllm_omni(hosted: &Hosted<'_>) -> Conclusion {
    let mut conclusion = vllm(hosted).at_most_likely();
    conclusion.native_routes = NativeRoutes::Yes;
    conclusion.because("images, sound and films are routes of the container's own")
}

/// <https://docs.sglang.ai/>
pub(super) fn sglang(hosted: &Hosted<'_>) -> Conclusion {
    Conclusion::sure(MESSAGES).of_model(hosted.model_name(&["SM_SGLANG_MODEL_PATH", "HF_MODEL_ID"]))
}

/// <https://github.com/ggml-org/llama.cpp/tree/master/tools/server>
pub(super) fn llama_cpp(hosted: &Hosted<'_>) -> Conclusion {
    let variables = &["SM_LLAMA_CPP_HF_REPO", "SM_LLAMA_CPP_MODEL", "HF_MODEL_ID"];
    Conclusion::sure(MESSAGES).of_model(hosted.model_name(variables))
}

/// <https://docs.aws.amazon.com/nova/latest/nova2-userguide/nova-model-sagemaker-inference.html>
pub(super) fn nova(_: &Hosted<'_>) -> Conclusion {
    Conclusion::sure(Serves::Chat("nova"))
}
