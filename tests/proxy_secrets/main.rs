//! Nothing secret leaves the proxy: every secret of a whole deployment is a known string, and every output is searched for each of them,
//! plain, in base64, in hex and percent-encoded.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::{Arc, Mutex},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use sagewire::credentials::seam::{MapEnv, World};
use sagewire_emulator::{ContainerCredentials, Emulator, Operation, Role, Scripted};
use sagewire_proxy::{Config, Server, ServerOptions, Wiring};
use sagewire_tests::{canary::found_in, logs::Logs};
use serde_json::json;
use tokio::net::TcpStream;

const ROLE: &str = "arn:aws:iam::123456789012:role/app";
const STATIC_SECRET: &str = "canary/static-secret+0001/abcdefghij";
const STATIC_TOKEN: &str = "canary-static-session-token-0002";
const PROCESS_SECRET: &str = "canary/process-secret+0003/abcdefghij";
const PROCESS_TOKEN: &str = "canary-process-session-token-0004";
const MASTER_KEY: &str = "sk-canary-master-key-0005";
const CALLER_KEY: &str = "sk-canary-caller-key-0006";
const WRONG_KEY: &str = "sk-canary-wrong-key-0007";
const HUB_TOKEN: &str = "hf_canaryhubtoken0008";
const CONTAINER_TOKEN: &str = "canary-container-authorization-0009";
/// In the payload of a web identity token, which is in base64 itself: the token as a whole is searched for too.
const SUBJECT: &str = "canary-web-identity-subject-0010";

const SECRETS: [&str; 10] = [
    STATIC_SECRET,
    STATIC_TOKEN,
    PROCESS_SECRET,
    PROCESS_TOKEN,
    MASTER_KEY,
    CALLER_KEY,
    WRONG_KEY,
    HUB_TOKEN,
    CONTAINER_TOKEN,
    SUBJECT,
];

/// Every output of the deployment, with its name.
type Outputs = Vec<(String, Vec<u8>)>;

/// Fails where an output holds a secret, but for those that `own` allows it.
fn search(outputs: &Outputs, secrets: &[&'static str]) -> Result<(), String> {
    for (place, bytes) in outputs {
        for (line, text) in bytes.split(|byte| *byte == b'\n').enumerate() {
            if let Some((secret, form)) = found_in(text, secrets) {
                return Err(format!(
                    "{place}, line {}: `{secret}` ({form}): {}",
                    line + 1,
                    String::from_utf8_lossy(text)
                ));
            }
        }
    }
    Ok(())
}

#[test]
fn the_search_finds_a_secret_in_any_form() {
    let hex: String = MASTER_KEY.bytes().map(|byte| format!("{byte:02x}")).collect();
    let forms =
        [MASTER_KEY.to_owned(), hex, MASTER_KEY.replace('-', "%2D"), URL_SAFE_NO_PAD.encode(format!("x{MASTER_KEY}y"))];
    for form in forms {
        let outputs = vec![("a log".to_owned(), format!("first line\n{{\"key\": \"{form}\"}}\n").into_bytes())];
        assert!(search(&outputs, &SECRETS).unwrap_err().contains("a log, line 2"), "{form}");
    }
    assert_eq!(search(&vec![("a log".to_owned(), MASTER_KEY.as_bytes()[1..].to_vec())], &SECRETS), Ok(()));
}

fn config(url: &str, token: &Path) -> String {
    let token = token.display();
    format!(
        "
model_list:
  - model_name: static
    litellm_params: {{model: sagemaker/tgi, aws_access_key_id: ASIASTATIC, aws_secret_access_key: '{STATIC_SECRET}', aws_session_token: '{STATIC_TOKEN}', aws_region_name: us-east-1}}
  - model_name: process
    litellm_params: {{model: sagemaker_chat/messages, aws_profile_name: process, aws_region_name: us-east-1}}
  - model_name: role
    litellm_params: {{model: sagemaker/tgi, aws_role_name: '{ROLE}', aws_web_identity_token: oidc/file/{token}, aws_sts_endpoint: '{url}', aws_region_name: us-east-1}}
  - model_name: container
    litellm_params: {{model: sagemaker/embedding, aws_region_name: us-east-1}}
    model_info: {{mode: embedding}}
  - model_name: hub
    litellm_params: {{model: sagemaker/tgi, hf_model_name: some/gated-model, hub_access: true, aws_access_key_id: ASIASTATIC, aws_secret_access_key: '{STATIC_SECRET}', aws_session_token: '{STATIC_TOKEN}x', aws_region_name: us-east-1}}
general_settings: {{master_key: {MASTER_KEY}}}
sagewire_settings:
  keys: [{{name: team, key: {CALLER_KEY}}}]
"
    )
}

async fn send(
    address: std::net::SocketAddr,
    method: Method,
    path: &str,
    key: &str,
    body: &str,
    outputs: &mut Outputs,
) -> u16 {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "proxy")
        .header("authorization", format!("Bearer {key}"))
        .body(Full::new(Bytes::from(body.to_owned())))
        .unwrap();
    let (head, body) = sender.send_request(request).await.unwrap().into_parts();
    outputs.push((format!("headers of {path}"), format!("{:?}", head.headers).into_bytes()));
    outputs.push((format!("answer of {path}"), body.collect().await.unwrap().to_bytes().to_vec()));
    head.status.as_u16()
}

