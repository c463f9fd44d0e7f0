// Errors of the service, shown next to the fields they refer to, and an offer to undo.
import { byId, createButton, html, setAttributes } from "../lib/dom.js";
import { Problem } from "../model/api.js";
import { openDrawer } from "./drawers.js";

/**
 * Show an error and mark the fields it refers to, or remove both.
 * @param {string} id of the element @param {Problem | null} problem
 * @param {() => void} [retry] offered if the request may succeed later
 */
export function showProblem(id, problem, retry) {
  const element = byId(id);
  for (const field of document.querySelectorAll(`[aria-describedby="${id}"]`)) {
    setAttributes(field, { "aria-invalid": null, "aria-describedby": null });
  }
  element.hidden = !problem;
  if (!problem) {
    element.replaceChildren();
    return;
  }
  const fields = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-pointer]")]);
  const details = problem.errors.map(({ pointer, parameter, detail }) => {
    const place = pointer ?? `/${parameter}`;
    const field = fields.find(({ dataset }) => place.endsWith(dataset.pointer ?? ""));
    if (field) setAttributes(field, { "aria-invalid": "true", "aria-describedby": id });
    const drawer = field?.closest(".drawer");
    if (drawer) openDrawer(/** @type {HTMLElement} */ (drawer));
    return `${field?.closest("label")?.textContent?.trim() ?? place}: ${detail}`;
  });
  const lines = details.length ? details : [problem.message].filter(Boolean);
  element.replaceChildren(html("strong", {}, problem.title), ...lines.map((line) => html("span", {}, line)));
  if (retry && problem.isTemporary) element.append(createButton("Try again", retry));
}

/** Report the entries of the address that were ignored. @param {Ignored[]} ignored */
export function showIgnored(ignored) {
  const problem = new Problem("Some entries of the address are not valid and have no effect", "", ignored);
  showProblem("address-problem", ignored.length ? problem : null);
}

/**
 * Report a removal and offer to undo it, or withdraw the offer.
 * @param {string} text @param {(() => void) | null} restore
 */
export function offerUndo(text, restore) {
  const undo = () => {
    offerUndo("", null);
    restore?.();
  };
  byId("undo").replaceChildren(...(restore ? [html("span", {}, text), createButton("Undo", undo)] : []));
}
