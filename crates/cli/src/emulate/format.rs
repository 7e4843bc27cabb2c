//! The formats of the variables that point AWS clients at the emulator.

use clap::ValueEnum;
use sagewire_emulator::Emulator;

/// The format of the variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Commands for a shell
    Env,
    /// A JSON object
    Json,
    /// Lines for a `.env` file
    Dotenv,
}

impl Format {
    /// The variables for `emulator`, without a line break at the end.
    pub(super) fn text(self, emulator: &Emulator) -> String {
        match self {
            Self::Env => emulator.exports().trim_end().to_owned(),
            Self::Json => {
                let variables = emulator.variables().map(|(name, value)| (name.to_owned(), value.into()));
                format!("{:#}", serde_json::Value::Object(variables.into_iter().collect()))
            }
            Self::Dotenv => emulator.variables().map(|(name, value)| format!("{name}={value}")).join("\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_format_has_every_variable() {
        let emulator = Emulator::start().await.unwrap();
        let env = Format::Env.text(&emulator);
        assert!(env.lines().all(|line| line.starts_with("export AWS_")), "{env}");
        let dotenv = Format::Dotenv.text(&emulator);
        assert!(dotenv.lines().any(|line| line == "AWS_DEFAULT_REGION=us-east-1"), "{dotenv}");
        let json: serde_json::Value = serde_json::from_str(&Format::Json.text(&emulator)).unwrap();
        assert_eq!(json["AWS_ENDPOINT_URL_STS"], emulator.url());
        assert_eq!((json.as_object().unwrap().len(), env.lines().count()), (7, dotenv.lines().count()));
    }
}
