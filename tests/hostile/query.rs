//! Keys in the URL, where every log on the way keeps them.

use serde_json::{Value, json};

use crate::setup::{MASTER, Setup, bearer, question};

/// Under these names keys are sent in queries elsewhere.
const NAMES: &[&str] = &[
    "api_key",
    "api-key",
    "apikey",
    "apiKey",
    "API_KEY",
    "key",
    "token",
    "access_token",
    "auth_token",
    "authorization",
    "x-api-key",
    "master_key",
    "api%5Fkey",
];

#[tokio::test]
async fn a_key_in_the_query_is_refused_and_never_logged() {
    let setup = Setup::start().await;
    let body = question("text").to_string();
    for name in NAMES {
        for (target, method) in [("/chat/completions", "POST"), ("/v1/models", "GET"), ("/health", "GET")] {
            for query in [format!("{name}={MASTER}"), format!("api-version=1&{name}={MASTER}&x=y")] {
                let line = format!("{method} {target}?{query}");
                // Alone, and beside a key that is sent as it should be.
                for head in [String::new(), bearer(MASTER)] {
                    let answer = setup.send(&line, &head, body.as_bytes()).await;
                    answer.is_refused(401, &json!("invalid_api_key"), &Value::Null);
                    let said = answer.json()["error"]["message"].as_str().unwrap().to_owned();
                    assert!(said.contains("URL") && said.contains("Authorization") && !said.contains(MASTER), "{said}");
                }
            }
        }
    }
    assert!(setup.emulator.received().is_empty());
    // Where no key is asked for, nothing of the query is read, and none of it is shown.
    for target in ["/", "/health/liveliness", "/openapi.json", "/no/such/path"] {
        let answer = setup.send(&format!("GET {target}?api_key={MASTER}"), "", b"").await;
        assert!([200, 404].contains(&answer.status), "{target}: {}", answer.status);
        assert!(!String::from_utf8_lossy(&answer.body).contains(MASTER));
    }
    let metrics = setup.send("GET /metrics", "", b"").await;
    assert!(!String::from_utf8_lossy(&metrics.body).contains(MASTER));
    assert!(!setup.logs.text().contains(MASTER), "the log holds a key of a query");
}

#[tokio::test]
async fn an_ordinary_query_is_passed_over() {
    let setup = Setup::start().await;
    for query in ["", "api-version=2024-10-21", "keys=1", "max_tokens=5&tokenizer=x", "%zz", "key%", "&&=", "beta=true"]
    {
        let line = format!("POST /chat/completions?{query}");
        let answer = setup.send(&line, &bearer(MASTER), question("text").to_string().as_bytes()).await;
        assert_eq!(answer.status, 200, "{query}");
    }
    setup.nothing_went_astray();
}
