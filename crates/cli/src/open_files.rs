//! How many files the process may have open: each caller takes one, and each answer one more.
//!
//! Owns the limit of this process, and nothing of what uses it.

/// Raises the limit to what the system allows this user: shells and services begin with 1,024. If
/// that fails, the old one stays.
#[cfg(unix)]
pub(crate) fn raise_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};

    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        // macOS allows fewer than it says; then nothing changes.
        let _ = setrlimit(Resource::Nofile, limit);
    }
}

/// Windows has no such limit.
#[cfg(not(unix))]
pub(crate) const fn raise_limit() {}
