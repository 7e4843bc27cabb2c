//! The sign-in that `aws sso login` keeps on disk: its file, its contents, and how a renewed one is
//! saved.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde_json::{Map, Value};
use sha1::{Digest, Sha1};

use crate::config::SharedConfig;
use crate::error::ReadError;
use crate::profile::SsoSource;
use crate::seam::World;
use crate::timestamp::{format_rfc3339, parse_rfc3339};
use crate::{CredentialsError, Secret};

const FILE_LIMIT: u64 = 1024 * 1024;

/// The parts of a sign-in that are needed here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CachedSignIn {
    access_token: Secret,
    expires_at: String,
    refresh_token: Option<Secret>,
    client_id: Option<String>,
    client_secret: Option<Secret>,
    registration_expires_at: Option<String>,
}

/// A sign-in read from disk.
#[derive(Debug)]
pub(super) struct SignIn {
    pub(super) access_token: Secret,
    pub(super) expiry: SystemTime,
    pub(super) refresh: Option<Refresh>,
    path: PathBuf,
}

/// The data to renew a sign-in with.
#[derive(Clone, Debug)]
pub(super) struct Refresh {
    pub(super) refresh_token: Secret,
    pub(super) client_id: String,
    pub(super) client_secret: Secret,
}

/// A renewed sign-in.
pub(super) struct Renewed {
    pub(super) access_token: Secret,
    pub(super) expiry: SystemTime,
    /// The next one, if the service gave one.
    pub(super) refresh_token: Option<Secret>,
}

impl SignIn {
    /// Reads the sign-in of `source`. The file is named after its session, else after its start
    /// URL.
    pub(super) async fn read(world: &World, source: &SsoSource) -> Result<Self, CredentialsError> {
        let name = source.session.as_ref().unwrap_or(&source.start_url);
        let file = format!("{}.json", crate::source::hex(&Sha1::digest(name)));
        let path = SharedConfig::home(world)?.join(".aws/sso/cache").join(file);
        let content = world.files().read(&path, FILE_LIMIT).await.map_err(|error| {
            CredentialsError::provider(format!("not signed in; {}", advice(source)))
                .with_cause(ReadError { path: path.clone(), source: error })
        })?;
        let broken = |what: &str| {
            CredentialsError::provider(format!("the sign-in in `{}` {what}; {}", path.display(), advice(source)))
        };
        let document: CachedSignIn = serde_json::from_slice(&content).map_err(|_| broken("is invalid"))?;
        let expiry = parse_rfc3339(&document.expires_at).ok_or_else(|| broken("has an invalid `expiresAt`"))?;
        let registered = document.registration_expires_at.as_deref().and_then(parse_rfc3339);
        let refresh = match (document.refresh_token, document.client_id, document.client_secret) {
            (Some(refresh_token), Some(client_id), Some(client_secret))
                if registered.is_some_and(|until| until > world.now()) =>
            {
                Some(Refresh { refresh_token, client_id, client_secret })
            }
            _ => None,
        };
        Ok(Self { access_token: document.access_token, expiry, refresh, path })
    }

    /// Whether the sign-in is valid for at least `margin`.
    pub(super) fn lasts(&self, world: &World, margin: Duration) -> bool {
        self.expiry.checked_sub(margin).is_some_and(|until| until > world.now())
    }

    /// Replaces the file in one step. Its other contents are kept.
    pub(super) async fn write(&self, world: &World, renewed: &Renewed) -> Result<(), CredentialsError> {
        let failed = || CredentialsError::provider("cannot save the renewed sign-in");
        let read_error = |source| failed().with_cause(ReadError { path: self.path.clone(), source });
        let content = world.files().read(&self.path, FILE_LIMIT).await.map_err(read_error)?;
        let mut document: Map<String, Value> = serde_json::from_slice(&content).map_err(|_| failed())?;
        document.insert("accessToken".to_owned(), renewed.access_token.expose().into());
        document.insert("expiresAt".to_owned(), format_rfc3339(renewed.expiry).into());
        if let Some(token) = &renewed.refresh_token {
            document.insert("refreshToken".to_owned(), token.expose().into());
        }
        let content = zeroize::Zeroizing::new(serde_json::to_vec_pretty(&document).map_err(|_| failed())?);
        world.files().replace(&self.path, &content).await.map_err(|error| failed().with_cause(error))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// The command with which the user signs in.
pub(super) fn advice(source: &SsoSource) -> String {
    match &source.session {
        Some(session) => format!("run `aws sso login --sso-session {session}`"),
        None => "run `aws sso login` for the profile".to_owned(),
    }
}
