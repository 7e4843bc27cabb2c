//! The command as a person runs it.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    process::{Child, Command, Output, Stdio},
};

fn sagewire(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sagewire"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn run_with_input(arguments: &[&str], input: &str) -> Output {
    let mut child = sagewire(arguments).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// A server started by the command, ended when dropped.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        let mut child = sagewire(arguments).spawn().unwrap();
        let mut first_line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first_line).unwrap();
        Self { child, url: first_line.trim().to_owned() }
    }

    #[cfg(unix)]
    fn interrupt(mut self) -> std::process::ExitStatus {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
        self.child.wait().unwrap()
    }

    fn post(&self, path: &str, body: &str) -> String {
        let address = self.url.strip_prefix("http://").unwrap();
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_demo_shows_three_verified_calls_and_ends() {
    let output = sagewire(&["demo", "--once"]).output().unwrap();
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{shown}{}", text(&output.stderr));
    assert_eq!(shown.matches("(verified)").count(), 3, "{shown}");
    for part in [
        "/endpoints/tgi/invocations",
        "/endpoints/messages/invocations-response-stream",
        "/endpoints/embedding/invocations",
        "All 3 requests",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains("wJalrXUtnFEMI"), "{shown}");
}

#[cfg(unix)]
#[test]
fn the_emulator_prints_its_url_first_and_ends_when_interrupted() {
    let server = Server::start(&["emulate", "--port", "0"]);
    assert!(server.url.starts_with("http://127.0.0.1:"), "{}", server.url);
    let answer = server.post("/endpoints/tgi/invocations", "{}");
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("MissingAuthenticationToken"), "{answer}");
    assert!(server.interrupt().success());
}

#[cfg(unix)]
#[test]
fn the_emulator_takes_its_limits_and_faults_from_flags() {
    let server = Server::start(&["emulate", "--max-body-bytes", "10", "--fault", "throttling", "--log", "bodies"]);
    let answer = server.post("/endpoints/tgi/invocations", "{\"inputs\": \"too long\"}");
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(server.interrupt().success());
}

#[cfg(unix)]
#[test]
fn the_proxy_serves_the_demo_models_and_drains_when_interrupted() {
    let server = Server::start(&["serve", "--demo", "--port", "0"]);
    let body = r#"{"model": "messages", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 8}"#;
    let answer = server.post("/v1/chat/completions", body);
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(r#""model":"messages""#), "{answer}");
    assert!(server.interrupt().success());
}

#[test]
fn a_taken_port_is_a_clear_failure() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for arguments in [["emulate", "--port", &port].as_slice(), &["serve", "--demo", "--port", &port]] {
        let output = sagewire(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(
            text(&output.stderr).starts_with("error: ")
                && text(&output.stderr).contains(&port)
                && text(&output.stderr).contains("another port with `--port`"),
            "{}",
            text(&output.stderr)
        );
    }
}

#[test]
fn a_configuration_is_checked_without_a_call() {
    let folder = tempfile::tempdir().unwrap();
    let good = folder.path().join("good.yaml");
    std::fs::write(&good, "model_list:\n  - model_name: m\n    litellm_params:\n      model: sagemaker/my-endpoint\n      aws_region_name: us-east-1\n").unwrap();
    let output = sagewire(&["check", "--config", good.to_str().unwrap()]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("m -> sagemaker/my-endpoint"), "{}", text(&output.stdout));

    let bad = folder.path().join("bad.yaml");
    std::fs::write(&bad, "model_lst: []\n").unwrap();
    let output = sagewire(&["check", "--config", bad.to_str().unwrap()]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("model_list"), "{}", text(&output.stderr));
}

#[test]
fn a_check_names_every_problem_with_file_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yaml");
    let yaml = "model_list:
  - {model_name: a, litellm_params: {model: sagemaker/my_endpoint, aws_region_name: us-east-1}}
  - {model_name: b, litellm_params: {model: sagemaker/b, aws_secret_access_key: os.environ/VARIABLE_THAT_IS_NOT_SET, aws_access_key_id: a}}
  - {model_name: c, litellm_params: {model: sagemaker/c, aws_role_name: os.environ/VARIABLE_THAT_IS_NOT_SET, aws_web_identity_token: a}}
";
    std::fs::write(&file, yaml).unwrap();
    let path = file.to_str().unwrap();
    // A variable first: what it stands for may be wrong, too.
    let output = sagewire(&["check", "--config", path]).output().unwrap();
    let said = text(&output.stderr);
    assert!(said.contains(&format!("{path}:3:81: ")) && said.contains("VARIABLE_THAT_IS_NOT_SET"), "{said}");
    let output = sagewire(&["check", "--config", path, "--no-env"]).output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains(&format!("{path}:2:45: ")) && said.contains("`my_endpoint`"), "{said}");
    assert!(!said.contains("VARIABLE_THAT_IS_NOT_SET"), "{said}");

    std::fs::write(&file, yaml.replace("my_endpoint", "my-endpoint")).unwrap();
    let output = sagewire(&["check", "--config", path, "--no-env"]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
}

