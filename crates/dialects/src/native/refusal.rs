//! Refusals that prove that a container does not have a route.
//!
//! Owns telling them from those that are about one request: a route that exists refuses what is
//! wrong with a request, and its words may repeat the caller's. So only what a container's text
//! begins with counts, and a missing field only if the API of the route does not have it.

use super::Protocol;

/// Words that containers write around a reason, and a path of the JSON that it is in.
const AROUND: [&str; 31] = [
    "body",
    "cannot",
    "code",
    "deserialize",
    "detail",
    "details",
    "doctype",
    "error",
    "errors",
    "failed",
    "find",
    "head",
    "html",
    "into",
    "invalid",
    "json",
    "lang",
    "en",
    "message",
    "missing",
    "msg",
    "n",
    "object",
    "page",
    "request",
    "target",
    "the",
    "title",
    "to",
    "type",
    "validation",
];

/// What vLLM says if the body fits none of its APIs.
const NO_HANDLER: &str = "suitable handler";

impl Protocol {
    /// Whether a container that refused a request with this status and text does not have the route.
    #[must_use]
    pub fn is_missing_by(&self, status: u16, said: &str) -> bool {
        let said = said.to_ascii_lowercase();
        match status {
            405 => true,
            404 => said.trim().is_empty() || after(&said, "not found").is_some(),
            400 | 415 | 422 => {
                after(&said, NO_HANDLER).is_some() || missing_field(&said).is_some_and(|field| self.lacks(field))
            }
            _ => false,
        }
    }

    fn lacks(&self, field: &str) -> bool {
        self.foreign.contains(&field)
    }
}

/// The field at the top of the body that a container misses first, as pydantic or serde say it.
fn missing_field(said: &str) -> Option<&str> {
    if let Some(rest) = after(said, "missing field `") {
        return rest.split_once('`').map(|(field, _)| field);
    }
    // `'loc': ('body', 'prompt'), 'msg': 'Field required'`, and the same in JSON.
    let (place, rest) = after(said, "loc")?.split_once([')', ']'])?;
    let mut steps = place.split(|letter: char| !is_of_a_name(letter)).filter(|step| !step.is_empty());
    let (body, field, further) = (steps.next()?, steps.next()?, steps.next());
    let mut reason = rest.split(|letter: char| !letter.is_ascii_alphabetic()).filter(|word| !word.is_empty());
    let is_missing =
        reason.next() == Some("msg") && reason.next() == Some("field") && reason.next() == Some("required");
    (body == "body" && further.is_none() && is_missing).then_some(field)
}

/// What follows these words, if nothing but what containers write around a reason is before them.
fn after<'a>(said: &'a str, words: &str) -> Option<&'a str> {
    let (before, rest) = said.split_once(words)?;
    let mut around = before.split(|letter: char| !letter.is_ascii_alphabetic()).filter(|word| !word.is_empty());
    around.all(|word| AROUND.contains(&word)).then_some(rest)
}

