//! [`Hosted`]: a container with what describes it, as the rules of reading look at it.

use super::{image::Image, jumpstart::HubModel, model_name::Named};
use crate::description::{Container, Environment};

/// A container that runs, and everything that tells what is in it.
pub(super) struct Hosted<'a> {
    pub(super) container: &'a Container,
    pub(super) image: Image<'a>,
    /// JumpStart's model, where the container's files are from its hub.
    pub(super) jumpstart: Option<HubModel<'a>>,
}

impl<'a> Hosted<'a> {
    /// Nothing where the container has no image.
    pub(super) fn new(container: &'a Container) -> Option<Self> {
        let image = Image::new(container.image()?);
        let jumpstart = container.hub_content_arn().and_then(HubModel::of_arn);
        Some(Self { container, image, jumpstart })
    }

    pub(super) fn environment(&self) -> &'a Environment {
        &self.container.environment
    }

    /// The model's name on Hugging Face and where it was found: the first of these variables that
    /// has one, else JumpStart's.
    pub(super) fn model_name(&self, variables: &[&'static str]) -> Option<(String, String)> {
        let named = variables
            .iter()
            .filter_map(|variable| Named::first(self.environment(), &[variable]))
            .find(|named| named.is_on_hub());
        if let Some(named) = named {
            return Some((named.name.to_owned(), format!("`{}` names the model {}", named.variable, named.name)));
        }
        let jumpstart = self.jumpstart?;
        let name = jumpstart.hub_name()?;
        Some((name.to_owned(), format!("JumpStart's model `{}` is {name}", jumpstart.id)))
    }
}
