//! A compiled template: parsed, rewritten, turned into the engine's instructions, and run.

use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use minijinja::machinery::{self, CodeGenerator, Instruction, Instructions, ast};
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment};

use super::globals::StrftimeNow;
use super::lower::lower;
use super::source::{self, Refused};
use super::{context, environment};
use crate::error::TemplateError;
use crate::limits::{KeepGoing, Limit, Limits};
use crate::python::budget::Carrier;
use crate::python::strftime::Civil;

/// What the instructions borrow from.
struct Owner {
    text: String,
    env: Environment<'static>,
}

struct Code<'a> {
    instructions: Instructions<'a>,
    blocks: BTreeMap<&'a str, Instructions<'a>>,
    size_hint: usize,
}

self_cell::self_cell! {
    /// The instructions together with the text they point into.
    struct Compiled {
        owner: Owner,
        #[covariant]
        dependent: Code,
    }
}

/// A template, ready to run any number of times.
pub(crate) struct Program {
    compiled: Compiled,
    output_bytes: usize,
    clock: bool,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").field("bytes", &self.text().len()).finish_non_exhaustive()
    }
}

impl Program {
    /// Compiles a template.
    pub(crate) fn compile(source: &str, limits: &Limits) -> Result<Self, TemplateError> {
        if source.len() > limits.source_bytes {
            return Err(TemplateError::limit(Limit::SourceBytes, limits.source_bytes));
        }
        let prepared = source::prepare(source).map_err(refused)?;
        let owner = Owner { text: prepared.text, env: environment::with_limits(limits) };
        let markup = prepared.markup;
        let compiled = Compiled::try_new(owner, |owner| generate(&owner.text, markup))?;
        Ok(Self { compiled, output_bytes: limits.output_bytes, clock: prepared.clock })
    }

    /// The text that was compiled.
    pub(crate) fn text(&self) -> &str {
        &self.compiled.borrow_owner().text
    }

    /// Whether the template reads a variable of this name, which may be one that it sets itself.
    pub(crate) fn reads(&self, variable: &str) -> bool {
        self.compiled.with_dependent(|_, code| {
            let all = std::iter::once(&code.instructions).chain(code.blocks.values());
            let instructions = all.flat_map(|one| (0..).map_while(|place| one.get(place)));
            instructions.into_iter().any(|one| matches!(one, Instruction::Lookup(name) if *name == variable))
        })
    }

    /// Runs the template. The clock is read only if the template asks for the time.
    pub(crate) fn run(
        &self,
        mut variables: context::Variables,
        clock: &dyn Fn() -> SystemTime,
        keep_going: &KeepGoing,
    ) -> Result<String, TemplateError> {
        variables.put_first(Carrier::VARIABLE, Carrier::value(self.output_bytes, keep_going.clone()));
        if self.clock {
            variables.push_default("strftime_now", || Value::from_object(StrftimeNow(Civil::new(clock()))));
        }
        let root = Value::from_object(variables);
        let out = self.compiled.with_dependent(|owner, code| {
            let mut text = String::with_capacity(code.size_hint);
            let mut out = machinery::make_string_output(&mut text);
            machinery::eval(&owner.env, &code.instructions, root, &code.blocks, &mut out, AutoEscape::None)?;
            drop(out);
            Ok(text)
        });
        let text = out.map_err(|error| TemplateError::from_engine(&error))?;
        if text.len() > self.output_bytes {
            return Err(TemplateError::limit(Limit::OutputBytes, self.output_bytes));
        }
        Ok(text)
    }
}

fn refused(refused: Refused) -> TemplateError {
    match refused {
        Refused::Syntax(error) => TemplateError::syntax_from_engine(error),
        Refused::Malformed { detail, line } => TemplateError::syntax(detail, line),
        Refused::TooComplex { detail, bound } => TemplateError::limit(Limit::Complexity(detail), bound),
    }
}

fn generate(text: &str, markup: bool) -> Result<Code<'_>, TemplateError> {
    let syntax = source::syntax().map_err(TemplateError::syntax_from_engine)?;
    let parsed: ast::Stmt<'_> =
        machinery::parse(text, "chat_template", syntax).map_err(TemplateError::syntax_from_engine)?;
    let lowered = lower(&parsed, markup).map_err(|invalid| TemplateError::syntax(invalid.detail, invalid.line))?;
    let mut generator = CodeGenerator::new("chat_template", text);
    generator.compile_stmt(&lowered);
    let size_hint = generator.buffer_size_hint().clamp(256, 1 << 16);
    let (instructions, blocks) = generator.finish();
    Ok(Code { instructions, blocks, size_hint })
}
