//! Every environment variable that this crate reads, with what it means.
//!
//! The names of AWS's are those of the [AWS SDKs and Tools Reference Guide](https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html);
//! those ending in `_NAME` and the other upper-case forms of `aws_*` parameters are LiteLLM's.

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
