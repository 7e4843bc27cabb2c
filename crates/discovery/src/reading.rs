//! From what the control plane tells to what can be called. Pure: no clock, no network, no
//! settings.
//!
//! Owns what an endpoint consists of: variants, components, containers, and their states. What a
//! container is, is in `containers` and the files of its kind.

use std::collections::HashMap;

use crate::{
    deployment::{Certainty, Deployment, Hosting, NativeRoutes, Obstacle, Serves},
    description::{Component, ConfiguredVariant, Container, Variant},
    facts::EndpointFacts,
};

use self::{conclusion::Conclusion, hosted::Hosted, told::told};

mod conclusion;
mod containers;
mod embedding_containers;
mod hosted;
mod image;
mod jumpstart;
mod marketplace;
mod model_name;
mod text_containers;
mod told;

/// The status of what is as it should be.
const IN_SERVICE: &str = "InService";

/// The statuses in which an endpoint answers calls.
const ANSWERING: [&str; 5] = [IN_SERVICE, "Updating", "SystemUpdating", "RollingBack", "UpdateRollbackFailed"];

/// What follows for callers of an asynchronous endpoint.
const ASYNCHRONOUS: &str = "the endpoint is asynchronous: calls are queued, and answers are fetched from S3; requests of more than 128,000 bytes need `async_input_location`";

/// Everything that can be called at an endpoint. There is at least one deployment, if only to say
/// why nothing is known of it.
#[must_use]
pub fn read(facts: &EndpointFacts) -> Vec<Deployment> {
    let endpoint = EndpointReading { facts };
    let variants = endpoint.variants();
    let mut deployments: Vec<Deployment> = match facts.components.as_slice() {
        [] => endpoint.of_variants(&variants),
        components => components.iter().map(|component| endpoint.of_component(component, components)).collect(),
    };
    for deployment in &mut deployments {
        if let Some(status) = &deployment.changing {
            deployment.reasons.push(format!("its status is {status}: what it runs may change soon"));
        }
        deployment.reasons.extend(facts.unread.iter().cloned());
        for text in &mut deployment.reasons {
            *text = told(text);
        }
        let instance_type = match &mut deployment.hosting {
            Hosting::Instances { instance_type, .. } | Hosting::Copies { instance_type, .. } => instance_type.as_mut(),
            Hosting::Serverless { .. } | Hosting::Unknown => None,
        };
        for text in instance_type.into_iter().chain(&mut deployment.image) {
            *text = told(text);
        }
    }
    deployments
}

struct EndpointReading<'a> {
    facts: &'a EndpointFacts,
}

/// A variant as it was configured, and as it runs.
struct VariantFacts<'a> {
    name: &'a str,
    configured: Option<&'a ConfiguredVariant>,
    running: Option<&'a Variant>,
}

