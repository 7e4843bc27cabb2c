// A conversation: streaming, thoughts, tool calls, parameters, and stopping.

import { call } from "./api.js";
import { element, field, number, problem, replace, seconds } from "./elements.js";
import { events } from "./events.js";
import { modelChoice } from "./playground.js";
import { raw, snippets } from "./snippets.js";

const PATH = "/v1/chat/completions";

export function chatPart(panel, models, leaving) {
  if (models.length === 0) return replace(panel, element("p", {}, "This key may use no chat model."));
  const inputs = {
    model: modelChoice(models),
    system: element("textarea", { rows: 2 }),
    temperature: element("input", { type: "number", min: 0, max: 2, step: 0.1 }),
    max_tokens: element("input", { type: "number", min: 1, step: 1, value: 256 }),
    top_p: element("input", { type: "number", min: 0, max: 1, step: 0.05 }),
    stop: element("input", { type: "text" }),
    tools: element("textarea", { rows: 4, spellcheck: "false" }),
    more: element("textarea", { rows: 3, spellcheck: "false" }),
    stream: element("input", { type: "checkbox", checked: true }),
    message: element("textarea", { rows: 3, required: true }),
  };
  const log = element("div", { class: "log", role: "log", "aria-label": "Conversation", tabindex: 0 });
  const send = element("button", { type: "submit", class: "primary" }, "Send");
  const stop = element("button", { type: "button", disabled: true }, "Stop");
  const clear = element("button", { type: "button" }, "New conversation");
  const details = element("div", {});
  const chat = { inputs, log, send, stop, details, messages: [], stopping: null };
  leaving.addEventListener("abort", () => chat.stopping?.abort());
  stop.addEventListener("click", () => chat.stopping?.abort());
  clear.addEventListener("click", () => {
    chat.stopping?.abort();
    chat.messages = [];
    replace(log);
    replace(details);
    inputs.message.focus();
  });
  const form = element(
    "form",
    {},
    element(
      "div",
      { class: "fields" },
      field("Model", inputs.model),
      field("Temperature", inputs.temperature),
      field("Max tokens", inputs.max_tokens),
      element("div", { class: "field check" }, element("label", {}, inputs.stream, " Stream")),
    ),
    element(
      "details",
      {},
      element("summary", {}, "System prompt, tools and other parameters"),
      field("System prompt", inputs.system),
      field("Top p", inputs.top_p),
      field("Stop text", inputs.stop),
      field("Tools (JSON)", inputs.tools, "A list as in OpenAI's API. A call of a tool is shown and not run."),
      field("Other parameters (JSON)", inputs.more, 'An object, such as {"seed": 7}.'),
    ),
    log,
    field("Message", inputs.message),
    element("div", { class: "actions" }, send, stop, clear),
  );
  inputs.message.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!chat.stopping) ask(chat);
  });
  replace(panel, form, details);
}

function requestOf({ inputs, messages }) {
  const request = { model: inputs.model.value, messages: [] };
  if (inputs.system.value.trim()) request.messages.push({ role: "system", content: inputs.system.value });
  request.messages.push(...messages);
  for (const name of ["temperature", "max_tokens", "top_p"]) if (inputs[name].value !== "") request[name] = Number(inputs[name].value);
  if (inputs.stop.value) request.stop = inputs.stop.value;
  if (inputs.tools.value.trim()) request.tools = parsed("tools", inputs.tools.value);
  if (inputs.more.value.trim()) Object.assign(request, parsed("the other parameters", inputs.more.value));
  if (inputs.stream.checked) Object.assign(request, { stream: true, stream_options: { include_usage: true } });
  return request;
}

function parsed(name, text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`invalid JSON in ${name}: ${error.message}`);
  }
}

