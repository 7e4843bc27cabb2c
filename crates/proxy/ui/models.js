// What is served: models, what they do, their deployments, and which of them rest and why.

import { getJson } from "./api.js";
import { element, number, problem, replace, seconds, table, time } from "./elements.js";
import { isOperator } from "./session.js";

export async function showModels(view) {
  const state = element("div", {});
  replace(view, state);
  await load(state);
  if (!isOperator()) return;
  const button = element("button", { type: "button" }, "Probe every deployment");
  const note = element("p", { class: "hint" }, "A probe asks each deployment for one token or one vector; it wakes endpoints that sleep, and costs what a small request costs.");
  const result = element("div", { role: "status" });
  button.addEventListener("click", async () => {
    button.disabled = true;
    replace(result, "Probing...");
    try {
      const health = await getJson("/health", { method: "POST" });
      await load(state);
      replace(result, `${health.healthy_count} answered, ${health.unhealthy_count} did not.`);
    } catch (error) {
      replace(result, problem(error));
    }
    button.disabled = false;
  });
  view.append(element("div", { class: "actions" }, button), note, result);
}

async function load(node) {
  const [models, info, health] = await Promise.all([
    getJson("/v1/models"),
    getJson("/v1/model/info"),
    isOperator() ? getJson("/health") : null,
  ]);
  const states = new Map();
  for (const list of ["healthy_endpoints", "unhealthy_endpoints", "unprobed_endpoints"]) {
    for (const deployment of health?.[list] ?? []) states.set(deployment.id, deployment);
  }
  const entries = new Map();
  for (const { model_name: name, model_info: details, litellm_params: parameters } of info.data) {
    if (!entries.has(name)) entries.set(name, { mode: details.mode, deployments: [] });
    if (details.id) entries.get(name).deployments.push({ id: details.id, parameters, state: states.get(details.id) });
  }
  // Aliases have no deployments of their own.
  for (const { id } of models.data) if (!entries.has(id)) entries.set(id, { mode: "alias", deployments: [] });
  if (entries.size === 0) {
    replace(node, element("p", {}, "This key may use no model."));
    return;
  }
  replace(
    node,
    element("p", {}, `${number(entries.size)} ${entries.size === 1 ? "model" : "models"}.`),
    element("ul", { class: "cards" }, [...entries].map(([name, entry]) => card(name, entry))),
  );
}

function card(name, { mode, deployments }) {
  return element(
    "li",
    { class: "card" },
    element("h2", {}, name, " ", element("span", { class: "tag" }, mode)),
    deployments.length === 0
      ? element("p", { class: "muted" }, mode === "alias" ? "Another name of a model." : "No deployment is named.")
      : table(`Deployments of ${name}`, ["deployment", "state", "limits"], deployments.map(row)),
  );
}

function row({ id, parameters, state }) {
  const limits = ["rpm", "tpm", "max_parallel_requests"].filter((limit) => parameters[limit] !== undefined);
  return [
    [id, parameters.model && element("div", { class: "muted" }, parameters.model)],
    state ? health(state) : "served",
    limits.map((limit) => element("div", {}, `${limit} ${number(Number(parameters[limit]))}`)),
  ];
}

function health(state) {
  const classes = { healthy: "good", unhealthy: "bad", "cooling down": "bad" };
  const rests = state.resting_seconds === undefined ? "" : ` for another ${seconds(state.resting_seconds)}`;
  const last = state.last_failure;
  return [
    element("span", { class: `state ${classes[state.status] ?? ""}` }, `${state.status}${rests}`),
    last && element("div", {}, `Last failure: ${last.kind}, ${seconds(last.seconds_ago)} ago (${last.request_id}).`),
    state.error && element("div", {}, `Last probe: ${state.error}`),
    state.probed_at !== undefined && element("div", { class: "muted" }, `Probed at ${time(state.probed_at)}, ${seconds(state.probe_seconds)}.`),
  ];
}
