// Trying the models: one part for each kind that the proxy has a route for.

import { getJson } from "./api.js";
import { chatPart } from "./chat.js";
import { element, replace } from "./elements.js";
import { embeddingsPart } from "./embeddings.js";
import { rerankPart } from "./rerank.js";

const PARTS = [
  { title: "Chat", path: "/v1/chat/completions", modes: ["chat", "completion"], build: chatPart },
  { title: "Embeddings", path: "/v1/embeddings", modes: ["embedding"], build: embeddingsPart },
  { title: "Rerank", path: "/v1/rerank", modes: ["rerank"], build: rerankPart },
];

export async function showPlayground(view, signal) {
  const [models, info, description] = await Promise.all([getJson("/v1/models"), getJson("/v1/model/info"), getJson("/openapi.json")]);
  const modes = new Map(info.data.map((entry) => [entry.model_name, entry.model_info.mode]));
  // Other names of a model have no entry of their own; they are offered everywhere.
  const named = (part) => models.data.map(({ id }) => id).filter((id) => !modes.has(id) || part.modes.includes(modes.get(id)));
  const parts = PARTS.filter((part) => part.path in description.paths);
  const panels = parts.map((part) => {
    const panel = element("div", { role: "tabpanel", id: `part-${part.title}`, "aria-labelledby": `tab-${part.title}`, hidden: true });
    part.build(panel, named(part), signal);
    return panel;
  });
  const tabs = parts.map((part, index) =>
    element("button", { type: "button", role: "tab", id: `tab-${part.title}`, "aria-controls": `part-${part.title}`, onclick: () => select(index) }, part.title),
  );
  const select = (chosen) => {
    tabs.forEach((tab, index) => {
      tab.setAttribute("aria-selected", index === chosen);
      tab.tabIndex = index === chosen ? 0 : -1;
      panels[index].hidden = index !== chosen;
    });
  };
  const list = element("div", { class: "tabs", role: "tablist", "aria-label": "Kind of model" }, tabs);
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = (tabs.indexOf(event.target) + step + tabs.length) % tabs.length;
    select(next);
    tabs[next].focus();
  });
  select(0);
  replace(view, list, panels);
}

/** A choice of models, or a sentence that says that there are none. */
export function modelChoice(names) {
  return element("select", { required: true }, names.map((name) => element("option", { value: name }, name)));
}
