// Form fields that show the state and change it.
// @ts-check
import { byId } from "../lib/dom.js";
import { plain } from "../lib/format.js";

/** @typedef {import("../model/state.js").State} State */

/**
 * @param {import("../model/state.js").Store} store
 * @param {keyof State} key also the field's id
 * @param {(input: HTMLInputElement) => any} read undefined where the text means nothing yet
 * @param {Partial<State>} [also] set with it
 */
export function bind(store, key, read, also = {}) {
  const field = byId(key);
  field.addEventListener(field.localName === "select" || field.type === "checkbox" ? "change" : "input", () => {
    const value = read(field);
    field.toggleAttribute("aria-invalid", value === undefined);
    if (value !== undefined) store.set({ [key]: value, ...also });
  });
  field.addEventListener("blur", () => {
    field.removeAttribute("aria-invalid");
    show(field, store.state[key]);
  });
  store.watch([key], (state) => {
    if (document.activeElement !== field || field.localName === "select") show(field, state[key]);
  });
}

/** @param {HTMLInputElement} field @param {any} value */
function show(field, value) {
  if (field.type === "checkbox") field.checked = value;
  else field.value = value === null ? "" : typeof value === "number" ? plain(value) : value;
}

/** @param {HTMLInputElement} field @returns {number | undefined} */
export function number(field) {
  const value = field.valueAsNumber;
  return Number.isFinite(value) ? value : undefined;
}

/** A number within the field's bounds. @param {HTMLInputElement} field */
export function whole(field) {
  const value = number(field);
  const fits = value !== undefined && Number.isInteger(value) && field.validity.valid;
  return fits ? value : undefined;
}

/** A number, or null where nothing is written. @param {HTMLInputElement} field */
export function optional(field) {
  return field.value === "" && !field.validity.badInput ? null : number(field);
}