/// What a command says of a file: its exit code, standard output and standard error.
fn of_file(command: &str, yaml: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yaml");
    std::fs::write(&file, yaml).unwrap();
    let all = [&[command, "--config", file.to_str().unwrap()], arguments].concat();
    let output = sagewire(&all).env("HOME", folder.path()).env_remove("AWS_CONFIG_FILE").output().unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn every_kind_of_problem_is_named_at_once() {
    let yaml = "model_list:
  - {model_name: a, litellm_params: {model: sagemaker_chat/my_endpoint, aws_region_name: us-east-1}}
  - {model_name: b, litellm_params: {model: sagemaker/b, chat_template: ./missing.jinja, aws_region_name: us-east-1}}
  - {model_name: c, litellm_params: {model: sagemaker_chat/c, aws_profile_name: a-profile-that-is-not-there}}
  - {model_name: d, litellm_params: {model: sagemaker_chat/d, aws_region_name: no region}}
  - {model_name: e, litellm_params: {model: sagemaker_chat/e, rpm: many, aws_region_name: us-east-1}}
sagewire_settings: {keys: [{name: k, key: sk-k, models: [nothing]}]}
";
    let everywhere = ["2:45: ", "5:80: ", "6:68: ", "7:58: "];
    let here = ["3:73: ", "4:81: "];
    for (command, arguments) in [("check", vec![]), ("serve", vec!["--port", "0"]), ("check", vec!["--no-env"])] {
        let (code, _, said) = of_file(command, yaml, &arguments);
        assert_eq!(code, Some(2), "{said}");
        let places: Vec<_> =
            said.lines().filter_map(|line| line.split_once("config.yaml:")).map(|(_, rest)| rest).collect();
        let is_named =
            |place: &&str| places.iter().any(|line| line.starts_with(*place) && !line.contains("has no region"));
        assert!(everywhere.iter().all(is_named), "{command} {arguments:?}: {said}");
        // Files of the machine say nothing about another.
        assert_eq!(here.iter().all(is_named), !arguments.contains(&"--no-env"), "{command} {arguments:?}: {said}");
    }
}

#[test]
fn a_deployment_that_is_left_out_is_neither_listed_nor_served() {
    let yaml = "model_list:
  - {model_name: good, litellm_params: {model: sagemaker_chat/good, aws_region_name: us-east-1}}
  - {model_name: bad, litellm_params: {model: sagemaker_chat/my_bad, aws_region_name: us-east-1}}
router_settings: {ignore_invalid_deployments: true, fallbacks: [{good: [bad]}]}
";
    let (code, out, said) = of_file("check", yaml, &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(out.contains("models: good\n") && !out.contains("bad"), "{out}");
    assert!(said.contains("3:47: the deployment `bad` is left out: invalid endpoint name"), "{said}");
    assert!(said.contains("`fallbacks` names `bad`, which is left out"), "{said}");
}

#[test]
fn a_check_without_the_environment_warns_of_what_the_file_alone_decides() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yaml");
    let yaml = "model_list:
  - {model_name: a, litellm_params: {model: sagemaker/my-endpoint}}
  - {model_name: b, litellm_params: {model: sagemaker/b, hf_model_name: nobody/knows-this}}
general_settings: {database_url: os.environ/VARIABLE_THAT_IS_NOT_SET}
";
    std::fs::write(&file, yaml).unwrap();
    let path = file.to_str().unwrap();
    let warnings = |arguments: &[&str]| {
        let mut command = sagewire(&[&["check", "--config", path], arguments].concat());
        for name in ["AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CONFIG_FILE", "AWS_PROFILE", "HF_HOME", "HF_HUB_CACHE"] {
            command.env_remove(name);
        }
        let output = command.env("HOME", folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stderr)
    };
    let of_the_machine = [" has no region here", "`nobody/knows-this`"];
    let of_the_file = ["the model of the endpoint `my-endpoint` is not known", "`general_settings.database_url`"];
    let (here, elsewhere) = (warnings(&[]), warnings(&["--no-env"]));
    for warning in of_the_file {
        assert!(here.contains(warning) && elsewhere.contains(warning), "{warning} {here} {elsewhere}");
    }
    for warning in of_the_machine {
        assert!(here.contains(warning) && !elsewhere.contains(warning), "{warning} {here} {elsewhere}");
    }
}

#[test]
fn a_prompt_is_printed_to_the_byte() {
    let output = run_with_input(&["template", "render", "--model", "meta-llama/Llama-3.1-8B-Instruct"], "Hello!\n");
    let prompt = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(
        prompt.starts_with("<|begin_of_text|>")
            && prompt.ends_with("<|start_header_id|>assistant<|end_header_id|>\n\n"),
        "{prompt}"
    );

    let conversation = r#"{"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}]}"#;
    let output = run_with_input(&["template", "render", "--model", "chatml", "--json"], conversation);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        json["prompt"],
        "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU<|im_end|>\n<|im_start|>assistant\n"
    );

    let output = run_with_input(&["template", "render", "--model", "nobody/knows-this"], "x");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("template list"), "{}", text(&output.stderr));
}

