// Form fields that show the state and change it.
// @ts-check
import { byId } from "../lib/dom.js";
import { formatExact } from "../lib/format.js";
/** @import { State, Store } from "../model/state.js" */

/**
 * Bind a field to a key of the state.
 * @param {Store} store
 * @param {keyof State} key also the id of the field
 * @param {(field: HTMLInputElement) => any} read returns undefined if the value is invalid
 * @param {Partial<State>} [change] a further change when the user edits the field
 */
export function bindField(store, key, read, change = {}) {
  const field = byId(key);
  const isSelect = field.localName === "select";
  field.addEventListener(isSelect || field.type === "checkbox" ? "change" : "input", () => {
    const value = read(field);
    field.toggleAttribute("aria-invalid", value === undefined);
    if (value !== undefined) store.set({ [key]: value, ...change });
  });
  field.addEventListener("blur", () => {
    field.removeAttribute("aria-invalid");
    showValue(field, store.state[key]);
  });
  store.watch([key], (state) => {
    if (document.activeElement !== field || isSelect) showValue(field, state[key]);
  });
}

/** @param {HTMLInputElement} field @param {any} value */
function showValue(field, value) {
  if (field.type === "checkbox") field.checked = value;
  else field.value = value === null ? "" : typeof value === "number" ? formatExact(value) : value;
}

/** @param {HTMLInputElement} field */
export function readNumber(field) {
  const value = field.valueAsNumber;
  return Number.isFinite(value) ? value : undefined;
}

/** Read an integer within the bounds of the field. @param {HTMLInputElement} field */
export function readInteger(field) {
  const value = readNumber(field);
  return value !== undefined && Number.isInteger(value) && field.validity.valid ? value : undefined;
}

/** Read a number, or null from an empty field. @param {HTMLInputElement} field */
export function readOptionalNumber(field) {
  return field.value === "" && !field.validity.badInput ? null : readNumber(field);
}
