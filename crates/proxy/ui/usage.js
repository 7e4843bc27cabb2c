// What the key may use, has used and has left.

import { getJson } from "./api.js";
import { element, number, replace, seconds } from "./elements.js";
import { isOperator } from "./session.js";

export async function showUsage(view) {
  const { info } = await getJson("/key/info");
  const facts = [
    ["Key", info.key_alias || "none: the proxy asks for no key"],
    ["Models", info.models?.length ? info.models.join(", ") : "all"],
    info.expires_at && ["Expires", new Date(info.expires_at * 1000).toLocaleString("en-GB")],
  ].filter(Boolean);
  replace(
    view,
    element("dl", { class: "facts" }, facts.map(([name, value]) => [element("dt", {}, name), element("dd", {}, value)])),
    isOperator()
      ? element("p", {}, "This key has no limits. Figures shows what each key has used within the last hour.")
      : [
          limit("Requests in this minute", info.requests, info.rpm_limit, info.minute_resets_in),
          limit("Tokens in this minute", info.tokens, info.tpm_limit, info.minute_resets_in),
          limit("Tokens of the budget", info.tokens_spent, info.token_budget, info.budget_resets_in, info.tokens_reserved),
        ],
  );
}

function limit(name, used, most, resetsIn, reserved) {
  const parts = most === null || most === undefined
    ? [`${number(used)} used, no limit`]
    : [`${number(used)} of ${number(most)} used, ${number(Math.max(0, most - used))} left`];
  if (reserved) parts.push(`${number(reserved)} reserved by requests at work`);
  if (resetsIn !== null && resetsIn !== undefined && most) parts.push(`starts again in ${seconds(resetsIn)}`);
  const bar = most ? element("meter", { min: 0, max: most, value: Math.min(used, most), high: most * 0.8, optimum: 0, "aria-label": name }) : null;
  return element("div", { class: "card" }, element("h2", {}, name), bar, element("p", {}, `${parts.join("; ")}.`));
}
