//! Which service a request is for, of those that issue credentials.

use http::Method;

use crate::{aws_error::Protocol, form::Form, operation::Operation, route::Route};

/// By method, path (still percent-encoded) and, for STS, the action in a form. `container` is the
/// path of the container's credentials.
pub(super) fn route(method: &Method, path: &str, form: &Form, container: &str) -> Route {
    let (get, post) = (method == Method::GET, method == Method::POST);
    match path {
        _ if get && path == container => Route::to(Operation::ContainerCredentials),
        "/" if post || get => sts(form.get("Action")),
        "/latest/api/token" if method == Method::PUT => Route::to(Operation::InstanceMetadataToken),
        "/federation/credentials" if get => Route::to(Operation::GetRoleCredentials),
        "/token" if post => Route::to(Operation::CreateToken),
        _ if get && path.starts_with("/latest/") => Route::to(Operation::InstanceMetadata),
        _ => Route::to_nothing(),
    }
}

fn sts(action: Option<&str>) -> Route {
    match action {
        Some("AssumeRole") => Route::to(Operation::AssumeRole),
        Some("AssumeRoleWithWebIdentity") => Route::to(Operation::AssumeRoleWithWebIdentity),
        Some("GetCallerIdentity") => Route::to(Operation::GetCallerIdentity),
        Some(_) => Route { protocol: Protocol::Query, ..Route::to(Operation::Unknown) },
        None => Route::to(Operation::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_identity_service_has_its_place() {
        let cases = [
            (Method::POST, "/", "Action=AssumeRole", Operation::AssumeRole),
            (Method::POST, "/", "Action=AssumeRoleWithWebIdentity", Operation::AssumeRoleWithWebIdentity),
            (Method::GET, "/", "Action=GetCallerIdentity", Operation::GetCallerIdentity),
            (Method::PUT, "/latest/api/token", "", Operation::InstanceMetadataToken),
            (Method::GET, "/latest/meta-data/placement/region", "", Operation::InstanceMetadata),
            (Method::GET, "/credentials", "", Operation::ContainerCredentials),
            (Method::POST, "/credentials", "", Operation::Unknown),
            (Method::GET, "/federation/credentials", "", Operation::GetRoleCredentials),
            (Method::POST, "/token", "", Operation::CreateToken),
            (Method::PUT, "/", "Action=AssumeRole", Operation::Unknown),
        ];
        for (method, path, form, operation) in cases {
            assert_eq!(
                route(&method, path, &Form::parse(form), "/credentials").operation,
                operation,
                "{method} {path}"
            );
        }
    }

    #[test]
    fn an_unknown_action_is_told_in_stss_words() {
        let form = Form::parse("Action=Dance&Version=2011-06-15");
        let error = route(&Method::POST, "/", &form, "/credentials").unknown(&form);
        assert_eq!((error.code(), error.status()), ("InvalidAction", 400));
        assert_eq!(error.message(), Some("Could not find operation Dance for version 2011-06-15"));
    }
}
