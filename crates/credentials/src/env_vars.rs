//! Every environment variable that this crate reads, with what it means.
//!
//! The names of AWS's are those of the [AWS SDKs and Tools Reference
//! Guide](https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html); those ending in
//! `_NAME` and the other upper-case forms of `aws_*` parameters are LiteLLM's.

/// The path of the config file, in place of `~/.aws/config`.
pub const AWS_CONFIG_FILE: &str = "AWS_CONFIG_FILE";
/// The path of the credentials file, in place of `~/.aws/credentials`.
pub const AWS_SHARED_CREDENTIALS_FILE: &str = "AWS_SHARED_CREDENTIALS_FILE";
/// The profile to use, in place of `default`.
pub const AWS_PROFILE: &str = "AWS_PROFILE";
/// Another name of [`AWS_PROFILE`], which takes precedence.
pub const AWS_DEFAULT_PROFILE: &str = "AWS_DEFAULT_PROFILE";
/// The URL of every service, in place of its host.
pub const AWS_ENDPOINT_URL: &str = "AWS_ENDPOINT_URL";
/// The URL of SageMaker Runtime.
pub const AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME: &str = "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME";
/// The URL of SageMaker Inference Router Runtime.
pub const AWS_ENDPOINT_URL_SAGEMAKER_INFERENCE_ROUTER_RUNTIME: &str =
    "AWS_ENDPOINT_URL_SAGEMAKER_INFERENCE_ROUTER_RUNTIME";
/// The URL of SageMaker Gateway Runtime.
pub const AWS_ENDPOINT_URL_SAGEMAKER_GATEWAY_RUNTIME: &str = "AWS_ENDPOINT_URL_SAGEMAKER_GATEWAY_RUNTIME";
/// The URL of SageMaker's control plane, which lists and describes endpoints.
pub const AWS_ENDPOINT_URL_SAGEMAKER: &str = "AWS_ENDPOINT_URL_SAGEMAKER";
/// The URL of STS.
pub const AWS_ENDPOINT_URL_STS: &str = "AWS_ENDPOINT_URL_STS";
/// The URL of IAM Identity Center's portal.
pub const AWS_ENDPOINT_URL_SSO: &str = "AWS_ENDPOINT_URL_SSO";
/// The URL of IAM Identity Center's sign-in service.
pub const AWS_ENDPOINT_URL_SSO_OIDC: &str = "AWS_ENDPOINT_URL_SSO_OIDC";
/// The URL of S3.
pub const AWS_ENDPOINT_URL_S3: &str = "AWS_ENDPOINT_URL_S3";
/// `true` to pass over the URLs of these variables and of the profile.
pub const AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: &str = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS";
/// `true` for hosts whose cryptography is validated under FIPS 140.
pub const AWS_USE_FIPS_ENDPOINT: &str = "AWS_USE_FIPS_ENDPOINT";
/// `true` for hosts that answer over IPv4 and IPv6.
pub const AWS_USE_DUALSTACK_ENDPOINT: &str = "AWS_USE_DUALSTACK_ENDPOINT";
/// The home folder.
pub const HOME: &str = "HOME";
/// The home folder on Windows, where [`HOME`] is not set.
pub const USERPROFILE: &str = "USERPROFILE";
/// The drive of the home folder on Windows, where neither [`HOME`] nor [`USERPROFILE`] is set.
pub const HOMEDRIVE: &str = "HOMEDRIVE";
/// The path of the home folder on its drive.
pub const HOMEPATH: &str = "HOMEPATH";
/// The access key id of static keys.
pub const AWS_ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
/// The secret access key of static keys.
pub const AWS_SECRET_ACCESS_KEY: &str = "AWS_SECRET_ACCESS_KEY";
/// Another name of [`AWS_SECRET_ACCESS_KEY`] that AWS's Rust SDK accepts.
pub const SECRET_ACCESS_KEY: &str = "SECRET_ACCESS_KEY";
/// The session token of temporary keys.
pub const AWS_SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";
/// The account that static keys belong to.
pub const AWS_ACCOUNT_ID: &str = "AWS_ACCOUNT_ID";
/// LiteLLM's variable for the region.
pub const AWS_REGION_NAME: &str = "AWS_REGION_NAME";
/// The region.
pub const AWS_REGION: &str = "AWS_REGION";
/// The region, as AWS's older tools call it.
pub const AWS_DEFAULT_REGION: &str = "AWS_DEFAULT_REGION";
/// A file of PEM certificates to trust instead of the system's.
pub const AWS_CA_BUNDLE: &str = "AWS_CA_BUNDLE";
/// The role that a web identity takes on.
pub const AWS_ROLE_ARN: &str = "AWS_ROLE_ARN";
/// The name of the role session of a web identity.
pub const AWS_ROLE_SESSION_NAME: &str = "AWS_ROLE_SESSION_NAME";
/// The file with the token of a web identity.
pub const AWS_WEB_IDENTITY_TOKEN_FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
/// The path of the container's credentials on `http://169.254.170.2`.
pub const AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
/// The whole URL of the container's credentials.
pub const AWS_CONTAINER_CREDENTIALS_FULL_URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
/// What is sent as `Authorization` to the container's credentials URL.
pub const AWS_CONTAINER_AUTHORIZATION_TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
/// The file with it, read at each call. It wins over [`AWS_CONTAINER_AUTHORIZATION_TOKEN`].
pub const AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
/// `true`: the instance metadata service is never asked.
pub const AWS_EC2_METADATA_DISABLED: &str = "AWS_EC2_METADATA_DISABLED";
/// The URL of the instance metadata service.
pub const AWS_EC2_METADATA_SERVICE_ENDPOINT: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
/// `IPv4` or `IPv6`: by which the instance metadata service is asked.
pub const AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE";
/// The folder of what `aws login` left behind, in place of `~/.aws/login/cache`.
pub const AWS_LOGIN_CACHE_DIRECTORY: &str = "AWS_LOGIN_CACHE_DIRECTORY";
/// LiteLLM's variable for the profile, `aws_profile_name`.
pub const AWS_PROFILE_NAME: &str = "AWS_PROFILE_NAME";
/// LiteLLM's variable for the ARN of the role to assume, `aws_role_name`.
pub const AWS_ROLE_NAME: &str = "AWS_ROLE_NAME";
/// LiteLLM's variable for the name of the role session, `aws_session_name`.
pub const AWS_SESSION_NAME: &str = "AWS_SESSION_NAME";
/// LiteLLM's variable for the web identity token, `aws_web_identity_token`.
pub const AWS_WEB_IDENTITY_TOKEN: &str = "AWS_WEB_IDENTITY_TOKEN";
/// LiteLLM's variable for the external id, `aws_external_id`.
pub const AWS_EXTERNAL_ID: &str = "AWS_EXTERNAL_ID";
/// LiteLLM's variable for the URL of STS, `aws_sts_endpoint`.
pub const AWS_STS_ENDPOINT: &str = "AWS_STS_ENDPOINT";
