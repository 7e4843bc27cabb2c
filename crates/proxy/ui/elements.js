// Elements of the page. Every text becomes a text node, whatever it contains.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes, listeners (`on...`) and children: elements, texts, or lists of them. */
export function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

export function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, String(value));
  }
  append(node, children);
  return node;
}

function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) node.append(child);
  }
}

/** Puts these children in place of all that a node has. */
export function replace(node, ...children) {
  node.replaceChildren();
  append(node, children);
}

/** A table that scrolls by itself where the window is narrow. */
export function table(label, heads, rows) {
  const cells = (row) => row.map((cell, index) => (index === 0 ? element("th", { scope: "row" }, cell) : element("td", {}, cell)));
  return element(
    "div",
    { class: "scroll", role: "region", "aria-label": label, tabindex: 0 },
    element(
      "table",
      {},
      element("thead", {}, element("tr", {}, heads.map((head) => element("th", { scope: "col" }, head)))),
      element("tbody", {}, rows.map((row) => element("tr", {}, cells(row)))),
    ),
  );
}

/** A field with its label. */
export function field(label, input, hint) {
  if (!input.id) input.id = `field-${(field.count = (field.count ?? 0) + 1)}`;
  const hintId = hint && `${input.id}-hint`;
  if (hintId) input.setAttribute("aria-describedby", hintId);
  return element(
    "div",
    { class: "field" },
    element("label", { for: input.id }, label),
    input,
    hint && element("span", { id: hintId, class: "hint" }, hint),
  );
}

/** Text as it is, such as a body or a command, with a button that copies it. */
export function code(label, text) {
  const button = element("button", { type: "button", class: "small" }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select the text and copy it";
    }
  });
  return element(
    "div",
    { class: "code" },
    element("div", { class: "bar" }, element("span", {}, label), button),
    element("pre", { tabindex: 0, role: "region", "aria-label": label }, element("code", {}, text)),
  );
}

/** What is shown in place of something that failed. */
export function problem(error) {
  const id = error.requestId ? ` Request id: ${error.requestId}.` : "";
  const status = error.status ? ` (HTTP ${error.status})` : "";
  return element("p", { class: "problem", role: "alert" }, `${error.message}${status}.${id}`);
}

export const number = (value, digits = 0) =>
  value.toLocaleString("en", { minimumFractionDigits: 0, maximumFractionDigits: digits });

export const time = (unix) => new Date(unix * 1000).toLocaleTimeString("en-GB");

export function seconds(value) {
  if (value < 1) return `${number(value * 1000)} ms`;
  if (value < 120) return `${number(value, 1)} s`;
  return value < 7200 ? `${number(value / 60)} min` : `${number(value / 3600)} h`;
}
