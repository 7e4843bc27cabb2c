//! A store in S3, with AWS's credentials as every other call finds them.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use object_store::{
    BackoffConfig, ClientOptions, CredentialProvider, ObjectStore, RetryConfig,
    aws::{AmazonS3Builder, AwsCredential, S3ConditionalPut},
    client::{HttpClient, HttpConnector},
    path::Path,
    prefix::PrefixStore,
};
use sagewire_credentials::{
    AwsParams, ProvideCredentials as _, SharedConfig, SharedCredentialsProvider, endpoint::Service, seam::World,
};

use crate::{BatchError, store::Store};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest wait for a request, its body included.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The largest bundle of certificates that is read, in bytes.
const LARGEST_BUNDLE: u64 = 4 * 1024 * 1024;

/// A bucket of S3, and a prefix of keys in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Location {
    /// The bucket.
    pub bucket: String,
    /// What the keys begin with; empty for the whole bucket.
    pub prefix: String,
}

impl S3Location {
    /// Reads `s3://bucket` or `s3://bucket/prefix`; `None` if it is neither.
    #[must_use]
    pub fn parse(url: &str) -> Option<Self> {
        let rest = url.strip_prefix("s3://")?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let is_bucket = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
        let is_valid = (3..=63).contains(&bucket.len()) && bucket.bytes().all(is_bucket);
        let prefix = prefix.trim_end_matches('/');
        let is_path = prefix.is_empty() || Path::parse(prefix).is_ok_and(|path| path.as_ref() == prefix);
        (is_valid && is_path).then(|| Self { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }
}

/// Opens a bucket of S3: with the credentials, region, endpoint and certificates that the
/// parameters and the world lead to.
///
/// # Errors
/// [`BatchError::Open`] if they cannot be used. Nothing is sent to S3 yet.
pub async fn open_bucket(
    bucket: &str,
    params: AwsParams,
    endpoint: Option<&str>,
    world: &World,
) -> Result<Arc<dyn ObjectStore>, BatchError> {
    let failed =
        |reason: &dyn fmt::Display| BatchError::Open { name: format!("s3://{bucket}"), reason: reason.to_string() };
    let region = params.region(world).await.map_err(|error| failed(&error))?;
    let config = SharedConfig::load(world, params.profile_name(world).as_deref()).await;
    let configured = config.configured_url(Service::S3, endpoint).map_err(|error| failed(&error))?;
    let url = config.service_url(Service::S3, Some(&region), endpoint).map_err(|error| failed(&error))?;
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(region.as_str())
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_retry(RetryConfig {
            backoff: BackoffConfig::default(),
            max_retries: 6,
            retry_timeout: Duration::from_secs(30),
        });
    builder = match &configured {
        // Stand-ins for S3 have no names for buckets.
        Some(_) => builder.with_endpoint(&url).with_allow_http(url.starts_with("http://")),
        // With a dot a bucket's name does not fit the certificate of its host.
        None if bucket.contains('.') => builder.with_endpoint(&url),
        None => {
            let host = url.trim_start_matches("https://");
            builder.with_endpoint(format!("https://{bucket}.{host}")).with_virtual_hosted_style_request(true)
        }
    };
    let client = client(&config, world).await.map_err(|error| failed(&error))?;
    let credentials = params.provider(world).map_err(|error| failed(&error))?;
    let builder = builder.with_credentials(Arc::new(Chain(credentials))).with_http_connector(Connector(client));
    Ok(Arc::new(builder.build().map_err(|error| failed(&error))?))
}

impl Store {
    /// A store in S3, which several processes may use.
    ///
    /// # Errors
    /// [`BatchError::Open`] if it cannot be used. Nothing is sent to S3 yet.
    pub async fn s3(
        location: &S3Location,
        params: AwsParams,
        endpoint: Option<&str>,
        world: &World,
    ) -> Result<Self, BatchError> {
        let bucket = open_bucket(&location.bucket, params, endpoint, world).await?;
        let objects: Arc<dyn ObjectStore> = if location.prefix.is_empty() {
            bucket
        } else {
            Arc::new(PrefixStore::new(bucket, Path::from(location.prefix.as_str())))
        };
        Ok(Self::shared(objects, Arc::clone(world.clock())))
    }
}

async fn client(
    config: &SharedConfig,
    world: &World,
) -> Result<reqwest::Client, Box<dyn std::error::Error + Send + Sync>> {
    // An error means that the program has chosen a provider, which is then used.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder();
    if let Some(bundle) = config.request_options().ca_bundle {
        let pem = world.files().read(&bundle, LARGEST_BUNDLE).await?;
        builder = builder.tls_certs_only(reqwest::Certificate::from_pem_bundle(&pem)?);
    }
    let builder = builder.connect_timeout(CONNECT_TIMEOUT).timeout(TIMEOUT);
    Ok(builder.redirect(reqwest::redirect::Policy::none()).build()?)
}

/// Our client in the place of the store's own.
#[derive(Debug)]
struct Connector(reqwest::Client);

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.0.clone()))
    }
}

/// Our credentials in the place of the store's own.
#[derive(Debug)]
struct Chain(SharedCredentialsProvider);

#[async_trait]
impl CredentialProvider for Chain {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let found = self.0.provide_credentials().await;
        let found = found.map_err(|error| object_store::Error::Generic { store: "S3", source: error.into() })?;
        Ok(Arc::new(AwsCredential {
            key_id: found.access_key_id().to_owned(),
            secret_key: found.secret_access_key().to_owned(),
            token: found.session_token().map(str::to_owned),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_a_bucket_and_a_prefix() {
        let read = |url: &str| S3Location::parse(url).map(|found| (found.bucket, found.prefix));
        assert_eq!(read("s3://bucket"), Some(("bucket".to_owned(), String::new())));
        assert_eq!(read("s3://my.bucket-1/a/b/"), Some(("my.bucket-1".to_owned(), "a/b".to_owned())));
        for wrong in
            ["", "bucket", "s3://", "s3://B/x", "s3://ab", "s3://bucket/a//b", "s3://bucket/../x", "/s3://bucket"]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[tokio::test]
    async fn nothing_secret_is_shown() {
        let params = AwsParams {
            aws_access_key_id: Some("AKIDEXAMPLE".to_owned()),
            aws_secret_access_key: Some("hush".into()),
            aws_region_name: Some("eu-west-1".to_owned()),
            ..AwsParams::default()
        };
        let location = S3Location::parse("s3://bucket/p").unwrap();
        let store = Store::s3(&location, params, None, &World::builder().build()).await.unwrap();
        let shown = format!("{store:?}");
        assert!(store.is_shared() && !shown.contains("hush") && !shown.contains("AKIDEXAMPLE"), "{shown}");
    }
}
