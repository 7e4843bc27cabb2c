// Documents in the order of how well they fit a query.

import { call } from "./api.js";
import { element, field, problem, replace, table } from "./elements.js";
import { modelChoice } from "./playground.js";
import { raw, snippets } from "./snippets.js";

const PATH = "/v1/rerank";

export function rerankPart(panel, models, leaving) {
  if (models.length === 0) return replace(panel, element("p", {}, "This key may use no rerank model."));
  const model = modelChoice(models);
  const query = element("input", { type: "text", required: true, value: "When do llamas spit?" });
  const documents = element("textarea", { rows: 5, required: true }, "SageMaker hosts models.\nAlpacas are kept for their wool.\nLlamas spit when they are annoyed.");
  const result = element("div", { role: "status" });
  const button = element("button", { type: "submit", class: "primary" }, "Rerank");
  const form = element("form", {}, field("Model", model), field("Query", query), field("Documents", documents, "One document a line."), element("div", { class: "actions" }, button));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const texts = documents.value.split("\n").filter((line) => line.trim());
    const request = { model: model.value, query: query.value, documents: texts };
    button.disabled = true;
    try {
      const response = await call(PATH, { method: "POST", body: JSON.stringify(request), signal: leaving });
      const text = await response.text();
      const rows = JSON.parse(text).results.map((found) => [texts[found.index], Number(found.relevance_score).toFixed(4)]);
      replace(result, table("Documents by relevance", ["document", "score"], rows), snippets(PATH, request), raw(request, text));
    } catch (error) {
      if (error.name !== "AbortError") replace(result, problem(error), snippets(PATH, request));
    }
    button.disabled = false;
  });
  replace(panel, form, result);
}
