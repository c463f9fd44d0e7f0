// Form fields that show the state and change it.
import { byId, html, setAttributes } from "../lib/dom.js";
import { formatExact } from "../lib/format.js";
import { findReader } from "../model/address.js";
import { openDrawer } from "./drawers.js";

/**
 * Bind a field to a key of the state.
 * @param {Store} store @param {keyof State} key also the id of the field
 * @param {Partial<State>} [change] a further change when the user edits the field
 */
export function bindField(store, key, change = {}) {
  const accept = (/** @type {any} */ value) => store.set({ [key]: value, ...change });
  const show = enableEditing(byId(key), { ...findReader(key), accept, get: () => store.state[key] });
  store.watch([key], show);
}

/**
 * Let the user edit a field, and return the function that shows its value. While its text is not valid, it has no
 * effect and the field shows the valid values.
 * @param {any} field @param {Editing} editing
 */
export function enableEditing(field, { read, expected, accept, get }) {
  const isChoice = field.localName === "select" || field.type === "checkbox";
  let isValid = true;
  const show = () => {
    showValue(field, get());
    reportField(field, "");
  };
  field.addEventListener(isChoice ? "change" : "input", () => {
    if (field.type === "checkbox") return accept(field.checked);
    const value = field.validity.badInput ? undefined : read(field.value);
    isValid = value !== undefined;
    const name = field.getAttribute("aria-label") ?? field.closest("label")?.firstChild?.textContent?.trim();
    reportField(field, isValid ? "" : `${name} must be ${expected}.`);
    if (isValid) accept(value);
  });
  field.addEventListener("blur", () => isValid && show());
  return () => {
    if (isChoice || document.activeElement !== field) show();
  };
}

/** Return true if all fields that training uses are valid. Otherwise, show one that is not. */
export function checkFields() {
  const field = /** @type {HTMLElement | null} */ (
    document.querySelector("label:not(.steps label):has(+ .field-problem) input")
  );
  const drawer = /** @type {HTMLElement | null | undefined} */ (field?.closest(".drawer[hidden]"));
  if (drawer) openDrawer(drawer);
  field?.focus();
  return !field;
}

/** Show a message below a field, or remove it. @param {HTMLInputElement} field @param {string} text */
function reportField(field, text) {
  const label = field.closest("label");
  const next = label?.nextElementSibling;
  const note = next?.classList.contains("field-problem") ? next : html("p", { class: "field-problem", role: "alert" });
  if (text) label?.after(note);
  else note.remove();
  note.textContent = text;
  setAttributes(field, { "aria-invalid": text ? "true" : null });
}

/** @param {HTMLInputElement} field @param {any} value */
function showValue(field, value) {
  if (field.type === "checkbox") field.checked = value;
  else field.value = value === null ? "" : typeof value === "number" ? formatExact(value) : value;
}
