// A block of code with a button that copies it.
import { enableCopy } from "../lib/clipboard.js";
import { html } from "../lib/dom.js";

/** @param {string} title @param {string} name */
export function createBlock(title, name) {
  const code = html("code");
  const copy = html("button", { type: "button", "aria-label": `Copy ${name}` }, "Copy");
  const select = () => getSelection()?.selectAllChildren(code);
  enableCopy(copy, () => code.textContent, select, "Selected");
  const header = html("header", {}, html("h3", {}, title), copy);
  const frame = html("pre", { tabindex: 0, role: "group", "aria-label": name }, code);
  return { element: html("div", { class: "block" }, header, frame), code };
}
