//! A server on this machine that answers as STS, the metadata services and IAM Identity Center
//! would.
//!
//! The keys it gives tell their own story: `assumed:one:AKIDBASE` is the role `one`, assumed with
//! the keys `AKIDBASE`. It does not verify signatures, but it refuses temporary keys that come
//! without their token.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use url::form_urlencoded;

/// Starts the server and gives its URL. It ends with the process.
pub(crate) fn start() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            // A client that goes away ends its own connection alone.
            thread::spawn(move || drop(serve(stream)));
        }
    });
    url
}

struct Request {
    method: String,
    target: String,
    authorization: String,
    token: Option<String>,
    bearer: Option<String>,
    body: String,
}

fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    let (status, content_type, body) = answer(&read(&stream)?);
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn read(stream: &TcpStream) -> std::io::Result<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut request =
        Request { method, target, authorization: String::new(), token: None, bearer: None, body: String::new() };
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        let value = value.trim().to_owned();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "authorization" => request.authorization = value,
            "x-amz-security-token" => request.token = Some(value),
            "x-amz-sso_bearer_token" => request.bearer = Some(value),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    request.body = String::from_utf8(body).unwrap();
    Ok(request)
}

type Answer = (&'static str, &'static str, String);

fn answer(request: &Request) -> Answer {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    match (request.method.as_str(), path) {
        ("POST", "/") => sts(request),
        ("PUT", "/latest/api/token") => ("200 OK", "text/plain", "imds-token".to_owned()),
        ("GET", "/latest/meta-data/iam/security-credentials/") => ("200 OK", "text/plain", "instance-role".to_owned()),
        ("GET", "/latest/meta-data/iam/security-credentials/instance-role") => json(&metadata("AKIDINSTANCE")),
        ("GET", "/container") => json(&metadata("AKIDCONTAINER")),
        ("GET", "/federation/credentials") => sso(request, query),
        _ => ("404 Not Found", "text/plain", String::new()),
    }
}

fn json(value: &serde_json::Value) -> Answer {
    ("200 OK", "application/json", value.to_string())
}

fn metadata(id: &str) -> serde_json::Value {
    serde_json::json!({
        "Code": "Success", "Type": "AWS-HMAC", "LastUpdated": "2024-01-01T00:00:00Z", "AccessKeyId": id,
        "SecretAccessKey": format!("secret-of-{id}"), "Token": format!("token-of-{id}"), "Expiration": "2099-01-01T00:00:00Z",
    })
}

fn sso(request: &Request, query: &str) -> Answer {
    if request.bearer.as_deref() != Some("sso-token") {
        return ("401 Unauthorized", "application/json", "{}".to_owned());
    }
    let id = format!("sso:{}:{}", field(query, "account_id").unwrap(), field(query, "role_name").unwrap());
    let keys = serde_json::json!({
        "accessKeyId": id, "secretAccessKey": format!("secret-of-{id}"), "sessionToken": format!("token-of-{id}"),
        "expiration": 4_070_908_800_000_u64,
    });
    json(&serde_json::json!({ "roleCredentials": keys }))
}

fn sts(request: &Request) -> Answer {
    let get = |name: &str| field(&request.body, name);
    let action = get("Action").unwrap_or_default();
    let arn = get("RoleArn").unwrap_or_default();
    let role = arn.rsplit('/').next().unwrap_or_default().to_owned();
    let mut settings = String::new();
    for (name, parameter, usual) in [("external", "ExternalId", ""), ("seconds", "DurationSeconds", "3600")] {
        if let Some(value) = get(parameter).filter(|value| value != usual) {
            settings.push_str(&format!("/{name}={value}"));
        }
    }
    // A session's name that nobody chose is made up, differently by each.
    if let Some(name) = get("RoleSessionName").filter(|name| name.starts_with("named-")) {
        settings.push_str(&format!("/session={name}"));
    }
    let id = match action.as_str() {
        "AssumeRole" => {
            let source = access_key_id(&request.authorization);
            let temporary = ["assumed:", "web:", "sso:", "AKIDCONTAINER", "AKIDINSTANCE", "AKIDTEMP"];
            let needed = temporary.iter().any(|start| source.starts_with(start)).then(|| format!("token-of-{source}"));
            if request.token != needed {
                return refusal("InvalidClientTokenId");
            }
            format!("assumed:{role}{settings}:{source}")
        }
        "AssumeRoleWithWebIdentity" if request.authorization.is_empty() => {
            format!("web:{role}{settings}:{}", get("WebIdentityToken").unwrap_or_default().trim())
        }
        _ => return refusal("InvalidAction"),
    };
    let body = format!(
        "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result><AssumedRoleUser>\
         <AssumedRoleId>AROAEXAMPLE:me</AssumedRoleId><Arn>arn:aws:sts::123456789012:assumed-role/{role}/me</Arn></AssumedRoleUser>\
         <Credentials><AccessKeyId>{id}</AccessKeyId><SecretAccessKey>secret-of-{id}</SecretAccessKey>\
         <SessionToken>token-of-{id}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></{action}Result>\
         <ResponseMetadata><RequestId>00000000-0000-0000-0000-000000000000</RequestId></ResponseMetadata></{action}Response>"
    );
    ("200 OK", "text/xml", body)
}

fn refusal(code: &str) -> Answer {
    let body = format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>{code}</Code>\
         <Message>refused</Message></Error><RequestId>0</RequestId></ErrorResponse>"
    );
    ("403 Forbidden", "text/xml", body)
}

fn field(form: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(form.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// The key's id from `Credential=<id>/<date>/<region>/<service>/aws4_request`; the id may hold
/// slashes here.
fn access_key_id(authorization: &str) -> String {
    let credential = authorization.split_once("Credential=").map_or("", |(_, rest)| rest);
    let credential = credential.split_once(',').map_or(credential, |(credential, _)| credential);
    credential.rsplitn(5, '/').nth(4).unwrap_or_default().to_owned()
}
