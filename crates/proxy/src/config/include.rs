//! `include`: one configuration in several files.
//!
//! Owns reading them and making one tree of them; every value remembers its file. What the keys
//! mean is the sections'.
//!
//! <https://docs.litellm.ai/docs/proxy/config_management>

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path as FilePath, PathBuf},
};

use super::{
    environment::Path,
    node::{Entry, Node, Place, Yaml},
    parse,
    problem::{ConfigError, Report},
};

/// The key that names the other files.
const KEY: &str = "include";

/// The most bytes of one file.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// The most files of one configuration.
const MAX_FILES: usize = 256;

/// How deep files may include each other.
const MAX_DEPTH: usize = 16;

/// The text of a file within its limit.
fn read_text(path: &FilePath) -> io::Result<String> {
    let mut text = String::new();
    let read = File::open(path)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if read as u64 > MAX_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {MAX_BYTES} bytes")));
    }
    Ok(text)
}

/// The text of an included file. It must be a regular one: reading a pipe or a device may never
/// end.
fn read_included(path: &FilePath) -> io::Result<String> {
    can_be_read_again(path)?;
    read_text(path)
}

/// Reads a file and all that it includes. The report learns which files these are, those that
/// cannot be read too.
pub(super) fn read(path: &FilePath, report: &mut Report) -> Result<Node, ConfigError> {
    report.files.push(path.to_owned());
    let text = read_text(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    let mut node = parse(&text, Some(path))?;
    Reader { open: vec![identity(path)], seen: vec![identity(path)], report }.follow(&mut node, path)?;
    Ok(node)
}

/// Whether a configuration can be read again: what comes through a pipe comes once, and waiting for
/// more would never end.
pub(crate) fn can_be_read_again(path: &FilePath) -> io::Result<()> {
    if fs::metadata(path)?.is_file() { Ok(()) } else { Err(not_regular()) }
}

fn not_regular() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")
}

/// The files that a configuration consists of, as far as it can be read; itself first.
pub(crate) fn files_of(path: &FilePath) -> Vec<PathBuf> {
    if can_be_read_again(path).is_err() {
        return vec![path.to_owned()];
    }
    let mut report = Report::default();
    // What is wrong is said where the configuration is used.
    let _ = read(path, &mut report);
    report.files
}

/// Says that a text which is no file cannot include any.
pub(super) fn refuse(node: &Node, report: &mut Report) {
    if let Some(include) = node.value(KEY) {
        report.problem(
            include.place,
            "`include` needs a file to be relative to, and this configuration was not read from one: read it with `Config::from_file`",
        );
    }
}

struct Reader<'a> {
    /// The files that are being read, each included by the one before.
    open: Vec<PathBuf>,
    seen: Vec<PathBuf>,
    report: &'a mut Report,
}

