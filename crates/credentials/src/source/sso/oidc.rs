//! The sign-in service of IAM Identity Center: renews a sign-in with
//! [`CreateToken`](https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/API_CreateToken.html).

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde::{Deserialize, Serialize};

use super::request_to;
use super::sign_in::{Refresh, Renewed};
use crate::ServiceError;
use crate::config::SharedConfig;
use crate::endpoint::Service;
use crate::region::Region;
use crate::retry::{Failure, RetryConfig, retry};
use crate::{CredentialsError, Secret};

const SERVICE: &str = "the IAM Identity Center sign-in service";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CreateToken<'a> {
    client_id: &'a str,
    client_secret: &'a str,
    grant_type: &'static str,
    refresh_token: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    access_token: Secret,
    /// Seconds.
    expires_in: u32,
    refresh_token: Option<Secret>,
}

/// Renews a sign-in. Nothing is written.
pub(super) async fn renew(
    config: &SharedConfig,
    region: &Region,
    refresh: &Refresh,
) -> Result<Renewed, CredentialsError> {
    let url = config.service_url(Service::SsoOidc, Some(region), None)?;
    let url = format!("{}/token", url.trim_end_matches('/'));
    let body = serde_json::to_vec(&CreateToken {
        client_id: &refresh.client_id,
        client_secret: refresh.client_secret.expose(),
        grant_type: "refresh_token",
        refresh_token: refresh.refresh_token.expose(),
    });
    let body = Bytes::from(body.map_err(|_| CredentialsError::provider("cannot write the request for a new sign-in"))?);
    let options = config.request_options();
    let world = config.world();
    let attempt = || async {
        let mut request = request_to(SERVICE, http::Method::POST, &url, body.clone())?;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let answer = world.http().send(request, &options).await;
        let answer = answer.map_err(|error| Failure::no_answer(SERVICE, error))?;
        if !answer.status().is_success() {
            let secrets = [refresh.refresh_token.expose(), refresh.client_secret.expose()];
            return Err(Failure::refused(SERVICE, "", ServiceError::from_json(&answer, &secrets)));
        }
        let created: Created = serde_json::from_slice(answer.body()).map_err(|_| {
            Failure::final_(CredentialsError::provider(format!("no usable sign-in in the answer of {SERVICE}")))
        })?;
        Ok(Renewed {
            access_token: created.access_token,
            expiry: world.now() + Duration::from_secs(created.expires_in.into()),
            refresh_token: created.refresh_token,
        })
    };
    retry(RetryConfig::STANDARD, attempt).await
}
