// The same request as a command or a program.

import { code, element } from "./elements.js";

/** A request as curl, Python and Rust would send it, and its body as it is. */
export function snippets(path, request) {
  const body = JSON.stringify(request, null, 2);
  return element(
    "details",
    {},
    element("summary", {}, "Show as curl, Python, Rust"),
    code("curl", curl(path, body)),
    code("Python", python(path, request)),
    code("Rust", rust(path, body)),
  );
}

/** What was sent and what came back, word for word. */
export function raw(request, reply) {
  return element("details", {}, element("summary", {}, "Raw request and reply"), code("Request", JSON.stringify(request, null, 2)), code("Reply", reply));
}

function curl(path, body) {
  return `curl ${location.origin}${path} \\
  -H "Authorization: Bearer $SAGEWIRE_KEY" \\
  -H "Content-Type: application/json" \\
  -d '${body.replaceAll("'", "'\\''")}'`;
}

const PYTHON_CALLS = { "/v1/chat/completions": "chat.completions.create", "/v1/embeddings": "embeddings.create" };

function python(path, request) {
  const call = PYTHON_CALLS[path];
  if (!call) {
    return `import os, requests

reply = requests.post(
    "${location.origin}${path}",
    headers={"Authorization": f"Bearer {os.environ['SAGEWIRE_KEY']}"},
    json=${literal(request, 1)},
)
print(reply.json())`;
  }
  const known = Object.entries(request).map(([name, value]) => `    ${name}=${literal(value, 1)},`);
  const after = request.stream
    ? `for chunk in reply:
    for choice in chunk.choices:
        print(choice.delta.content or "", end="", flush=True)`
    : "print(reply)";
  return `import os
from openai import OpenAI

client = OpenAI(base_url="${location.origin}/v1", api_key=os.environ.get("SAGEWIRE_KEY", "none"))
reply = client.${call}(
${known.join("\n")}
)
${after}`;
}

/** A value as Python writes it. */
function literal(value, depth) {
  const indent = "    ".repeat(depth + 1);
  const end = "    ".repeat(depth);
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return value.length === 0 ? "[]" : `[\n${value.map((item) => `${indent}${literal(item, depth + 1)},\n`).join("")}${end}]`;
  if (typeof value === "object") {
    const entries = Object.entries(value).map(([name, item]) => `${indent}${JSON.stringify(name)}: ${literal(item, depth + 1)},\n`);
    return entries.length === 0 ? "{}" : `{\n${entries.join("")}${end}}`;
  }
  return JSON.stringify(value);
}

function rust(path, body) {
  // A raw string ends at a quote with as many `#` as it began with.
  const marks = "#".repeat(1 + Math.max(0, ...[...body.matchAll(/"(#*)/g)].map(([, found]) => found.length)));
  return `// cargo add reqwest; cargo add tokio --features macros,rt-multi-thread
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let key = std::env::var("SAGEWIRE_KEY").unwrap_or_default();
    let reply = reqwest::Client::new()
        .post("${location.origin}${path}")
        .bearer_auth(key)
        .header("content-type", "application/json")
        .body(r${marks}"${body}"${marks})
        .send()
        .await?;
    println!("{}", reply.text().await?);
    Ok(())
}`;
}
