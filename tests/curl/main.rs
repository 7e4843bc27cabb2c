//! The commands that `verbose` shows, replayed by curl: the emulator accepts their signatures and
//! answers as it answered the call.
//!
//! `SAGEWIRE_CURL` names a curl with the option `--aws-sigv4`. Without it, the test is ignored.

use std::{
    path::Path,
    process::{Command, ExitCode, Stdio},
};

use libtest_mimic::{Arguments, Failed};
use sagewire::{CallContext, ChatRequest, EmbedRequest, Message, Provider, Settings};
use sagewire_emulator::{EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY};
use sagewire_tests::{
    endpoint::{sagemaker, start},
    logs::Logs,
};

fn main() -> ExitCode {
    let curl = sagewire_test_programs::curl();
    let trial = curl.trial("curl::each_command_is_accepted_and_answered_alike", |curl| replay(curl));
    libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit_code()
}

fn replay(curl: &Path) -> Result<(), Failed> {
    let logs = Logs::capture();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let emulator = start().await;
        let mut settings = Settings::default();
        settings.verbose = Some(true);
        settings.headers.inference_component = Some("component-1".to_owned());
        let context = CallContext::new().with(settings);
        let sagemaker = sagemaker(&emulator);
        // What a shell and curl could stumble over: quotes, variables, line ends, and a body that looks
        // like a file's name.
        let awkward = "it's $HOME `date` \"quoted\" \\ @file é😀\nnew line %7E";
        let chat = || ChatRequest::new("sagemaker/tgi", [Message::user(awkward)]).with_max_tokens(20);
        sagemaker.chat(chat(), &context).await?;
        drop(sagemaker.chat_stream(chat(), &context).await?);
        sagemaker.embed(EmbedRequest::new("sagemaker/embedding", [awkward]), &context).await?;

        let commands = commands(&logs.text());
        expect(commands.len() == 3, &commands)?;
        let calls = emulator.received();
        for (command, call) in commands.iter().zip(calls) {
            emulator.clear_received();
            let mut shell = tokio::task::spawn_blocking({
                // The name in the command means the curl that was prepared.
                let curl = curl.to_owned();
                let command = format!(
                    "curl() {{ \"$CURL\" \"$@\"; }}\n{command} --silent --fail --max-time 20 --output /dev/null"
                );
                move || {
                    Command::new("sh")
                        .args(["-c", &command])
                        .env("CURL", curl)
                        .env("AWS_ACCESS_KEY_ID", EXAMPLE_ACCESS_KEY_ID)
                        .env("AWS_SECRET_ACCESS_KEY", EXAMPLE_SECRET_ACCESS_KEY)
                        .stdin(Stdio::null())
                        .status()
                }
            });
            let status = (&mut shell).await??;
            let again = emulator.received();
            let [again] = again.as_slice() else { return Err(format!("{} requests came", again.len()).into()) };
            expect(status.success() && again.accepted, &(command, &again.refused))?;
            expect(again.body == call.body && again.path == call.path, &(&again.body, &call.body))?;
            for name in ["content-type", "x-amzn-sagemaker-inference-component"] {
                expect(again.header(name) == call.header(name), &again.headers)?;
            }
        }
        Ok(())
    })
}

/// The commands among the logs. A body may hold a line end, but only as `\n`: JSON writes it so.
fn commands(logs: &str) -> Vec<String> {
    let lines = logs.lines().filter(|line| line.contains("sagewire::wire"));
    lines.filter_map(|line| Some(line.get(line.find("curl -X ")?..)?.to_owned())).collect()
}

fn expect(holds: bool, found: &dyn std::fmt::Debug) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(format!("{found:?}").into()) }
}
