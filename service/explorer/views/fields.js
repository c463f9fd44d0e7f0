// Form fields that show the state and change it.
import { byId, html, setAttributes } from "../lib/dom.js";
import { formatExact } from "../lib/format.js";
import { findReader } from "../model/address.js";

/**
 * Bind a field to a key of the state.
 * @param {Store} store @param {keyof State} key also the id of the field
 * @param {Partial<State>} [change] a further change when the user edits the field
 */
export function bindField(store, key, change = {}) {
  const field = byId(key);
  const show = () => showValue(field, store.state[key]);
  const accept = (/** @type {any} */ value) => store.set({ [key]: value, ...change });
  const isChoice = field.localName === "select" || field.type === "checkbox";
  if (isChoice) field.addEventListener("change", () => accept(field.type === "checkbox" ? field.checked : field.value));
  else enableEditing(field, { ...findReader(key), accept, show });
  store.watch([key], () => {
    if (isChoice || document.activeElement !== field) show();
  });
}

/**
 * Let the user edit a field. While its text is not valid, the field says what is expected. When the
 * user leaves it then, it returns to the last valid value and says so.
 * @param {HTMLInputElement} field @param {Editing} editing
 */
export function enableEditing(field, { read, expected, accept, show }) {
  let text = "";
  field.addEventListener("input", () => {
    const value = field.validity.badInput ? undefined : read(field.value);
    text = value === undefined ? `Must be ${expected}.` : "";
    reportField(field, text);
    setAttributes(field, { "aria-invalid": text ? "true" : null });
    if (!text) accept(value);
  });
  field.addEventListener("blur", () => {
    show();
    if (text) reportField(field, `${text} The field has its last valid value again.`);
    setAttributes(field, { "aria-invalid": null });
    text = "";
  });
}

/** Show a message below a field, or remove it. @param {HTMLInputElement} field @param {string} text */
export function reportField(field, text) {
  const label = field.closest("label");
  const next = label?.nextElementSibling;
  const note = next?.classList.contains("field-problem") ? next : html("p", { class: "field-problem", role: "alert" });
  if (text) label?.after(note);
  else note.remove();
  note.textContent = text;
}

/** @param {HTMLInputElement} field @param {any} value */
function showValue(field, value) {
  if (field.type === "checkbox") field.checked = value;
  else field.value = value === null ? "" : typeof value === "number" ? formatExact(value) : value;
}