async function ask(chat) {
  const { inputs, log, details } = chat;
  chat.messages.push({ role: "user", content: inputs.message.value });
  const question = bubble("user", "You");
  question.text.textContent = inputs.message.value;
  const answer = bubble("assistant", inputs.model.value);
  log.append(question.node, answer.node);
  chat.stopping = new AbortController();
  busy(chat, true);
  replace(details);
  const reply = { content: "", reasoning: "", tools: [], raw: "", usage: null, finish: null, began: performance.now(), first: null };
  let request = null;
  try {
    request = requestOf(chat);
    inputs.message.value = "";
    const response = await call(PATH, { method: "POST", body: JSON.stringify(request), signal: chat.stopping.signal });
    if (request.stream) await readStream(response, reply, answer);
    else readWhole(await response.text(), reply, answer);
    answer.note.textContent = summary(reply);
  } catch (error) {
    if (error.name === "AbortError") answer.note.textContent = "Stopped.";
    else answer.node.append(problem(error));
    reply.raw ||= error.body ?? "";
  }
  if (reply.content || reply.tools.length > 0) chat.messages.push(messageOf(reply));
  else chat.messages.pop();
  if (request) replace(details, snippets(PATH, request), raw(request, reply.raw));
  chat.stopping = null;
  busy(chat, false);
  inputs.message.focus();
}

function busy({ send, stop, log }, isBusy) {
  send.disabled = isBusy;
  stop.disabled = !isBusy;
  log.setAttribute("aria-busy", isBusy);
}

function bubble(role, name) {
  const text = element("div", { class: "text" });
  const thoughts = element("div", { class: "text" });
  const thinking = element("details", { class: "thoughts", hidden: true, open: true }, element("summary", {}, "Thoughts"), thoughts);
  const tools = element("div", {});
  const note = element("p", { class: "hint" });
  const node = element("article", { class: `bubble ${role}` }, element("h2", {}, name), thinking, text, tools, note);
  return { node, text, thoughts, thinking, tools, note };
}

async function readStream(response, reply, answer) {
  for await (const data of events(response)) {
    reply.raw += `data: ${data}\n\n`;
    if (data === "[DONE]") return;
    const chunk = JSON.parse(data);
    if (chunk.error) throw new Error(chunk.error.message);
    reply.usage = chunk.usage ?? reply.usage;
    for (const { delta, finish_reason: finish } of chunk.choices ?? []) {
      reply.finish = finish ?? reply.finish;
      add(reply, delta ?? {});
    }
    show(reply, answer);
  }
  throw new Error("the answer ended before it was complete");
}

function readWhole(text, reply, answer) {
  reply.raw = text;
  const body = JSON.parse(text);
  const [choice] = body.choices;
  reply.usage = body.usage ?? null;
  reply.finish = choice.finish_reason;
  add(reply, choice.message);
  show(reply, answer);
}

/** Adds a piece of an answer, or a whole one: their fields are the same. */
function add(reply, { content, reasoning_content: reasoning, tool_calls: calls }) {
  if ((content || reasoning || calls) && reply.first === null) reply.first = performance.now();
  reply.content += content ?? "";
  reply.reasoning += reasoning ?? "";
  for (const [position, part] of (calls ?? []).entries()) {
    const at = part.index ?? position;
    const tool = (reply.tools[at] ??= { id: "", type: "function", function: { name: "", arguments: "" } });
    tool.id ||= part.id ?? "";
    tool.function.name += part.function?.name ?? "";
    tool.function.arguments += part.function?.arguments ?? "";
  }
}

function show(reply, answer) {
  answer.text.textContent = reply.content;
  answer.thoughts.textContent = reply.reasoning;
  answer.thinking.hidden = reply.reasoning === "";
  replace(answer.tools, reply.tools.map((tool) => element("pre", { class: "tool" }, `${tool.function.name}(${tool.function.arguments})`)));
  const log = answer.node.parentElement;
  if (log) log.scrollTop = log.scrollHeight;
}

function messageOf(reply) {
  const message = { role: "assistant", content: reply.content || null };
  if (reply.tools.length > 0) message.tool_calls = reply.tools;
  return message;
}

function summary({ usage, finish, began, first }) {
  const now = performance.now();
  const parts = [`Ended with ${finish}`];
  if (first !== null) parts.push(`first token after ${seconds((first - began) / 1000)}`);
  parts.push(`${seconds((now - began) / 1000)} in all`);
  if (usage) parts.push(`${number(usage.prompt_tokens)} + ${number(usage.completion_tokens)} tokens`);
  const writing = first === null ? 0 : (now - first) / 1000;
  if (usage && writing > 0.05) parts.push(`${number(usage.completion_tokens / writing, 1)} tokens a second`);
  return `${parts.join(", ")}.`;
}