impl<'a> EndpointReading<'a> {
    fn variants(&self) -> Vec<VariantFacts<'a>> {
        let facts = self.facts;
        let configured = facts.config.iter().flat_map(|config| &config.production_variants);
        let mut variants: Vec<_> = configured
            .map(|configured| VariantFacts {
                name: &configured.variant_name,
                configured: Some(configured),
                running: None,
            })
            .collect();
        for running in &facts.endpoint.production_variants {
            match variants.iter_mut().find(|variant| variant.name == running.variant_name) {
                Some(variant) => variant.running = Some(running),
                None => variants.push(VariantFacts {
                    name: &running.variant_name,
                    configured: None,
                    running: Some(running),
                }),
            }
        }
        variants
    }

    /// Nothing is known but the endpoint's name and status.
    fn blank(&self) -> Deployment {
        let endpoint = &self.facts.endpoint;
        let is_asynchronous = endpoint.async_inference_config.is_some()
            || self.facts.config.as_ref().is_some_and(|config| config.async_inference_config.is_some());
        let status_now = endpoint.endpoint_status.as_str();
        let is_answering = ANSWERING.contains(&status_now);
        let obstacle = (!is_answering)
            .then(|| Obstacle::Status(status(&endpoint.endpoint_status, endpoint.failure_reason.as_deref())));
        let reasons = if is_asynchronous { vec![ASYNCHRONOUS.to_owned()] } else { Vec::new() };
        Deployment {
            endpoint: endpoint.endpoint_name.clone(),
            variant: None,
            component: None,
            adapter_of: None,
            container_hostname: None,
            serves: Serves::Unknown,
            container: None,
            image: None,
            model_name: None,
            served_name: None,
            hosting: Hosting::Unknown,
            changing: (is_answering && status_now != IN_SERVICE).then(|| status_now.to_owned()),
            asleep: false,
            asynchronous: is_asynchronous,
            native_routes: NativeRoutes::Unknown,
            obstacle,
            certainty: Certainty::Unknown,
            reasons,
        }
    }

    /// One deployment for all variants if they are alike, else one for each.
    fn of_variants(&self, variants: &[VariantFacts<'a>]) -> Vec<Deployment> {
        let each: Vec<_> = variants.iter().map(|variant| self.of_variant(variant)).collect();
        let Some(first) = each.first().and_then(|deployments| deployments.first()) else {
            let mut blank = self.blank();
            blank.obstacle.get_or_insert(Obstacle::NotServed);
            blank.reasons.push("nothing tells what the endpoint runs".to_owned());
            return vec![blank];
        };
        let are_alike = |other: &Vec<Deployment>| {
            let [other] = other.as_slice() else { return false };
            other.litellm_params("") == first.litellm_params("")
        };
        if each.len() > 1 && each.iter().all(are_alike) {
            let mut all = first.clone();
            all.reasons.push(format!("AWS splits the calls over {} variants, which are alike", each.len()));
            return vec![all];
        }
        let is_several = each.len() > 1;
        let mut deployments = Vec::new();
        for (of_variant, variant) in each.into_iter().zip(variants) {
            deployments.extend(of_variant.into_iter().map(|mut deployment| {
                deployment.variant = is_several.then(|| variant.name.to_owned());
                deployment
            }));
        }
        deployments
    }

    /// A variant's model: one deployment, or one for each container that is called by its name.
    fn of_variant(&self, variant: &VariantFacts<'a>) -> Vec<Deployment> {
        let mut blank = self.blank();
        blank.hosting = hosting(variant);
        blank.asleep = matches!(blank.hosting, Hosting::Instances { count: Some(0), .. });
        let name = variant.configured.and_then(|configured| configured.model_name.as_deref());
        let Some(model) = name.and_then(|name| self.facts.models.get(name)) else {
            return vec![self.without_model(blank, variant)];
        };
        let containers: Vec<_> = model.all_containers().collect();
        let is_direct = model.inference_execution_config.as_ref().is_some_and(|config| config.mode == "Direct");
        match containers.as_slice() {
            [container] => vec![self.of_container(blank, container)],
            containers if is_direct => {
                let of_container = |container: &&Container| {
                    let mut deployment = self.of_container(blank.clone(), container);
                    deployment.container_hostname.clone_from(&container.container_hostname);
                    deployment
                };
                containers.iter().map(of_container).collect()
            }
            containers => {
                let reason = format!("the model is a pipeline of {} containers", containers.len());
                vec![conclude(blank, Conclusion::unknown(reason))]
            }
        }
    }

    /// A variant of which no model is known: it hosts components and has none, or the model could
    /// not be read. The image that runs still tells what the container is.
    fn without_model(&self, blank: Deployment, variant: &VariantFacts<'a>) -> Deployment {
        let images = variant.running.map(|running| running.deployed_images.as_slice()).unwrap_or_default();
        match images {
            [image] => {
                let container = Container { deployed_image: Some(image.clone()), ..Container::default() };
                let mut deployment = self.of_container(blank, &container);
                deployment.certainty = deployment.certainty.min(Certainty::Likely);
                deployment
            }
            _ if variant.configured.is_some_and(|configured| configured.model_name.is_none()) => {
                conclude(blank, Conclusion::unknown("the endpoint hosts inference components, and has none"))
            }
            _ => conclude(blank, Conclusion::unknown("nothing tells what the endpoint runs")),
        }
    }

    fn of_container(&self, mut deployment: Deployment, container: &Container) -> Deployment {
        deployment.image = container.image().map(str::to_owned);
        let conclusion = match (Hosted::new(container), &container.model_package_name) {
            (Some(hosted), _) => containers::recognise(&hosted),
            (None, Some(package)) => self.of_package(package),
            (None, None) => Conclusion::unknown("the model names no image"),
        };
        let mut deployment = conclude(deployment, conclusion);
        if container.mode.as_deref() == Some("MultiModel") {
            deployment.obstacle.get_or_insert(Obstacle::MultiModel);
        }
        deployment
    }

    /// The package's own description where it says more than its name.
    fn of_package(&self, name: &str) -> Conclusion {
        let containers =
            self.facts.packages.get(name).map(|package| package.inference_specification.containers.as_slice());
        let described = match containers {
            Some([container]) => Hosted::new(container).map(|hosted| containers::recognise(&hosted)),
            _ => None,
        };
        match described {
            Some(conclusion) if conclusion.serves != Serves::Unknown => conclusion,
            _ => marketplace::recognise(name),
        }
    }

    fn of_component(&self, component: &Component, all: &[Component]) -> Deployment {
        let mut blank = self.blank();
        let variants: HashMap<&str, VariantFacts<'a>> =
            self.variants().into_iter().map(|variant| (variant.name, variant)).collect();
        let variant = component.variant_name.as_deref().and_then(|name| variants.get(name));
        let copies = component.runtime_config.unwrap_or_default();
        blank.component = Some(component.inference_component_name.clone());
        blank.asleep = copies.current_copy_count == Some(0);
        blank.hosting = Hosting::Copies {
            instance_type: variant.and_then(|variant| variant.configured?.instance_type.clone()),
            count: copies.current_copy_count,
        };
        // A component that scales from zero is `InService`, or `Updating` on the way.
        match component.inference_component_status.as_str() {
            IN_SERVICE => {}
            "Updating" => blank.changing = Some("Updating".to_owned()),
            other => {
                let status = status(other, component.failure_reason.as_deref());
                blank.obstacle.get_or_insert(Obstacle::Status(status));
            }
        }
        let Some(runs) = component.runs() else {
            return conclude(blank, Conclusion::unknown("the inference component does not say what it runs"));
        };
        if let Some(base) = &runs.base_inference_component_name {
            blank.adapter_of = Some(base.clone());
            let base = all.iter().find(|other| other.inference_component_name == *base).and_then(Component::runs);
            let mut deployment = match base.filter(|base| base.base_inference_component_name.is_none()) {
                Some(base) => self.of_specification(blank, base),
                None => conclude(blank, Conclusion::unknown("the component that it adapts is not known")),
            };
            if let Some(base) = &deployment.adapter_of {
                deployment.reasons.push(format!("it adapts the model of the inference component `{base}`"));
            }
            return deployment;
        }
        self.of_specification(blank, runs)
    }

    fn of_specification(&self, blank: Deployment, runs: &crate::description::ComponentSpecification) -> Deployment {
        let model = runs.model_name.as_ref().and_then(|name| self.facts.models.get(name));
        let of_model = model.and_then(|model| model.all_containers().next());
        match runs.container.as_ref().filter(|container| container.image().is_some()).or(of_model) {
            Some(container) => self.of_container(blank, container),
            None => conclude(blank, Conclusion::unknown("nothing tells what the inference component runs")),
        }
    }
}

