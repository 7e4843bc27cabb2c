// The last failures, with their request ids and what to do.

import { getJson } from "./api.js";
import { element, replace, table, time } from "./elements.js";
import { isOperator } from "./session.js";

export async function showFailures(view) {
  const { failures } = await getJson("/activity");
  const reload = element("button", { type: "button" }, "Load again");
  reload.addEventListener("click", () => showFailures(view));
  replace(
    view,
    element("div", { class: "actions" }, reload),
    failures.length === 0
      ? element("p", {}, "No request has failed since the proxy was started.")
      : table(
          "Last failures",
          ["time", "status", "what happened and what to do", "model", ...(isOperator() ? ["key"] : []), "request id"],
          failures.map(row),
        ),
  );
}

function row(failure) {
  return [
    time(failure.at),
    [String(failure.status), element("div", { class: "muted" }, failure.kind)],
    element("div", { class: "message" }, failure.message),
    [failure.model ?? "", failure.deployment && element("div", { class: "muted" }, failure.deployment)],
    ...(isOperator() ? [failure.key] : []),
    [
      element("code", {}, failure.request_id),
      failure.aws_request_id && element("div", { class: "muted" }, "AWS: ", element("code", {}, failure.aws_request_id)),
    ],
  ];
}
