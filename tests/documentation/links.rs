//! Links between pages, to files and to headings.
//!
//! Owns which links there are and whether they lead somewhere in the project. Other sites are not
//! asked.

use std::path::{Component, Path, PathBuf};

use sagewire_tests::page::{self, Page};

use crate::Outcome;

pub(crate) fn lead_somewhere(page: &Page) -> Outcome {
    let mut broken = Vec::new();
    for link in of(page) {
        let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
        let target = if file.is_empty() { page.path.clone() } else { resolved(page.path.parent().unwrap(), file) };
        if !target.exists() {
            broken.push(format!("{link}: there is no such file"));
            continue;
        }
        if anchor.is_empty() {
            continue;
        }
        let is_there = page::all().iter().find(|page| page.path == target).map(|page| page.anchors.contains(anchor));
        match is_there {
            Some(true) => {}
            Some(false) => broken.push(format!("{link}: the page has no such heading")),
            None => broken.push(format!("{link}: only pages have headings")),
        }
    }
    if broken.is_empty() { Ok(()) } else { Err(format!("{}: {}", page.name, broken.join("; ")).into()) }
}

/// The links of a page that stay in the project.
fn of(page: &Page) -> Vec<String> {
    let prose = page.prose();
    let inline = prose.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    let named = prose.lines().filter(|line| line.starts_with('['));
    let named = named.filter_map(|line| line.split_once("]: ")).map(|(_, target)| target.trim());
    inline
        .chain(named)
        .filter(|link| !link.is_empty() && !link.contains("://") && !link.starts_with("mailto:"))
        .map(str::to_owned)
        .collect()
}

/// A path without its `..`.
fn resolved(folder: &Path, file: &str) -> PathBuf {
    let mut path = folder.to_owned();
    for component in Path::new(file).components() {
        match component {
            Component::ParentDir => {
                path.pop();
            }
            Component::Normal(name) => path.push(name),
            _ => {}
        }
    }
    path
}
