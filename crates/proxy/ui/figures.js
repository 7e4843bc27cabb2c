// Live figures of the last hour, from the proxy's memory.

import { getJson } from "./api.js";
import { chart } from "./charts.js";
import { element, field, number, problem, replace, table } from "./elements.js";

const MINUTES = 60;
const REFRESH = 5000;

export async function showFigures(view, signal) {
  const model = element("select", {});
  const key = element("select", {});
  const shown = element("div", {});
  let activity = null;
  const draw = () => activity && replace(shown, figures(activity, model.value, key.value));
  for (const choice of [model, key]) choice.addEventListener("change", draw);
  replace(view, element("div", { class: "fields" }, field("Model", model), field("Key", key)), shown);
  const load = async () => {
    try {
      activity = await getJson("/activity");
      choices(model, "all models", activity.series.map((series) => series.model ?? ""));
      choices(key, "all keys", activity.series.map((series) => series.key));
      draw();
    } catch (error) {
      replace(shown, problem(error));
    }
  };
  await load();
  const timer = setInterval(load, REFRESH);
  signal.addEventListener("abort", () => clearInterval(timer));
}

/** Fills a choice anew and keeps what was chosen. */
function choices(select, all, values) {
  const chosen = select.value;
  const names = [...new Set(values)].sort();
  replace(
    select,
    element("option", { value: "*" }, all),
    names.map((name) => element("option", { value: `=${name}`, selected: `=${name}` === chosen }, name || "(none)")),
  );
}

function figures(activity, model, key) {
  const matches = (choice, name) => choice === "*" || choice === "" || choice === `=${name}`;
  const series = activity.series.filter((one) => matches(model, one.model ?? "") && matches(key, one.key));
  const minutes = Array.from({ length: MINUTES }, () => ({}));
  for (const { minutes: sums } of series) {
    for (const sum of sums) {
      const age = Math.floor((activity.now - sum.at) / activity.minute_seconds);
      const minute = minutes[MINUTES - 1 - age];
      if (minute) add(minute, sum);
    }
  }
  const of = (name) => minutes.map((minute) => minute[name] ?? 0);
  const mean = (sum, count) => minutes.map((minute) => (minute[count] ? minute[sum] / minute[count] : null));
  return [
    element(
      "div",
      { class: "charts" },
      chart("Requests", "a minute", of("requests")),
      chart("Generated tokens", "a second", of("completion_tokens").map((tokens) => tokens / activity.minute_seconds), 1),
      chart("Time to first token", "ms", mean("first_token_seconds", "streams").map((value) => value && value * 1000)),
      chart("Time of a whole answer", "ms", mean("answer_seconds", "answers").map((value) => value && value * 1000)),
      chart("Errors", "a minute", of("errors")),
      chart("Retries", "a minute", of("retries")),
    ),
    element("h2", {}, "Tokens of the last hour"),
    series.length === 0
      ? element("p", { class: "muted" }, "No request within the last hour.")
      : table("Tokens by key and model", ["model", "key", "requests", "errors", "prompt tokens", "generated tokens"], series.map(row)),
  ];
}

function add(minute, sum) {
  for (const [name, value] of Object.entries(sum)) if (name !== "at") minute[name] = (minute[name] ?? 0) + value;
}

function row({ model, key, minutes }) {
  const all = {};
  for (const sum of minutes) add(all, sum);
  return [model ?? "(unknown model)", key || "(none)", ...["requests", "errors", "prompt_tokens", "completion_tokens"].map((name) => number(all[name]))];
}
