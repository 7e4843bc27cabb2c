// Who uses the page. The key is a variable of this module: it is never stored, and a reload forgets it.

import { getJson } from "./api.js";

let key = "";
let info = null;

/** The header that a request is sent with. */
export function authorization() {
  return key ? { authorization: `Bearer ${key}` } : {};
}

/** What the key may do; `null` before a sign-in. */
export function session() {
  return info;
}

/** Whether everything may be seen: with the master key, or if the proxy asks for no key. */
export function isOperator() {
  return info?.is_operator === true;
}

/** Tries a key, or none. It is kept if the proxy takes it. */
export async function signIn(tried) {
  const before = key;
  key = tried;
  try {
    info = (await getJson("/key/info")).info;
  } catch (error) {
    key = before;
    throw error;
  }
}

export function signOut() {
  key = "";
  info = null;
}
