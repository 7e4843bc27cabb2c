//! boto3 as its users have it: nothing but the exports that the emulator prints, pasted into a
//! shell.

use sagewire_emulator::Emulator;
use serde_json::json;

use crate::python::{Case, Session};

pub(crate) const CASES: &[(&str, Case)] = &[("pasted_exports", |python| {
    Box::pin(async move {
        let emulator = Emulator::start().await.unwrap();
        let pasted = |service| Session {
            service,
            url: None,
            region: None,
            keys: false,
            exports: emulator.exports(),
            ..Session::new(python, &emulator)
        };
        let invoke = json!({"EndpointName": "tgi", "Body": "{\"inputs\": \"Hi\"}"});
        let invoked = pasted("sagemaker-runtime").call("invoke_endpoint", invoke).await;
        assert_eq!(invoked["response"]["ResponseMetadata"]["HTTPStatusCode"], 200, "{invoked}");
        let who = pasted("sts").call("get_caller_identity", json!({})).await;
        assert_eq!(who["response"]["Account"], "123456789012", "{who}");
    })
})];
