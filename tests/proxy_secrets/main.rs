//! Nothing secret leaves the proxy: every secret of a whole deployment is a known string, and every
//! output is searched for each of them, plain, in base64, in hex and percent-encoded.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod collector;
mod crash;

use std::{
    fs,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::Method;
use sagewire_emulator::{Operation, Scripted};
use sagewire_proxy::{Config, OtlpExporter, OtlpSettings, Server, ServerOptions, Wiring};
use sagewire_tests::{
    deployment::{CALLER_KEY, COLLECTOR_KEY, Deployment, MASTER_KEY, Outputs, SECRETS, WRONG_KEY, chat, search, send},
    logs::Logs,
};
use serde_json::json;
use tokio::sync::oneshot;

use crate::collector::Collector;

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

/// One request, with its answer among the outputs; its status.
async fn ask(address: SocketAddr, method: Method, path: &str, key: &str, body: &str, outputs: &mut Outputs) -> u16 {
    let (status, headers, body) = send(address, method, path, key, body).await.unwrap();
    outputs.push((format!("headers of {path}"), format!("{headers:?}").into_bytes()));
    outputs.push((format!("answer of {path}"), body.to_vec()));
    status
}

fn last(outputs: &Outputs) -> String {
    outputs.last().map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
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

    let collector = Collector::start().await;
    let deployment = Deployment::start(Some(&collector.url())).await;
    let (emulator, yaml) = (&deployment.emulator, &deployment.yaml);
    let parsed = deployment.config();
    let mut settings = OtlpSettings::from_config(&parsed, &|_| None).unwrap();
    settings.metrics_interval = Some(Duration::from_millis(100));
    let exporter = OtlpExporter::start(settings.clone()).unwrap();
    let wiring = Wiring::new(deployment.world.clone()).with_spans(exporter.sink().unwrap());
    let app = wiring.app(&parsed, None).unwrap();
    let mut outputs: Outputs = vec![
        ("Config".to_owned(), format!("{parsed:?}\n{parsed:#?}").into_bytes()),
        ("App".to_owned(), format!("{app:?}\n{app:#?}").into_bytes()),
        ("Wiring".to_owned(), format!("{wiring:?}\n{wiring:#?}").into_bytes()),
        ("OtlpSettings".to_owned(), format!("{settings:?}\n{settings:#?}").into_bytes()),
        ("OtlpExporter".to_owned(), format!("{exporter:?}\n{exporter:#?}").into_bytes()),
    ];
    for broken in [yaml.replace("general_settings:", "general_settings: ["), yaml.replace("master_key:", "master_kee:")]
    {
        if let Err(error) = Config::from_yaml(&broken, &|_| None) {
            outputs.push(("a configuration's error".to_owned(), format!("{error}\n{error:?}").into_bytes()));
        }
    }
    let server = Server::bind(([127, 0, 0, 1], 0).into(), app, ServerOptions::default()).await.unwrap();
    let address = server.local_addr();
    let exporter = exporter.with_metrics(server.handle()).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(server.serve(async {
        let _ = stopped.await;
    }));

    let chats = "/v1/chat/completions";
    for model in ["static", "process", "role"] {
        for (key, stream) in [(MASTER_KEY, false), (CALLER_KEY, true)] {
            let status = ask(address, Method::POST, chats, key, &chat(model, stream), &mut outputs).await;
            assert_eq!(status, 200, "{model}: {}", last(&outputs));
        }
    }
    let embed = json!({"model": "container", "input": ["a"]}).to_string();
    let status = ask(address, Method::POST, "/v1/embeddings", MASTER_KEY, &embed, &mut outputs).await;
    assert_eq!(status, 200, "{}", last(&outputs));
    // What fails: a wrong key, a wrong session token and a Hub that is not there, expired sessions, a
    // body that is not JSON, broken answers.
    assert_eq!(ask(address, Method::POST, chats, WRONG_KEY, &chat("static", false), &mut outputs).await, 401);
    assert_ne!(ask(address, Method::POST, chats, MASTER_KEY, &chat("hub", false), &mut outputs).await, 200);
    emulator.expire_sessions();
    assert_ne!(ask(address, Method::POST, chats, MASTER_KEY, &chat("static", true), &mut outputs).await, 200);
    assert_eq!(ask(address, Method::POST, chats, MASTER_KEY, &chat("role", false), &mut outputs).await, 200);
    assert_eq!(ask(address, Method::POST, chats, MASTER_KEY, "{no json", &mut outputs).await, 400);
    emulator.enqueue_for(Operation::InvokeEndpoint, Scripted::ok("no json"));
    assert_ne!(ask(address, Method::POST, chats, MASTER_KEY, &chat("role", false), &mut outputs).await, 200);
    for page in ["/metrics", "/health", "/models", "/model/info", "/openapi.json"] {
        assert_eq!(ask(address, Method::GET, page, MASTER_KEY, "", &mut outputs).await, 200, "{page}");
    }

    // All spans and numbers have gone out when the exporter is done.
    let _ = stop.send(());
    serving.await.unwrap();
    drop(wiring);
    exporter.flush().await;
    for path in ["/v1/traces", "/v1/metrics"] {
        let sent: Vec<_> = collector.collected().into_iter().filter(|collected| collected.path == path).collect();
        assert!(!sent.is_empty(), "nothing came to {path}");
        for collected in sent {
            // Its own key is all that the collector may see.
            assert_eq!(collected.key.as_deref(), Some(COLLECTOR_KEY));
            outputs.push((format!("what the collector got at {path}"), collected.body));
        }
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
    let command_lines = fs::read(deployment.command_lines()).unwrap();
    assert!(String::from_utf8_lossy(&command_lines).contains("program"), "the credential_process did not run");
    outputs.push(("the command line of credential_process".to_owned(), command_lines));
    outputs.push(("panics".to_owned(), panics.lock().unwrap().clone()));
    let text = logs.text();
    assert!(text.contains("sagewire::"), "nothing was logged");
    outputs.push(("the logs".to_owned(), text.into_bytes()));

    assert_eq!(search(&outputs, &deployment.secrets()), Ok(()));
    // The search is over what would show a secret, were there one: the same outputs hold what is no
    // secret.
    assert!(search(&outputs, &["Hello"]).is_err() && search(&outputs, &["some/gated-model"]).is_err());
    outputs.retain(|(place, _)| place.starts_with("what the collector got"));
    assert!(search(&outputs, &["gen_ai.request.model"]).is_err(), "no span was searched");
}
