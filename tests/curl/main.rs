//! The commands that `verbose` shows, replayed by curl: the emulator accepts their signatures and answers as it answered the call.
//!
//! Needs `curl` with `--aws-sigv4`, and a shell. Where they are not there, the case is reported as ignored.

use std::process::{Command, ExitCode, Stdio};

use libtest_mimic::{Arguments, Failed, Trial};
use sagewire::{CallContext, ChatRequest, EmbedRequest, Message, Provider, Settings};
use sagewire_emulator::{EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY};
use sagewire_tests::{
    endpoint::{sagemaker, start},
    logs::Logs,
};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trial = Trial::test("curl::each_command_is_accepted_and_answered_alike", replay);
    libtest_mimic::run(&arguments, vec![trial.with_ignored_flag(!is_there())]).exit_code()
}

fn is_there() -> bool {
    let mut help = Command::new("curl");
    let help = help.args(["--help", "all"]).stderr(Stdio::null()).output();
    help.is_ok_and(|help| String::from_utf8_lossy(&help.stdout).contains("--aws-sigv4"))
}

fn replay() -> Result<(), Failed> {
    let logs = Logs::capture();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let emulator = start().await;
        let mut settings = Settings::default();
        settings.verbose = Some(true);
        settings.headers.inference_component = Some("component-1".to_owned());
        let context = CallContext::new().with(settings);
        let sagemaker = sagemaker(&emulator);
        // What a shell and curl could stumble over: quotes, variables, line ends, and a body that looks like a file's name.
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
                let command = format!("{command} --silent --fail --max-time 20 --output /dev/null");
                move || {
                    Command::new("sh")
                        .args(["-c", &command])
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
