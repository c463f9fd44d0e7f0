// The API key, for which the page prompts if the service rejects a request without one.
import { hasKey, refusals, saveKey } from "../lib/credentials.js";
import { createButton, html, saveFile, setAttributes } from "../lib/dom.js";
import { Problem, absoluteUrl, acceptsKey, send } from "../model/api.js";

const KEPT = "The page keeps it until this tab is closed. It is never part of links, code or files.";
const KEY = /^[!-~]+$/; // characters that a header may have

/** Return a function that prompts for a key. */
export function createKeyDialog() {
  const field = html("input", { type: "password", id: "key", autocomplete: "off", spellcheck: "false" });
  const error = html("div", { id: "key-problem", class: "problem", role: "alert", hidden: true });
  const label = html("label", { class: "field" }, "Key with the scope write", field);
  const submit = html("button", { type: "submit", class: "primary" }, "Use this key");
  const cancel = createButton("Cancel", () => dialog.close());
  const actions = html("div", { class: "actions" }, submit, cancel);
  const form = html("form", { method: "dialog", novalidate: true }, label);
  form.append(html("p", { class: "muted small" }, KEPT), error, actions);
  const title = html("h2", { id: "key-title" }, "This service requires an API key");
  const dialog = html("dialog", { id: "key-dialog", "aria-labelledby": "key-title" }, title, form);
  const ask = () => dialog.open || dialog.showModal();
  document.body.append(dialog);
  const change = createButton("API key", ask, { class: "quiet", id: "change-key" });
  document.querySelector(".page-header nav")?.append(change);
  refusals.addEventListener("refused", ask);
  form.addEventListener("submit", async (/** @type {Event} */ event) => {
    event.preventDefault();
    const problem = await useKey(field.value.trim());
    if (!problem) return;
    setAttributes(field, { "aria-invalid": "true", "aria-describedby": "key-problem" });
    error.textContent = problem;
    error.hidden = false;
    field.select();
  });
  document.addEventListener("click", saveLinked);
  return ask;
}

/** Load the page again with a key, or return what is wrong with it. @param {string} key */
async function useKey(key) {
  try {
    if (!KEY.test(key) || !(await acceptsKey(key))) return "The service does not accept this key.";
    saveKey(key);
    location.reload();
    return "";
  } catch (error) {
    return error instanceof Problem ? error.title : "This browser does not let the page keep a key.";
  }
}

/** Save what a link to the API leads to, because a link cannot send the key. @param {MouseEvent} event */
async function saveLinked(event) {
  const link = /** @type {Element} */ (event.target).closest("a");
  if (!hasKey || !link?.href.startsWith(absoluteUrl("v1/"))) return;
  event.preventDefault();
  const name = new URL(link.href).pathname.split("/").at(-1) ?? "";
  try {
    const response = await send(link.href);
    saveFile(name.includes(".") ? name : `${name}.json`, await response.blob());
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    link.append(` (${error.title})`);
  }
}
