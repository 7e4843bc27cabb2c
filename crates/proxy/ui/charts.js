// Small charts of an hour, one bar a minute.

import { element, number, svg } from "./elements.js";

const WIDTH = 300;
const HEIGHT = 60;

/** A chart of values by minute, the oldest first; `null` for a minute without a value. */
export function chart(title, unit, values, digits = 0) {
  const known = values.filter((value) => value !== null);
  const most = Math.max(0, ...known);
  const last = known.at(-1);
  const say = (value) => `${number(value, digits)}${unit ? ` ${unit}` : ""}`;
  const summary = known.length === 0 ? "nothing yet" : `latest ${say(last)}, most ${say(most)}`;
  const step = WIDTH / values.length;
  const bars = values.map((value, index) => {
    if (value === null || most === 0) return null;
    const height = Math.max(value > 0 ? 1 : 0, (value / most) * HEIGHT);
    return svg("rect", { x: (index * step).toFixed(2), y: (HEIGHT - height).toFixed(2), width: (step * 0.8).toFixed(2), height: height.toFixed(2) });
  });
  return element(
    "figure",
    { class: "chart" },
    element("figcaption", {}, element("strong", {}, title), element("span", {}, summary)),
    svg(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title} by minute over the last hour: ${summary}`, preserveAspectRatio: "none" },
      svg("line", { x1: 0, y1: HEIGHT, x2: WIDTH, y2: HEIGHT, class: "axis" }),
      bars,
    ),
  );
}