impl Reader<'_> {
    /// Puts what the file includes into its tree.
    fn follow(&mut self, node: &mut Node, path: &FilePath) -> Result<(), ConfigError> {
        for (name, place) in self.take(node) {
            let included = path.parent().unwrap_or(FilePath::new("")).join(&name);
            let identity = identity(&included);
            if self.open.contains(&identity) {
                self.report.problem(
                    place,
                    format!("`include` names `{name}`, which includes this file in turn: remove one of them"),
                );
                continue;
            }
            // A file that two others include counts once.
            if self.seen.contains(&identity) {
                continue;
            }
            if self.open.len() >= MAX_DEPTH {
                self.report
                    .problem(place, format!("`include` is nested deeper than {MAX_DEPTH} files here: flatten it"));
                continue;
            }
            let index = self.report.files.len();
            if index >= MAX_FILES {
                self.report.problem(place, format!("the configuration has more than {MAX_FILES} files: merge some"));
                continue;
            }
            self.report.files.push(included.clone());
            let text = match read_included(&included) {
                Ok(text) => text,
                Err(error) => {
                    self.report.problem(
                        place,
                        format!("`include` names `{name}`, but {} cannot be read ({error}): the path is relative to the file that includes it", included.display()),
                    );
                    continue;
                }
            };
            let mut tree = parse(&text, Some(&included))?.of_file(index);
            if tree.entries().is_none() {
                self.report.problem(
                    tree.place,
                    format!("an included file must be a mapping of keys to values, not {}", tree.kind()),
                );
                continue;
            }
            self.seen.push(identity.clone());
            self.open.push(identity);
            self.follow(&mut tree, &included)?;
            self.open.pop();
            self.merge(node, tree, &Path::default());
        }
        Ok(())
    }

    /// Takes the names of the files out of the tree.
    fn take(&mut self, node: &mut Node) -> Vec<(String, Place)> {
        let Yaml::Map(entries) = &mut node.yaml else { return Vec::new() };
        let Some(index) = entries.iter().position(|entry| entry.key == KEY) else { return Vec::new() };
        let Entry { node: value, .. } = entries.remove(index);
        let items = match &value.yaml {
            Yaml::Null => &[][..],
            Yaml::List(items) => items,
            _ => std::slice::from_ref(&value),
        };
        let mut names = Vec::new();
        for item in items {
            match item.text() {
                Some(name) => names.push((name.to_owned(), item.place)),
                None => self.report.problem(
                    item.place,
                    format!("`include` must be the path of a file, or a list of such paths, not {}", item.kind()),
                ),
            }
        }
        names
    }

    /// Lists grow, mappings are merged, and of two other values the included one is taken, as
    /// LiteLLM does it.
    fn merge(&mut self, into: &mut Node, from: Node, path: &Path) {
        match (&mut into.yaml, from.yaml) {
            (Yaml::Map(known), Yaml::Map(more)) => {
                for entry in more {
                    match known.iter_mut().find(|other| other.key == entry.key) {
                        Some(other) => self.merge(&mut other.node, entry.node, &path.key(&entry.key)),
                        None => known.push(entry),
                    }
                }
            }
            (Yaml::List(items), Yaml::List(more)) => items.extend(more),
            (_, Yaml::Null) => {}
            (_, yaml) => {
                let included = Node { yaml, ..from };
                if !into.is_null() && into.to_json() != included.to_json() {
                    self.report.warning(
                        included.place,
                        path.keys(),
                        format!("{path} is set in two files: the value of this one is used"),
                    );
                }
                *into = included;
            }
        }
    }
}

/// What tells one file from another, however its path is written.
fn identity(path: &FilePath) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The problems of a chain of files, each of which includes the next.
    fn problems_of_chain(length: usize) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        for index in 0..length {
            let text = if index + 1 < length { format!("include: {}.yaml\n", index + 1) } else { String::new() };
            fs::write(folder.path().join(format!("{index}.yaml")), text).unwrap();
        }
        problems(&folder.path().join("0.yaml"))
    }

    fn problems(path: &FilePath) -> Vec<String> {
        let mut report = Report::default();
        read(path, &mut report).unwrap();
        report.problems.into_iter().map(|problem| problem.message).collect()
    }

    #[test]
    fn a_long_chain_ends_with_a_problem_and_not_the_process() {
        assert_eq!(problems_of_chain(MAX_DEPTH), Vec::<String>::new());
        let problems = problems_of_chain(2000);
        assert!(problems.len() == 1 && problems[0].contains("nested deeper than 16 files"), "{problems:?}");
    }

    #[test]
    fn there_is_a_limit_of_files_and_of_their_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<_> = (0..=MAX_FILES).map(|index| format!("{index}.yaml")).collect();
        for name in &names {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let main = folder.path().join("config.yaml");
        fs::write(&main, format!("include: [{}]\n", names.join(", "))).unwrap();
        let found = problems(&main);
        assert!(found.len() == 2 && found.iter().all(|problem| problem.contains("more than 256 files")), "{found:?}");

        let large = folder.path().join("large.yaml");
        File::create(&large).unwrap().set_len(MAX_BYTES + 1).unwrap();
        fs::write(&main, "include: large.yaml\n").unwrap();
        let found = problems(&main);
        assert!(found.len() == 1 && found[0].contains("larger than"), "{found:?}");
        assert!(matches!(read(&large, &mut Report::default()), Err(ConfigError::Read { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn only_regular_files_are_included() {
        let folder = tempfile::tempdir().unwrap();
        let main = folder.path().join("config.yaml");
        fs::write(&main, "include: [/dev/zero, .]\n").unwrap();
        let found = problems(&main);
        assert!(found.len() == 2 && found.iter().all(|problem| problem.contains("not a regular file")), "{found:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_not_read_a_second_time() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        // Reading it would wait for someone to write.
        assert_eq!(files_of(&pipe), vec![pipe.clone()]);
        assert_eq!(can_be_read_again(&pipe).unwrap_err().to_string(), "it is not a regular file");
    }
}
