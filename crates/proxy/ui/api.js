// Calls of the proxy's routes, with the key in a header. Nothing else is ever called.

import { authorization } from "./session.js";

/** A refusal or a failure, as the proxy says it. */
export class CallError extends Error {
  constructor(message, status, requestId, body) {
    super(message);
    this.status = status;
    this.requestId = requestId;
    this.body = body;
  }
}

/** Sends a request and gives its response, if that is no failure. */
export async function call(path, { method = "GET", body, signal } = {}) {
  const headers = { accept: "application/json", ...authorization() };
  if (body !== undefined) headers["content-type"] = "application/json";
  let response;
  try {
    response = await fetch(path, { method, headers, body, signal, credentials: "omit", cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new CallError("the proxy cannot be reached; check that it runs");
  }
  if (response.ok) return response;
  const text = await response.text();
  throw new CallError(messageOf(text), response.status, response.headers.get("x-request-id"), text);
}

export async function getJson(path, options) {
  const response = await call(path, options);
  return response.json();
}

function messageOf(text) {
  try {
    return JSON.parse(text).error.message ?? text;
  } catch {
    return text || "the proxy gave no reason";
  }
}