fn conclude(mut deployment: Deployment, conclusion: Conclusion) -> Deployment {
    deployment.serves = conclusion.serves;
    deployment.container = conclusion.container;
    deployment.model_name = conclusion.model_name;
    deployment.served_name = conclusion.served_name;
    deployment.native_routes = conclusion.native_routes;
    deployment.certainty = conclusion.certainty;
    deployment.reasons.extend(conclusion.reasons);
    if deployment.serves.mode().is_none() {
        deployment.obstacle.get_or_insert(Obstacle::NotServed);
    }
    deployment
}

fn hosting(variant: &VariantFacts<'_>) -> Hosting {
    let serverless = variant
        .running
        .and_then(|running| running.current_serverless_config)
        .or_else(|| variant.configured.and_then(|configured| configured.serverless_config));
    if let Some(serverless) = serverless {
        return Hosting::Serverless { memory_mb: serverless.memory_size_in_mb };
    }
    let instance_type = variant.configured.and_then(|configured| configured.instance_type.clone());
    let count = variant.running.and_then(|running| running.current_instance_count);
    match (&instance_type, count) {
        (None, None) => Hosting::Unknown,
        _ => Hosting::Instances { instance_type, count },
    }
}

fn status(status: &str, reason: Option<&str>) -> String {
    match reason.map(told).filter(|reason| !reason.is_empty()) {
        Some(reason) => format!("{} ({reason})", told(status)),
        None => told(status),
    }
}

#[cfg(test)]
mod tests;
