//! A store in S3, with AWS's credentials as every other call finds them.
