//! A role over another provider: what passes through, and whose role it is. The call itself is
//! tested with STS.

use std::sync::Arc;

use super::{AssumeRoleCredentials, is_session_of};
use crate::seam::{MapEnv, World};
use crate::{CredentialsError, EnvironmentCredentials, ErrorKind, ProvideCredentials};

#[tokio::test]
async fn a_source_that_is_not_configured_does_not_make_the_role_so() {
    let world = World::builder().with_env(MapEnv::from([("AWS_REGION", "eu-west-1")])).build();
    let source = Arc::new(EnvironmentCredentials::new(&world));
    let role = AssumeRoleCredentials::new(&world, "arn:aws:iam::123456789012:role/app", source);
    let error = role.provide_credentials().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Provider);
    assert_eq!(error.find_cause::<CredentialsError>().unwrap().kind(), ErrorKind::NotConfigured);
}

#[test]
fn a_session_belongs_to_its_role_whatever_the_roles_path() {
    let role = "arn:aws:iam::123456789012:role/path/app";
    for (caller, same) in [
        ("arn:aws:sts::123456789012:assumed-role/app/session", true),
        ("arn:aws:sts::123456789012:assumed-role/app2/session", false),
        ("arn:aws:sts::210987654321:assumed-role/app/session", false),
        ("arn:aws-cn:sts::123456789012:assumed-role/app/session", false),
        ("arn:aws:iam::123456789012:user/app", false),
        ("arn:aws:sts::123456789012:assumed-role/app", false),
        ("", false),
    ] {
        assert_eq!(is_session_of(caller, role), same, "{caller}");
    }
}