#[cfg(unix)]
#[test]
fn a_running_proxy_is_ready_and_one_that_has_ended_is_not() {
    let server = Server::start(&["serve", "--demo", "--port", "0"]);
    let url = server.url.clone();
    // The question goes straight there, whatever proxy the environment names.
    let output = sagewire(&["health", &url]).env("http_proxy", "http://127.0.0.1:9").output().unwrap();
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(0), "ready\n"), "{}", text(&output.stderr));
    let output = sagewire(&["health", &format!("{url}/nowhere")]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("not ready: HTTP 404"), "{}", text(&output.stderr));
    assert!(server.interrupt().success());
    let output = sagewire(&["health", &url]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let complaint = text(&output.stderr);
    assert!(
        complaint.contains(&format!("error: {url}/health/readiness: ")) && complaint.contains("hint:"),
        "{complaint}"
    );
}

#[test]
fn what_is_no_url_of_a_proxy_is_not_asked() {
    for wrong in ["127.0.0.1:4000", "localhost:4000", "ftp://127.0.0.1"] {
        let output = sagewire(&["health", wrong]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{wrong}");
        assert!(text(&output.stderr).contains("http://host:port"), "{}", text(&output.stderr));
    }
}

#[test]
fn a_proxy_with_tls_is_asked_with_its_own_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let certificate = file("cert.pem", &made.cert.pem());
    let key = file("key.pem", &made.signing_key.serialize_pem());
    let config = file(
        "config.yaml",
        &format!(
            "model_list:\n  - model_name: m\n    litellm_params:\n      model: sagemaker/e\n      aws_region_name: us-east-1\n\
             sagewire_settings:\n  tls:\n    certificate_file: {certificate}\n    private_key_file: {key}\n"
        ),
    );
    let server = Server::start(&["serve", "--config", &config, "--port", "0"]);
    assert!(server.url.starts_with("https://"), "{}", server.url);
    let port = server.url.rsplit(':').next().unwrap();
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("https://{host}:{port}");
        let output = sagewire(&["health", &url, "--ca-bundle", &certificate]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{host}: {}", text(&output.stderr));
    }
    let output = sagewire(&["health", &format!("https://localhost:{port}")]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "nobody vouches for the certificate");
}

