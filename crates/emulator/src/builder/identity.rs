//! Settings of the services that issue credentials.

use super::EmulatorBuilder;
use crate::identity::{ContainerCredentials, InstanceMetadata, Role, Sso};

impl EmulatorBuilder {
    /// A role that STS lets callers assume. Without any, every role can be assumed.
    pub fn role(mut self, role: Role) -> Self {
        self.identity.roles.push(role);
        self
    }

    /// The settings of the instance metadata service.
    pub fn instance_metadata(mut self, settings: InstanceMetadata) -> Self {
        self.identity.metadata = settings;
        self
    }

    /// The settings of the container credentials endpoint.
    pub fn container_credentials(mut self, settings: ContainerCredentials) -> Self {
        self.identity.container = settings;
        self
    }

    /// The settings of IAM Identity Center.
    pub fn sso(mut self, settings: Sso) -> Self {
        self.identity.sso = settings;
        self
    }
}
