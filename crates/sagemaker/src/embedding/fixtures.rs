//! Every folder of `fixtures/embeddings/<family>/<case>`, found by itself: a body, a reply, and what becomes of it.
//!
//! The form of a case is in `fixtures/README.md`. A reply is read for the request beside it; where there is none, for two inputs.

use sagewire_types::EmbedRequest;

use super::{EmbedContext, FAMILIES};
use crate::fixture::Folder;

fn request(folder: &Folder) -> EmbedRequest {
    if folder.has("request.json") {
        folder.json("request.json")
    } else {
        EmbedRequest::new("sagemaker/my-endpoint", ["good morning", "this is another item"])
    }
}

#[test]
fn every_family_has_fixtures_of_each_kind_and_every_folder_a_family() {
    let folders = Folder::under("embeddings");
    let named = |folder: &Folder| FAMILIES.iter().any(|family| family.name() == folder.group);
    assert!(folders.iter().all(named), "a folder of fixtures without a family");
    for family in FAMILIES {
        let mut own = folders.iter().filter(|folder| folder.group == family.name());
        assert!(
            own.clone().any(|folder| folder.has("body.json") || folder.has("body.txt")),
            "{} has no body",
            family.name()
        );
        assert!(own.any(|folder| folder.has("response.json")), "{} has no response", family.name());
    }
}

#[test]
fn bodies_and_replies_are_as_expected() {
    for folder in Folder::under("embeddings") {
        let family = super::by_name(&folder.group).unwrap();
        let request = request(&folder);
        let context = EmbedContext::new("my-endpoint", &request);
        if folder.has("request.json") {
            match family.encode(&request, &context) {
                Ok(payload) if payload.content_type == "application/x-text" => {
                    folder.expect_text("body.txt", std::str::from_utf8(&payload.body).unwrap());
                }
                Ok(payload) => {
                    let body: serde_json::Value = serde_json::from_slice(&payload.body).unwrap();
                    folder.expect_json("body.json", &body);
                    assert_eq!(payload.content_type, "application/json");
                }
                Err(error) => folder.expect_error(&error),
            }
        }
        if folder.has("reply.json") {
            folder.expect_result("response.json", family.decode(&folder.bytes("reply.json").into(), &context));
        }
        assert!(folder.has("request.json") || folder.has("reply.json"), "{folder} is empty");
    }
}