/// A configuration of one model behind this address.
fn config_of(folder: &std::path::Path, address: std::net::SocketAddr, more: &str) -> String {
    let path = folder.join("config.yaml");
    let yaml = format!(
        "model_list:\n  - model_name: m\n    litellm_params:\n      model: sagemaker_chat/e\n      sagemaker_base_url: http://{address}\n      \
         aws_region_name: us-east-1\n      aws_access_key_id: a\n      aws_secret_access_key: b\n{more}"
    );
    std::fs::write(&path, yaml).unwrap();
    path.to_str().unwrap().to_owned()
}

#[cfg(unix)]
#[test]
fn a_second_ctrl_c_ends_the_proxy_at_once() {
    // An endpoint that takes the call and never answers it.
    let endpoint = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = config_of(folder.path(), endpoint.local_addr().unwrap(), "");
    let mut child = sagewire(&["serve", "--config", &config, "--host", "localhost", "--port", "0"]).spawn().unwrap();
    let mut shown = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let url = shown.next().unwrap();
    let introduction: Vec<_> = shown.by_ref().take_while(|line| !line.contains("curl ")).collect();
    assert!(introduction.iter().any(|line| line.contains(&format!("{url}/v1"))), "{introduction:?}");

    let address = url.strip_prefix("http://").unwrap();
    let mut caller = std::net::TcpStream::connect(address).unwrap();
    let body = r#"{"model": "m", "messages": [{"role": "user", "content": "hi"}]}"#;
    let length = body.len();
    write!(
        caller,
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let _call = endpoint.accept().unwrap();
    let interrupt = |child: &Child| {
        let id = rustix::process::Pid::from_child(child);
        rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    };
    interrupt(&child);
    assert!(shown.any(|line| line.contains("Ctrl-C ends at once")));
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn json_logs_are_all_that_standard_error_holds() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    // `alerting` has no effect here, which is a warning.
    let more = "litellm_settings: {json_logs: true}\ngeneral_settings: {alerting: [slack]}\n";
    let config = config_of(folder.path(), taken.local_addr().unwrap(), more);
    let port = taken.local_addr().unwrap().port().to_string();
    let output = sagewire(&["serve", "--config", &config, "--port", &port]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let lines: Vec<serde_json::Value> =
        text(&output.stderr).lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let has = |level: &str, part: &str| {
        lines
            .iter()
            .any(|line| line["level"] == level && line["message"].as_str().is_some_and(|text| text.contains(part)))
    };
    assert!(has("WARN", "alerting") && has("ERROR", &port), "{lines:#?}");
}

#[test]
fn models_are_served_without_a_file() {
    let mut child = sagewire(&["serve", "--model", "sagemaker/my-endpoint", "--port", "0"])
        .env("AWS_REGION", "us-east-1")
        .spawn()
        .unwrap();
    let shown = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let shown: Vec<_> = shown.take(6).collect();
    let _ = child.kill();
    let _ = child.wait();
    assert!(shown.iter().any(|line| line == "models: sagemaker/my-endpoint"), "{shown:?}");
    let output = sagewire(&["serve", "--port", "0"]).output().unwrap();
    assert!(output.status.code() == Some(2) && text(&output.stderr).contains("--model"), "{}", text(&output.stderr));
}
