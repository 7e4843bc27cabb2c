// The API reference, from the proxy's own description.

import { getJson } from "./api.js";
import { code, element, field, replace, table } from "./elements.js";

export async function showReference(view) {
  const description = await getJson("/openapi.json");
  const operations = operationsOf(description);
  const filter = element("input", { type: "search" });
  const list = element("div", {});
  const draw = () => {
    const words = filter.value.toLowerCase();
    const shown = operations.filter(({ title, operation }) => `${title} ${operation.summary}`.toLowerCase().includes(words));
    replace(list, shown.length === 0 ? element("p", {}, "No such route.") : shown.map((one) => details(one, description)));
  };
  filter.addEventListener("input", draw);
  replace(
    view,
    element("p", {}, `${description.info.description} Send a key as `, element("code", {}, "Authorization: Bearer <key>"), ", ", element("code", {}, "x-api-key"), " or ", element("code", {}, "api-key"), "."),
    element("p", {}, element("a", { href: "/openapi.json" }, "openapi.json")),
    field("Filter", filter),
    list,
  );
  draw();
}

/** One entry for each route: paths with and without `/v1`, and those of OpenAI's old form and Azure's, answer alike. */
function operationsOf({ paths }) {
  const shown = Object.keys(paths).filter((path) => !(`/v1${path}` in paths) && !/^\/(engines|openai)\//.test(path));
  const all = shown.flatMap((path) =>
    Object.entries(paths[path]).map(([method, operation]) => ({ title: `${method.toUpperCase()} ${path}`, path, operation })),
  );
  const forms = (path) => Object.keys(paths).filter((other) => other !== path && other.replace(/^\/(engines|openai\/deployments)\/\{model\}/, "") === path.replace(/^\/v1/, ""));
  return all.map((one) => ({ ...one, forms: forms(one.path) }));
}

function details({ title, operation, forms }, description) {
  const needsKey = !(operation.security && operation.security.length === 0);
  return element(
    "details",
    { class: "card" },
    element("summary", {}, element("code", {}, title), element("span", { class: "muted" }, ` ${operation.summary}`)),
    element("p", {}, needsKey ? "Needs a key, if the proxy has any." : "Needs no key."),
    forms.length > 0 && element("p", {}, "Also at ", forms.map((form, index) => [index > 0 && ", ", element("code", {}, form)]), "."),
    schemas("Request", operation.requestBody?.content, description),
    Object.entries(operation.responses).map(([status, response]) => schemas(`${status}: ${response.description}`, response.content, description)),
  );
}

function schemas(title, content, description) {
  if (!content) return null;
  return Object.entries(content).map(([type, { schema }]) => {
    const known = resolved(schema, description);
    const rows = Object.entries(known.properties ?? {}).map(([name, property]) => [
      element("code", {}, name),
      typeOf(resolved(property, description)),
      known.required?.includes(name) ? "required" : "",
      resolved(property, description).description ?? "",
    ]);
    const label = `${title} (${type})`;
    return element(
      "details",
      {},
      element("summary", {}, label),
      rows.length > 0 ? table(label, ["field", "type", "", "meaning"], rows) : code("Schema", JSON.stringify(known, null, 2)),
    );
  });
}

function resolved(schema, description) {
  if (!schema?.$ref) return schema ?? {};
  return schema.$ref.slice(2).split("/").reduce((node, step) => node?.[step], description) ?? {};
}

function typeOf(schema) {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const alternatives = schema.oneOf ?? schema.anyOf;
  if (alternatives) return alternatives.map(typeOf).join(" | ");
  if (schema.type === "array") return `list of ${typeOf(schema.items ?? {})}`;
  return [schema.type ?? "any"].flat().join(" | ");
}