// One test: the logs and panics are the process's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_the_proxy_puts_out_holds_a_secret() {
    let logs = Logs::capture();
    let panics = Arc::new(Mutex::new(Vec::new()));
    let (hooked, before) = (Arc::clone(&panics), std::panic::take_hook());
    std::panic::set_hook(Box::new(move |panic| {
        hooked.lock().unwrap().extend_from_slice(format!("{panic}\n").as_bytes());
        before(panic);
    }));

    let emulator = Emulator::builder()
        .session("ASIASTATIC", STATIC_SECRET, STATIC_TOKEN)
        .session("ASIAPROCESS", PROCESS_SECRET, PROCESS_TOKEN)
        .role(Role::new(ROLE))
        .container_credentials(ContainerCredentials::new())
        .start()
        .await
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let part = |json: serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let token: &'static str = Box::leak(
        format!(
            "{}.{}.c2lnbmF0dXJl",
            part(json!({"alg": "RS256"})),
            part(json!({"sub": SUBJECT, "iss": "https://issuer.example", "aud": "sts.amazonaws.com", "exp": 4_000_000_000_u64}))
        )
        .into_boxed_str(),
    );
    fs::write(path("token"), token).unwrap();
    // The program leaves its own command line, as anyone on the machine could read it.
    let program = format!(
        "#!/bin/sh\ntr '\\0' ' ' < /proc/$$/cmdline > {0}\ntr '\\0' ' ' < /proc/$PPID/cmdline >> {0}\ncat {1}\n",
        path("cmdline").display(),
        path("process.json").display()
    );
    let printed = json!({"Version": 1, "AccessKeyId": "ASIAPROCESS", "SecretAccessKey": PROCESS_SECRET, "SessionToken": PROCESS_TOKEN});
    fs::write(path("process.json"), printed.to_string()).unwrap();
    fs::write(path("program"), program).unwrap();
    fs::set_permissions(path("program"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(path("config"), format!("[profile process]\ncredential_process = {}\n", path("program").display()))
        .unwrap();
    let env = MapEnv::from([
        ("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", emulator.url()),
        ("AWS_CONFIG_FILE", path("config").display().to_string()),
        ("AWS_SHARED_CREDENTIALS_FILE", path("none").display().to_string()),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", emulator.container_credentials_url()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", CONTAINER_TOKEN.to_owned()),
        ("HF_TOKEN", HUB_TOKEN.to_owned()),
        ("HF_ENDPOINT", "http://127.0.0.1:9".to_owned()),
        ("PATH", "/usr/bin:/bin".to_owned()),
    ]);
    let world = World::system().to_builder().with_env(env).build();
    let yaml = config(&emulator.url(), &path("token"));
    let (parsed, _) = Config::from_yaml(&yaml, &|name| world.var(name)).unwrap();
    let wiring = Wiring::new(world);
    let app = wiring.app(&parsed, None).unwrap();
    let mut outputs: Outputs = vec![
        ("Config".to_owned(), format!("{parsed:?}\n{parsed:#?}").into_bytes()),
        ("App".to_owned(), format!("{app:?}\n{app:#?}").into_bytes()),
        ("Wiring".to_owned(), format!("{wiring:?}\n{wiring:#?}").into_bytes()),
    ];
    for broken in [yaml.replace("general_settings:", "general_settings: ["), yaml.replace("master_key:", "master_kee:")]
    {
        if let Err(error) = Config::from_yaml(&broken, &|_| None) {
            outputs.push(("a configuration's error".to_owned(), format!("{error}\n{error:?}").into_bytes()));
        }
    }
    let server = Server::bind(([127, 0, 0, 1], 0).into(), app, ServerOptions::default()).await.unwrap();
    let address = server.local_addr();
    tokio::spawn(server.serve(std::future::pending()));

    let chat = |model: &str, stream: bool| {
        json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": "Hello"}]}).to_string()
    };
    let chats = "/v1/chat/completions";
    for model in ["static", "process", "role"] {
        for (key, stream) in [(MASTER_KEY, false), (CALLER_KEY, true)] {
            assert_eq!(
                send(address, Method::POST, chats, key, &chat(model, stream), &mut outputs).await,
                200,
                "{model}: {}",
                String::from_utf8_lossy(&outputs.last().unwrap().1)
            );
        }
    }
    let embed = json!({"model": "container", "input": ["a"]}).to_string();
    assert_eq!(
        send(address, Method::POST, "/v1/embeddings", MASTER_KEY, &embed, &mut outputs).await,
        200,
        "{}",
        String::from_utf8_lossy(&outputs.last().unwrap().1)
    );
    // What fails: a wrong key, a wrong session token and a Hub that is not there, expired sessions, a body that is no JSON, broken answers.
    assert_eq!(send(address, Method::POST, chats, WRONG_KEY, &chat("static", false), &mut outputs).await, 401);
    assert_ne!(send(address, Method::POST, chats, MASTER_KEY, &chat("hub", false), &mut outputs).await, 200);
    emulator.expire_sessions();
    assert_ne!(send(address, Method::POST, chats, MASTER_KEY, &chat("static", true), &mut outputs).await, 200);
    assert_eq!(send(address, Method::POST, chats, MASTER_KEY, &chat("role", false), &mut outputs).await, 200);
    assert_eq!(send(address, Method::POST, chats, MASTER_KEY, "{no json", &mut outputs).await, 400);
    emulator.enqueue_for(Operation::InvokeEndpoint, Scripted::ok("no json"));
    assert_ne!(send(address, Method::POST, chats, MASTER_KEY, &chat("role", false), &mut outputs).await, 200);
    for page in ["/metrics", "/health", "/models", "/model/info", "/openapi.json"] {
        assert_eq!(send(address, Method::GET, page, MASTER_KEY, "", &mut outputs).await, 200, "{page}");
    }

    for request in emulator.received() {
        if request.operation == Operation::InvokeEndpoint
            || request.operation == Operation::InvokeEndpointWithResponseStream
        {
            outputs.push(("a container's body".to_owned(), request.body.to_vec()));
        }
        outputs
            .push(("a URL".to_owned(), format!("{}?{}", request.path, request.query.unwrap_or_default()).into_bytes()));
        outputs.push(("Received".to_owned(), request.method.into_bytes()));
    }
    let cmdline = fs::read(path("cmdline")).unwrap();
    assert!(String::from_utf8_lossy(&cmdline).contains("program"), "the credential_process did not run");
    outputs.push(("the command line of credential_process".to_owned(), cmdline));
    outputs.push(("panics".to_owned(), panics.lock().unwrap().clone()));
    let text = logs.text();
    assert!(text.contains("sagewire::"), "nothing was logged");
    outputs.push(("the logs".to_owned(), text.into_bytes()));

    let secrets: Vec<&'static str> = SECRETS.into_iter().chain([token]).collect();
    assert_eq!(search(&outputs, &secrets), Ok(()));
    // The search is over what would show a secret, were there one: the same outputs hold what is no secret.
    assert!(search(&outputs, &["Hello"]).is_err() && search(&outputs, &["some/gated-model"]).is_err());
}
