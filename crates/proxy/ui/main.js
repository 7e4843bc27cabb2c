// The page: signing in, and which view is shown.

import { getJson } from "./api.js";
import { element, problem, replace } from "./elements.js";
import { showFailures } from "./failures.js";
import { showFigures } from "./figures.js";
import { showModels } from "./models.js";
import { showPlayground } from "./playground.js";
import { showReference } from "./reference.js";
import { isOperator, session, signIn, signOut } from "./session.js";
import { themeButton } from "./theme.js";
import { showUsage } from "./usage.js";

/** The views: a title, and what fills a node. A view that keeps itself up to date is told by a signal when to stop. */
const VIEWS = {
  models: ["Models", showModels],
  playground: ["Playground", showPlayground],
  usage: ["Usage", showUsage],
  figures: ["Figures", showFigures],
  failures: ["Failures", showFailures],
  reference: ["API reference", showReference],
};

const at = (id) => document.getElementById(id);
let leaving = new AbortController();

function wanted() {
  const name = location.hash.slice(1);
  if (name in VIEWS) return name;
  return location.pathname.startsWith("/docs") ? "reference" : "models";
}

async function show() {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const name = wanted();
  const mayShow = session() !== null || name === "reference";
  at("sign-in").hidden = mayShow;
  at("view").hidden = !mayShow;
  at("views").hidden = session() === null;
  at("sign-out").hidden = session() === null || !session().key_alias;
  at("who").textContent = who();
  for (const link of at("views").children) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = mayShow ? `${VIEWS[name][0]} - sagewire` : "Sign in - sagewire";
  if (!mayShow) {
    replace(at("view"));
    at("key").focus();
    return;
  }
  const view = element("div", {});
  replace(at("view"), element("h1", {}, VIEWS[name][0]), view);
  try {
    await VIEWS[name][1](view, signal);
  } catch (error) {
    if (!signal.aborted) replace(view, problem(error));
  }
}

function who() {
  const info = session();
  if (!info) return "";
  if (!info.key_alias) return "no key needed";
  return isOperator() ? "master key" : `key ${info.key_alias}`;
}

async function tryKey(event) {
  event.preventDefault();
  const form = event.currentTarget;
  const button = form.querySelector("button");
  button.disabled = true;
  at("sign-in-problem").textContent = "";
  try {
    await signIn(at("key").value.trim());
    at("key").value = "";
    await show();
    at("content").focus();
  } catch (error) {
    at("sign-in-problem").textContent = error.message;
    at("key").select();
  } finally {
    button.disabled = false;
  }
}

async function start() {
  replace(at("views"), Object.entries(VIEWS).map(([name, [title]]) => element("a", { href: `/#${name}` }, title)));
  themeButton(at("theme"));
  at("sign-in-form").addEventListener("submit", tryKey);
  at("sign-out").addEventListener("click", () => {
    signOut();
    show();
  });
  addEventListener("hashchange", show);
  // On `/docs` the links to views must not load the page anew, which would forget the key.
  at("views").addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (location.pathname !== "/") history.pushState(null, "", `/${link.hash}`);
    else location.hash = link.hash;
    show();
  });
  try {
    const home = await getJson("/");
    at("version").textContent = home.version;
    if (!home.needs_key) await signIn("");
    await show();
  } catch (error) {
    at("view").hidden = false;
    replace(at("view"), problem(error));
  }
}

start();
