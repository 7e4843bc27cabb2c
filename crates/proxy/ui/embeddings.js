// Embeddings of a few texts, and how similar they are to each other.

import { call } from "./api.js";
import { element, field, number, problem, replace, table } from "./elements.js";
import { modelChoice } from "./playground.js";
import { raw, snippets } from "./snippets.js";

const PATH = "/v1/embeddings";

export function embeddingsPart(panel, models, leaving) {
  if (models.length === 0) return replace(panel, element("p", {}, "This key may use no embedding model."));
  const model = modelChoice(models);
  const texts = element("textarea", { rows: 5, required: true }, "a llama is an animal\nan alpaca is an animal\nSageMaker hosts models");
  const result = element("div", { role: "status" });
  const button = element("button", { type: "submit", class: "primary" }, "Embed");
  const form = element("form", {}, field("Model", model), field("Texts", texts, "One text a line."), element("div", { class: "actions" }, button));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const input = texts.value.split("\n").filter((line) => line.trim());
    const request = { model: model.value, input };
    button.disabled = true;
    try {
      const response = await call(PATH, { method: "POST", body: JSON.stringify(request), signal: leaving });
      const text = await response.text();
      replace(result, similarities(input, JSON.parse(text)), snippets(PATH, request), raw(request, text));
    } catch (error) {
      if (error.name !== "AbortError") replace(result, problem(error), snippets(PATH, request));
    }
    button.disabled = false;
  });
  replace(panel, form, result);
}

function similarities(texts, reply) {
  const vectors = reply.data.map((item) => item.embedding);
  const label = (index) => `${index + 1}. ${texts[index]}`;
  return [
    element("p", {}, `${number(vectors.length)} vectors of ${number(vectors[0]?.length ?? 0)} numbers, ${number(reply.usage?.total_tokens ?? 0)} tokens.`),
    table(
      "Cosine similarity of the texts",
      ["text", ...vectors.map((_, index) => String(index + 1))],
      vectors.map((one, index) => [label(index), ...vectors.map((other) => cosine(one, other).toFixed(3))]),
    ),
  ];
}

/** From -1 to 1: https://en.wikipedia.org/wiki/Cosine_similarity */
function cosine(one, other) {
  const dot = (a, b) => a.reduce((sum, value, index) => sum + value * b[index], 0);
  const lengths = Math.sqrt(dot(one, one) * dot(other, other));
  return lengths === 0 ? 0 : dot(one, other) / lengths;
}
