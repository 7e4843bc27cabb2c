//! The pages: which there are, their fenced blocks and headings.
//!
//! Owns the reading of Markdown, as far as the checks of the documentation need it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// A page.
#[derive(Debug)]
pub struct Page {
    /// Its path in the project, such as `docs/proxy.md`.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// All of it.
    pub text: String,
    /// Its fenced blocks.
    pub blocks: Vec<Block>,
    /// What a link can name after `#`.
    pub anchors: BTreeSet<String>,
}

/// A fenced block.
#[derive(Debug, Default)]
pub struct Block {
    /// The line of its fence, from 1.
    pub line: usize,
    /// The first word after the fence.
    pub kind: String,
    /// All that stands after the fence.
    pub info: String,
    /// What is between its fences.
    pub text: String,
    /// Why it cannot run here.
    pub not_run: Option<String>,
    /// The file that it is written to.
    pub file: Option<String>,
    /// The subcommand that it needs.
    pub when: Option<String>,
    /// The exit code of its last command.
    pub exits: i32,
}

/// The project's folder.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every page, found once.
#[must_use]
pub fn all() -> &'static [Page] {
    static PAGES: LazyLock<Vec<Page>> = LazyLock::new(|| {
        let root = root();
        let mut paths: Vec<_> = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "examples/README.md"]
            .map(|name| root.join(name))
            .into();
        paths.extend(files_below(&root.join("docs"), "md"));
        paths.extend(files_below(&root.join("deploy"), "md"));
        paths.extend(crates().into_iter().map(|folder| folder.join("README.md")).filter(|path| path.is_file()));
        paths.into_iter().map(|path| Page::read(&root, path)).collect()
    });
    &PAGES
}

/// The folder of each crate that is published.
#[must_use]
pub fn crates() -> Vec<PathBuf> {
    let mut folders: Vec<_> = fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|folder| folder.join("Cargo.toml").is_file());
    folders.sort();
    folders
}

/// The files of this kind in a folder and those below it, in order.
#[must_use]
pub fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

impl Page {
    fn read(root: &Path, path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
        Self::of(name, path, text)
    }

    /// The page of this name, such as `docs/proxy.md`.
    #[must_use]
    pub fn named(name: &str) -> &'static Self {
        all().iter().find(|page| page.name == name).unwrap()
    }

    /// A page of this text.
    #[must_use]
    pub fn of(name: String, path: PathBuf, text: String) -> Self {
        let (blocks, anchors) = parse(&name, &text);
        Self { name, path, text, blocks, anchors }
    }

    /// The text without its fenced blocks and its code between backticks.
    #[must_use]
    pub fn prose(&self) -> String {
        let mut prose = String::new();
        let mut inside = false;
        for line in self.text.lines() {
            if line.trim_start().starts_with("```") {
                inside = !inside;
            } else if !inside {
                let parts = line.split('`').enumerate().filter(|(index, _)| index % 2 == 0);
                prose.extend(parts.map(|(_, part)| part));
                prose.push('\n');
            }
        }
        prose
    }
}

fn parse(page: &str, text: &str) -> (Vec<Block>, BTreeSet<String>) {
    let (mut blocks, mut anchors) = (Vec::new(), BTreeSet::new());
    let mut marks: Vec<(String, String)> = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let indent = line.len() - line.trim_start().len();
        let bare = line.trim();
        if let Some(info) = bare.strip_prefix("```") {
            let mut block = Block { line: index + 1, info: info.to_owned(), ..Block::default() };
            info.split([',', ' ']).next().unwrap_or_default().clone_into(&mut block.kind);
            for (name, value) in marks.drain(..) {
                match name.as_str() {
                    "not run" => block.not_run = Some(value),
                    "file" => block.file = Some(value),
                    "when" => block.when = Some(value),
                    "exits" => block.exits = value.parse().unwrap(),
                    _ => unreachable!("only known marks are kept"),
                }
            }
            for (_, line) in lines.by_ref().take_while(|(_, line)| line.trim() != "```") {
                block.text.push_str(line.get(indent..).unwrap_or(line.trim_start()));
                block.text.push('\n');
            }
            blocks.push(block);
        } else if let Some(heading) = bare.strip_prefix('#').filter(|_| indent == 0) {
            let slug = slug(heading.trim_start_matches('#'));
            // GitHub and mdBook number headings of the same words.
            let numbered = (1..).map(|number| format!("{slug}-{number}"));
            let free = std::iter::once(slug.clone()).chain(numbered).find(|slug| !anchors.contains(slug));
            anchors.extend(free);
        }
        let mark = bare.strip_prefix("<!--").and_then(|rest| rest.strip_suffix("-->")).map(str::trim);
        match mark.and_then(|mark| mark.split_once(':')) {
            Some((name, value)) if ["not run", "file", "when", "exits"].contains(&name) => {
                assert!(!value.trim().is_empty(), "{page}:{}: `{name}` says nothing", index + 1);
                marks.push((name.to_owned(), value.trim().to_owned()));
            }
            _ if bare.is_empty() => {}
            _ => assert!(marks.is_empty(), "{page}:{}: a mark stands right above its block", index + 1),
        }
    }
    (blocks, anchors)
}

/// A heading as a link names it.
fn slug(heading: &str) -> String {
    let mut slug = String::new();
    for character in heading.trim().chars() {
        match character {
            ' ' => slug.push('-'),
            '-' | '_' => slug.push(character),
            _ if character.is_alphanumeric() => slug.extend(character.to_lowercase()),
            _ => {}
        }
    }
    slug
}
