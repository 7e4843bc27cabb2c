//! Where asynchronous calls find their inputs and put their outcomes: a bucket of any S3, or a
//! folder that stands for it.
//!
//! Owns reading and writing objects by `s3://bucket/key`. S3 is called by its path style, signed by
//! the official signer. <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html>

use std::{
    fmt,
    io::Write as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
        UriPathNormalizationMode, sign,
    },
    sign::v4,
};
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What S3 leaves as it is in a key.
const KEY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// An object could not be read or written; the text says why.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ObjectError(String);

/// Where the objects of asynchronous calls are.
#[derive(Clone)]
pub struct ObjectStore(StorePlace);

#[derive(Clone)]
enum StorePlace {
    Folder(PathBuf),
    S3(Box<S3>),
}

#[derive(Clone)]
struct S3 {
    url: String,
    access_key_id: String,
    secret: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl ObjectStore {
    /// A folder: `s3://bucket/key` is its file `bucket/key`.
    #[must_use]
    pub fn folder(path: impl Into<PathBuf>) -> Self {
        Self(StorePlace::Folder(path.into()))
    }

    /// An S3 at this URL, such as moto's server at `http://127.0.0.1:5000`, and credentials for it. The buckets must exist.
    #[must_use]
    pub fn s3(url: impl Into<String>, access_key_id: impl Into<String>, secret_access_key: impl Into<String>) -> Self {
        Self(StorePlace::S3(Box::new(S3 {
            url: url.into().trim_end_matches('/').to_owned(),
            access_key_id: access_key_id.into(),
            secret: secret_access_key.into(),
            client: Client::builder(TokioExecutor::new()).build_http(),
        })))
    }

    /// Reads the object at `s3://bucket/key`.
    pub(crate) async fn get(&self, location: &str, region: &str) -> Result<Bytes, ObjectError> {
        match &self.0 {
            StorePlace::Folder(folder) => {
                let path = file(folder, location)?;
                let read = tokio::task::spawn_blocking(move || std::fs::read(&path).map_err(|error| at(&path, &error)));
                Ok(read.await.map_err(|error| ObjectError(error.to_string()))??.into())
            }
            StorePlace::S3(s3) => s3.call(Method::GET, location, region, Bytes::new()).await,
        }
    }

    /// Writes the object at `s3://bucket/key`.
    pub(crate) async fn put(&self, location: &str, region: &str, body: Bytes) -> Result<(), ObjectError> {
        match &self.0 {
            StorePlace::Folder(folder) => {
                let path = file(folder, location)?;
                let written =
                    tokio::task::spawn_blocking(move || write(&path, &body).map_err(|error| at(&path, &error)));
                written.await.map_err(|error| ObjectError(error.to_string()))?
            }
            StorePlace::S3(s3) => s3.call(Method::PUT, location, region, body).await.map(drop),
        }
    }
}

impl S3 {
    async fn call(&self, method: Method, location: &str, region: &str, body: Bytes) -> Result<Bytes, ObjectError> {
        let Self { url, access_key_id, secret, client } = self;
        let (bucket, key) = parts(location)?;
        let uri = format!("{url}/{bucket}/{}", utf8_percent_encode(key, KEY));
        let identity = Credentials::new(access_key_id.as_str(), secret.as_str(), None, None, "emulator").into();
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        let failed = |error: &dyn fmt::Display| ObjectError(format!("{method} {uri}: {error}"));
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name("s3")
            .time(now())
            .settings(settings)
            .build()
            .map_err(|error| failed(&error))?
            .into();
        let signable = SignableRequest::new(method.as_str(), &uri, std::iter::empty(), SignableBody::Bytes(&body));
        let signed = sign(signable.map_err(|error| failed(&error))?, &parameters).map_err(|error| failed(&error))?;
        let request = Request::builder().method(method.clone()).uri(&uri).body(Full::new(body));
        let mut request = request.map_err(|error| failed(&error))?;
        signed.into_parts().0.apply_to_request_http1x(&mut request);
        let response: Response<Incoming> = client.request(request).await.map_err(|error| failed(&error))?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(|error| failed(&error))?.to_bytes();
        if status.is_success() {
            Ok(body)
        } else {
            Err(failed(&format!("{status} {}", String::from_utf8_lossy(&body))))
        }
    }
}

impl fmt::Debug for ObjectStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            StorePlace::Folder(path) => f.debug_tuple("Folder").field(path).finish(),
            StorePlace::S3(s3) => {
                let mut shown = f.debug_struct("S3");
                shown.field("url", &s3.url).field("access_key_id", &s3.access_key_id).finish_non_exhaustive()
            }
        }
    }
}

