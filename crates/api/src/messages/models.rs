//! The list of models in Anthropic's form: <https://docs.anthropic.com/en/api/models-list>

use serde::{Deserialize, Serialize};

/// A page of models: all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ModelPage {
    /// The models.
    pub data: Vec<ModelInfo>,
    /// Whether another page follows: never.
    pub has_more: bool,
    /// The id of the first model.
    pub first_id: Option<String>,
    /// The id of the last model.
    pub last_id: Option<String>,
}

impl ModelPage {
    /// A page with the models of these names.
    #[must_use]
    pub fn new<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let data: Vec<_> = names.into_iter().map(ModelInfo::new).collect();
        let id = |model: Option<&ModelInfo>| model.map(|model| model.id.clone());
        Self { first_id: id(data.first()), last_id: id(data.last()), data, has_more: false }
    }
}

/// A model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ModelInfo {
    /// `model`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The name that requests give.
    pub id: String,
    /// The name that people read: the same.
    pub display_name: String,
    /// When the model was released, as RFC 3339. The beginning of 1970 stands for an unknown date.
    pub created_at: String,
    /// `active`.
    pub lifecycle: String,
}

impl ModelInfo {
    /// The model of this name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            kind: "model".to_owned(),
            id: name.to_owned(),
            display_name: name.to_owned(),
            created_at: "1970-01-01T00:00:00Z".to_owned(),
            lifecycle: "active".to_owned(),
        }
    }
}
