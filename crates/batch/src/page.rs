//! Lists, a page at a time.

use crate::{
    BatchError,
    store::{NotAllowed, is_id},
};

/// Which part of a list is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The most entries.
    pub limit: usize,
    /// The entry behind which the page begins.
    pub after: Option<String>,
    /// Whether the oldest come first, and not the newest.
    pub is_ascending: bool,
}

impl Page {
    /// The first entries, the newest first.
    #[must_use]
    pub fn first(limit: usize) -> Self {
        Self { limit, after: None, is_ascending: false }
    }
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paged<T> {
    /// The entries.
    pub entries: Vec<T>,
    /// Whether there are further ones.
    pub has_more: bool,
}

/// The entries of these names, which are in the order of their times. What is no entry is passed
/// over.
pub(crate) async fn of<T, F>(
    mut names: Vec<String>,
    page: &Page,
    prefix: &str,
    read: impl Fn(String) -> F,
) -> Result<Paged<T>, BatchError>
where
    F: Future<Output = Result<Option<T>, BatchError>>,
{
    names.retain(|name| is_id(name, prefix));
    if !page.is_ascending {
        names.reverse();
    }
    if let Some(after) = &page.after {
        let place = names.iter().position(|name| name == after);
        let place =
            place.ok_or_else(|| NotAllowed::new("after", "no such entry; use the `last_id` of the page before"))?;
        names.drain(..=place);
    }
    let (mut entries, mut has_more) = (Vec::new(), false);
    for name in names {
        if let Some(entry) = read(name).await? {
            if entries.len() == page.limit {
                has_more = true;
                break;
            }
            entries.push(entry);
        }
    }
    Ok(Paged { entries, has_more })
}
