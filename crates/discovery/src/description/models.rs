//! What the control plane answers about models: their containers, files and packages.
//!
//! Values of environment variables may be secrets (`HF_TOKEN`), so `Debug` shows their names alone.

use std::{collections::BTreeMap, fmt};

use serde::Deserialize;

use super::DeployedImage;

/// An answer of [`DescribeModel`](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeModel.html).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Model {
    /// Its one container.
    pub primary_container: Option<Container>,
    /// Its containers, if it has several.
    pub containers: Vec<Container>,
    /// How several containers are called.
    pub inference_execution_config: Option<ExecutionMode>,
}

impl Model {
    /// Its containers: the one, or all.
    pub fn all_containers(&self) -> impl Iterator<Item = &Container> {
        self.primary_container.iter().chain(&self.containers)
    }
}

/// How several containers of a model are called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ExecutionMode {
    /// `Serial`: one after the other. `Direct`: each by its host name.
    pub mode: String,
}

/// A container of a model, of a model package or of a component.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Container {
    /// Its image. None in a model of a model package.
    pub image: Option<String>,
    /// Its image, in a component.
    pub deployed_image: Option<DeployedImage>,
    /// Its environment variables.
    pub environment: Environment,
    /// `SingleModel` or `MultiModel`.
    pub mode: Option<String>,
    /// Where its model's files are: an archive.
    pub model_data_url: Option<String>,
    /// The same in a component.
    pub artifact_url: Option<String>,
    /// Where its model's files are: a folder, or JumpStart's hub.
    pub model_data_source: Option<ModelDataSource>,
    /// The model package that it comes from.
    pub model_package_name: Option<String>,
    /// Its name among several containers.
    pub container_hostname: Option<String>,
}

impl Container {
    /// Its image, as it was named.
    #[must_use]
    pub fn image(&self) -> Option<&str> {
        let deployed = || {
            let image = self.deployed_image.as_ref()?;
            image.specified_image.as_deref().or(image.resolved_image.as_deref())
        };
        self.image.as_deref().or_else(deployed)
    }

    /// Whether files of its model are put into it, at `/opt/ml/model`.
    #[must_use]
    pub fn has_model_files(&self) -> bool {
        self.model_data_url.is_some() || self.artifact_url.is_some() || self.model_data_source.is_some()
    }

    /// The content of JumpStart's hub that its files come from.
    #[must_use]
    pub fn hub_content_arn(&self) -> Option<&str> {
        let access = self.model_data_source.as_ref()?.s3_data_source.as_ref()?.hub_access_config.as_ref()?;
        access.hub_content_arn.as_deref()
    }
}

/// Where a model's files are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ModelDataSource {
    /// In S3.
    pub s3_data_source: Option<S3DataSource>,
}

/// A folder or an object in S3.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct S3DataSource {
    /// Its URI.
    pub s3_uri: Option<String>,
    /// Present if it belongs to a hub, such as JumpStart's.
    pub hub_access_config: Option<HubAccess>,
}

/// The content of a hub.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct HubAccess {
    /// Its ARN: `arn:aws:sagemaker:us-east-1:aws:hub-content/SageMakerPublicHub/Model/<id>/
    /// <version>`.
    pub hub_content_arn: Option<String>,
}

/// Environment variables. `Debug` shows their names alone.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The value of this variable, trimmed, unless it is blank.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// Whether this variable is set to a value that counts as yes.
    #[must_use]
    pub fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| ["true", "1", "on", "yes"].iter().any(|yes| value.eq_ignore_ascii_case(yes)))
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// An answer of [`DescribeModelPackage`](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeModelPackage.html).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ModelPackage {
    /// Its containers.
    pub inference_specification: InferenceSpecification,
}

/// How a model package is run.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct InferenceSpecification {
    /// Its containers.
    pub containers: Vec<Container>,
}
