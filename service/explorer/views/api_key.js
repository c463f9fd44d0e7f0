// The API key, which the page asks for if the service refuses a request without one.
import { hasKey, refusals, saveKey } from "../lib/credentials.js";
import { byId, saveFile, setAttributes } from "../lib/dom.js";
import { Problem, absoluteUrl, acceptsKey, send } from "../model/api.js";

const KEY = /^[!-~]+$/; // characters that a header may have

/** Return a function that asks for a key. */
export function createKeyDialog() {
  const [dialog, form, field, button] = ["key-dialog", "key-form", "key", "change-key"].map(byId);
  const ask = () => {
    button.hidden = false;
    if (!dialog.open) dialog.showModal();
  };
  button.hidden = !hasKey;
  button.addEventListener("click", ask);
  refusals.addEventListener("refused", ask);
  byId("key-cancel").addEventListener("click", () => dialog.close());
  form.addEventListener("submit", async (/** @type {Event} */ event) => {
    event.preventDefault();
    const problem = await useKey(field.value.trim());
    if (!problem) return;
    setAttributes(field, { "aria-invalid": "true", "aria-describedby": "key-problem" });
    byId("key-problem").textContent = problem;
    byId("key-problem").hidden = false;
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
