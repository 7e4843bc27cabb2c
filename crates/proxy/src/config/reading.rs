//! Reading a configuration as far as it can be understood.
//!
//! Owns the order in which the sections are read and checked, and what was found in all of them.

use std::path::Path as FilePath;

use super::{
    Config, ConfigError, EnvironmentVariables, Problem, Warning, answer_cache, caller_keys, credential_list, discover,
    environment::{self, Environment, Path, Process},
    file::File,
    include,
    model_list::{self, ModelList},
    node::Node,
    parse,
    problem::{self, Report},
    reader, references, section, share_keys,
};

/// What a file says, also if something in it must be fixed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Reading {
    /// What could be read. Values with a problem are missing.
    pub config: Config,
    /// What has no effect or may be a mistake, in the file's order.
    pub warnings: Vec<Warning>,
    /// What must be fixed, in the file's order.
    pub problems: Vec<Problem>,
    /// Whether variables count as values that are right, so that what depends on the machine cannot
    /// be judged.
    pub is_elsewhere: bool,
}

impl Reading {
    /// Reads a text, as [`Config::from_yaml`] does.
    ///
    /// # Errors
    /// [`ConfigError::Yaml`] if the text is not YAML.
    pub fn of_yaml(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut report = Report::default();
        let file = parse(text, None)?;
        include::refuse(&file, &mut report);
        Ok(Self::of_tree(file, Process::Environment(env), report))
    }

    /// Reads a file and those that it includes, as [`Config::from_file`] does.
    ///
    /// # Errors
    /// [`ConfigError::Read`] if the file cannot be read, [`ConfigError::Yaml`] if it is not YAML.
    pub fn of_file(path: impl AsRef<FilePath>, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut report = Report::default();
        let file = include::read(path.as_ref(), &mut report)?;
        Ok(Self::of_tree(file, Process::Environment(env), report))
    }

    /// Reads a file without the environment it is meant for: a value `os.environ/NAME` counts as
    /// right and is missing in the result.
    ///
    /// # Errors
    /// As [`of_file`](Self::of_file).
    pub fn of_file_elsewhere(path: impl AsRef<FilePath>) -> Result<Self, ConfigError> {
        let mut report = Report::default();
        let file = include::read(path.as_ref(), &mut report)?;
        Ok(Self { is_elsewhere: true, ..Self::of_tree(file, Process::Unknown, report) })
    }

    fn of_tree(mut file: Node, process: Process<'_>, mut report: Report) -> Self {
        let own = environment::variables(&file, process, &mut report);
        Environment { own: &own, process }.resolve(&mut file);
        credential_list::apply(&mut file, &mut report);
        share_keys(&mut file, &mut report);

        let _: File = reader::read(&file, &Path::default(), &mut report);
        let own_section = file.value("sagewire_settings");
        let discovers = own_section.and_then(|section| section.value("discover")).filter(|node| !node.is_null());
        let ModelList { deployments, left_out } = model_list::read(&file, discovers.is_some(), &mut report);
        let mut config = Config {
            deployments,
            litellm_settings: section(&file, "litellm_settings", &mut report),
            general_settings: section(&file, "general_settings", &mut report),
            router_settings: section(&file, "router_settings", &mut report),
            sagewire_settings: section(&file, "sagewire_settings", &mut report),
            environment_variables: EnvironmentVariables(own),
            place: report.position(file.place),
        };
        answer_cache::check(&mut config.litellm_settings, file.value("litellm_settings"), &mut report);
        for dropped in references::drop_left_out(&mut config.router_settings, &left_out) {
            report.warning(dropped.place(&file), dropped.path(), dropped.to_string());
        }
        discover::check(config.sagewire_settings.discover.as_ref(), discovers, &mut report);
        let keys = &config.sagewire_settings.keys;
        let node = own_section.and_then(|section| section.value("keys"));
        caller_keys::check(keys, config.general_settings.master_key.as_ref(), node, &mut report);
        caller_keys::check_budgets(&config.general_settings, &config.sagewire_settings, node, &mut report);
        // What keys may use may be found later.
        let keys = if discovers.is_some() { &[][..] } else { &keys[..] };
        references::check(&config.deployments, &config.router_settings, keys, &file, &mut report);
        let Report { mut warnings, mut problems, .. } = report;
        problem::sort_warnings(&mut warnings);
        problem::sort_problems(&mut problems);
        Self { config, warnings, problems, is_elsewhere: false }
    }

    /// Adds what was found after the file was read.
    pub(crate) fn add(&mut self, warnings: Vec<Warning>, problems: Vec<Problem>) {
        let is_elsewhere = self.is_elsewhere;
        self.warnings.extend(warnings.into_iter().filter(|warning| !(is_elsewhere && warning.depends_on_machine)));
        self.problems.extend(problems.into_iter().filter(|problem| !(is_elsewhere && problem.depends_on_machine)));
        problem::sort_warnings(&mut self.warnings);
        problem::sort_problems(&mut self.problems);
    }

    /// The configuration and its warnings.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] with every problem.
    pub fn finish(self) -> Result<(Config, Vec<Warning>), ConfigError> {
        if self.problems.is_empty() {
            Ok((self.config, self.warnings))
        } else {
            Err(ConfigError::Invalid(self.problems))
        }
    }
}
