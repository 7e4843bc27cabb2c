//! Every environment variable that this crate reads, with what it means.
//!
//! The names of AWS's are those of the [AWS SDKs and Tools Reference Guide](https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html);
//! those ending in `_NAME` and the other upper-case forms of `aws_*` parameters are LiteLLM's.

/// The path of the config file, in place of `~/.aws/config`.
pub const AWS_CONFIG_FILE: &str = "AWS_CONFIG_FILE";
/// The path of the credentials file, in place of `~/.aws/credentials`.
pub const AWS_SHARED_CREDENTIALS_FILE: &str = "AWS_SHARED_CREDENTIALS_FILE";
/// The profile to use, in place of `default`.
pub const AWS_PROFILE: &str = "AWS_PROFILE";
/// Another name of [`AWS_PROFILE`], which wins over this one.
pub const AWS_DEFAULT_PROFILE: &str = "AWS_DEFAULT_PROFILE";
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