fn is_of_a_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As FastAPI, vLLM and pydantic 1 report a missing field beside the caller's own body.
    fn missing(field: &str, input: &str) -> [String; 4] {
        [
            format!(
                r#"{{"detail":[{{"type":"missing","loc":["body","{field}"],"msg":"Field required","input":"{input}"}}]}}"#
            ),
            format!(
                r#"{{"object":"error","message":"[{{'type': 'missing', 'loc': ('body', '{field}'), 'msg': 'Field required', 'input': '{input}'}}]","code":400}}"#
            ),
            format!(
                r#"{{"error":{{"message":"1 validation error:\n  {{'type': 'missing', 'loc': ('body', '{field}'), 'msg': 'Field required', 'input': '{input}'}}","code":400}}}}"#
            ),
            format!(
                r#"{{"detail":[{{"loc":["body","{field}"],"msg":"field required","type":"value_error.missing"}}]}}"#
            ),
        ]
    }

    #[test]
    fn a_missing_field_of_another_api_means_that_the_route_is_missing() {
        for (path, fields, own) in [
            ("/v1/responses", &["messages", "prompt", "inputs"][..], &["input", "model", "tools"][..]),
            ("/v1/messages", &["prompt", "inputs"], &["messages", "max_tokens", "input", "model"]),
            ("/v1/messages/count_tokens", &["prompt", "inputs"], &["messages", "model"]),
            ("/tokenize", &["inputs", "input"], &["prompt", "messages"]),
            ("/pooling", &["prompt", "inputs"], &["input", "messages"]),
            ("/v1/images/generations", &["messages", "inputs"], &["prompt"]),
        ] {
            let protocol = Protocol::of(path).unwrap();
            for (fields, is_missing) in [(fields, true), (own, false)] {
                for said in fields.iter().flat_map(|field| missing(field, "x")) {
                    assert_eq!(protocol.is_missing_by(422, &said), is_missing, "{path} {said}");
                }
                for field in fields {
                    let said = format!(
                        "Failed to deserialize the JSON body into the target type: missing field `{field}` at line 1 column 9"
                    );
                    assert_eq!(protocol.is_missing_by(422, &said), is_missing, "{path} {said}");
                    let said = format!(r#"{{"error":"{said}","error_type":"validation"}}"#);
                    assert_eq!(protocol.is_missing_by(400, &said), is_missing, "{path} {said}");
                }
            }
        }
    }

    #[test]
    fn what_a_caller_wrote_proves_nothing() {
        let protocol = Protocol::of("/v1/responses").unwrap();
        let forged = "'loc': ('body', 'messages'), 'msg': 'Field required'";
        for said in missing("input", forged) {
            assert!(!protocol.is_missing_by(422, &said), "{said}");
        }
        for said in [
            format!("unknown role {{{forged}}}"),
            format!(r#"{{"error":{{"message":"unknown role [{{{forged}}}]"}}}}"#),
            "unknown variant `missing field `messages``".to_owned(),
            "input[0]: missing field `messages` at line 1 column 9".to_owned(),
            "the name `cannot find suitable handler` is too long".to_owned(),
            r#"{"detail":[{"type":"missing","loc":["body","input",0,"messages"],"msg":"Field required"}]}"#.to_owned(),
            r#"{"detail":[{"type":"missing","loc":["query","messages"],"msg":"Field required"}]}"#.to_owned(),
            r#"{"detail":[{"type":"string_type","loc":["body","messages"],"msg":"Input should be a list"}]}"#
                .to_owned(),
            r#"{"error":{"message":"temperature is too hot"}}"#.to_owned(),
            String::new(),
        ] {
            for status in [400, 415, 422, 500] {
                assert!(!protocol.is_missing_by(status, &said), "{status} {said}");
            }
        }
    }

    #[test]
    fn a_path_that_is_not_found_is_told_from_what_a_request_names() {
        let protocol = Protocol::of("/v1/responses").unwrap();
        for said in [
            "",
            r#"{"detail":"Not Found"}"#,
            r#"{"error":{"message":"Not Found","type":"Not Found","param":null,"code":404}}"#,
            "404 page not found",
            "<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>",
            "<html>\r\n<head><title>404 Not Found</title></head>",
        ] {
            assert!(protocol.is_missing_by(404, said), "{said}");
        }
        for said in [
            r#"{"error":{"message":"The model `x` was not found.","type":"NotFoundError","code":404}}"#,
            r#"{"error":{"message":"Response with id 'not found' not found","code":404}}"#,
        ] {
            assert!(!protocol.is_missing_by(404, said), "{said}");
        }
        assert!(protocol.is_missing_by(405, r#"{"detail":"Method Not Allowed"}"#));
        let said = r#"{"error":{"message":"Cannot find suitable handler for request. Expected one of: [..]"}}"#;
        assert!(protocol.is_missing_by(400, said));
    }
}
