//! Models of SageMaker JumpStart, known by the content of its hub.
//!
//! <https://docs.aws.amazon.com/sagemaker/latest/dg/jumpstart-foundation-models-latest.html>

use sagewire_chat_template::catalog;

use super::image::version;

/// A model of a hub, by its ARN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HubModel<'a> {
    pub(super) id: &'a str,
    version: &'a str,
}

impl<'a> HubModel<'a> {
    /// The model in
    /// `arn:<partition>:sagemaker:<region>:aws:hub-content/<hub>/Model/<id>/<version>`.
    pub(super) fn of_arn(arn: &'a str) -> Option<Self> {
        let mut parts = arn.split_once("hub-content/")?.1.split('/');
        let id = parts.by_ref().nth(2).filter(|id| !id.is_empty())?;
        Some(Self { id, version: parts.next().unwrap_or_default() })
    }

    /// The model's name on Hugging Face.
    pub(super) fn hub_name(self) -> Option<&'static str> {
        catalog::hub_name(self.id)
    }

    /// Whether it is one of the first Llama 2 models, whose containers took dialogs: from version 3
    /// on TGI serves them.
    pub(super) fn is_llama_2_of_2023(self) -> bool {
        self.id.starts_with("meta-textgeneration-llama-2")
            && version(self.version).is_some_and(|version| version < (3, 0))
    }

    /// Whether it writes down recordings, in the form of Hugging Face's toolkit.
    pub(super) fn recognises_speech(self) -> bool {
        self.id.starts_with("huggingface-asr-")
    }

    /// The family of embedding containers that it is one of, if its image does not tell.
    pub(super) fn embedding_family(self) -> Option<&'static str> {
        if self.id.contains("-tcembedding-") {
            return Some("tcembedding");
        }
        ["huggingface-textembedding-", "huggingface-sentencesimilarity-"]
            .iter()
            .any(|start| self.id.starts_with(start))
            .then_some("jumpstart")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hub_s_arn_has_id_and_version() {
        let arn = "arn:aws:sagemaker:us-east-1:aws:hub-content/SageMakerPublicHub/Model/meta-textgeneration-llama-2-7b-f/2.1.0";
        let model = HubModel::of_arn(arn).unwrap();
        assert_eq!(
            (model.id, model.hub_name()),
            ("meta-textgeneration-llama-2-7b-f", Some("meta-llama/Llama-2-7b-chat-hf"))
        );
        assert!(model.is_llama_2_of_2023());
        assert!(!HubModel { version: "4.0.1", ..model }.is_llama_2_of_2023());
        for no in ["", "arn:aws:s3:::bucket", "arn:aws:sagemaker:us-east-1:aws:hub-content/Hub/Model/"] {
            assert_eq!(HubModel::of_arn(no), None, "{no}");
        }
    }
}