/// The signature is for a real S3, so the time is the real one.
#[expect(clippy::disallowed_methods, reason = "a real S3 refuses a signature of another time")]
fn now() -> SystemTime {
    SystemTime::now()
}

/// The bucket and the key.
fn parts(location: &str) -> Result<(&str, &str), ObjectError> {
    location
        .strip_prefix("s3://")
        .and_then(|rest| rest.split_once('/'))
        .filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty())
        .ok_or_else(|| ObjectError(format!("`{location}` is not of the form s3://bucket/key")))
}

/// `s3://bucket`, perhaps with a prefix of keys.
pub(crate) fn is_prefix(location: &str) -> bool {
    let names = |rest: &str| rest.split('/').all(|name| !matches!(name, "" | "." | ".."));
    location.strip_prefix("s3://").is_some_and(names)
}

/// The file that stands for an object. Its path stays below the folder.
fn file(folder: &Path, location: &str) -> Result<PathBuf, ObjectError> {
    let (bucket, key) = parts(location)?;
    let mut path = folder.to_owned();
    for name in [bucket].into_iter().chain(key.split('/')) {
        if matches!(name, "" | "." | "..") || name.contains(['\\', '\0']) {
            return Err(ObjectError(format!("`{location}` cannot be a file")));
        }
        path.push(name);
        // A link could lead out of the folder.
        if path.is_symlink() {
            return Err(ObjectError(format!("{} is a symbolic link, which is not followed", path.display())));
        }
    }
    Ok(path)
}

/// As a whole: a reader never sees a part of it.
fn write(path: &Path, body: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut partial = path.as_os_str().to_owned();
    partial.push(".part");
    // What an earlier run left, or a link.
    if let Err(error) = std::fs::remove_file(&partial)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        return Err(error);
    }
    std::fs::OpenOptions::new().write(true).create_new(true).open(&partial)?.write_all(body)?;
    std::fs::rename(&partial, path)
}

fn at(path: &Path, error: &std::io::Error) -> ObjectError {
    ObjectError(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_stays_below_the_folder() {
        let folder = Path::new("/objects");
        assert_eq!(file(folder, "s3://b/a/c.out").unwrap(), Path::new("/objects/b/a/c.out"));
        for location in [
            "s3://b",
            "s3://b/",
            "s3:///k",
            "file:///etc/passwd",
            "s3://../k",
            "s3://b/../../k",
            "s3://b/a//c",
            "s3://b/a\\c",
        ] {
            assert!(file(folder, location).is_err(), "{location}");
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn links_are_not_followed() {
        let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(outside.path().join("secret"), "hush").unwrap();
        std::os::unix::fs::symlink(outside.path(), inside.path().join("bucket")).unwrap();
        std::fs::create_dir(inside.path().join("real")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret"), inside.path().join("real/out.part")).unwrap();
        let store = ObjectStore::folder(inside.path());
        for location in ["s3://bucket/secret", "s3://real/out.part"] {
            let read = store.get(location, "us-east-1").await.unwrap_err().to_string();
            assert!(read.contains("symbolic link"), "{read}");
        }
        assert!(store.put("s3://bucket/new", "us-east-1", Bytes::from("x")).await.is_err());
        store.put("s3://real/out", "us-east-1", Bytes::from("x")).await.unwrap();
        assert_eq!(store.get("s3://real/out", "us-east-1").await.unwrap(), "x");
        assert_eq!(std::fs::read_to_string(outside.path().join("secret")).unwrap(), "hush");
    }

    #[test]
    fn the_secret_is_not_printed() {
        assert!(!format!("{:?}", ObjectStore::s3("http://127.0.0.1:1", "AKID", "hush")).contains("hush"));
    }
}
