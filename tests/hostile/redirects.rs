//! Redirects: a signed request goes to the host that it was signed for, whatever that host answers.

use sagewire_emulator::Scripted;
use serde_json::json;

use crate::setup::{Setup, question};

#[tokio::test]
async fn a_reply_that_sends_a_signed_request_elsewhere_is_not_followed() {
    let setup = Setup::start().await;
    let location = format!("{}/endpoints/tgi/invocations", setup.elsewhere());
    for status in [301, 302, 303, 307, 308] {
        for stream in [false, true] {
            setup.emulator.enqueue("tgi", Scripted::reply(status, "text/plain", "").header("location", &location));
            let mut body = question("text");
            body["stream"] = json!(stream);
            let answer = setup.chat(&body).await;
            let error = answer.json()["error"].clone();
            assert_eq!(answer.status, 500, "{status}: {error}");
            assert!(!error["message"].as_str().unwrap().contains(&location), "{error}");
        }
    }
    assert_eq!(setup.emulator.received().len(), 10, "each was sent once");
    setup.nothing_went_astray();
}
