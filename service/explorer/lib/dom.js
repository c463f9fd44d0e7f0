// Small tools for elements.
// @ts-check

/** @param {string} id @returns {any} the element, which the page is known to have */
export const byId = (id) => document.getElementById(id);

/**
 * @param {string} name @param {Record<string, any>} [attributes] @param {...(Node | string)} children
 * @returns {any}
 */
export function html(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/**
 * @param {string} name @param {Record<string, any>} [attributes] @param {...(Node | string)} children
 * @returns {any}
 */
export function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

/** @param {Element} element @param {Record<string, any>} attributes @param {(Node | string)[]} children */
function filled(element, attributes, children) {
  set(element, attributes);
  element.append(...children);
  return element;
}

/** @param {Element} element @param {Record<string, any>} attributes */
export function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) element.removeAttribute(name);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
}

/** A function that runs once calls have ceased for a while. @param {number} ms @param {() => void} run */
export function debounced(ms, run) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(run, ms);
  };
}

/** A function that runs at most once in a while, the last call included. @param {number} ms @param {() => void} run */
export function paced(ms, run) {
  let timer = 0;
  return () => {
    timer ||= setTimeout(() => {
      timer = 0;
      run();
    }, ms);
  };
}

/**
 * A number in a few digits; its title has all of them.
 * @param {Element} element @param {string} text @param {number | null | undefined} value
 */
export function showNumber(element, text, value) {
  if (element.textContent !== text) element.textContent = text;
  const exact = value === null || value === undefined ? "" : String(value);
  if (element.getAttribute("data-value") !== exact) set(element, { "data-value": exact, title: exact });
}

/**
 * Show what the service said is wrong beside what it is about, and mark the fields it names.
 * @param {string} id of the place @param {import("../model/api.js").Problem | null} problem
 */
export function showProblem(id, problem) {
  const place = byId(id);
  const section = place.closest("section");
  for (const field of section.querySelectorAll("[aria-invalid]")) {
    set(field, { "aria-invalid": null, "aria-describedby": null });
  }
  place.hidden = !problem;
  if (!problem) {
    place.replaceChildren();
    return;
  }
  const fields = [...section.querySelectorAll("[data-pointer]")];
  const found = problem.errors.map(({ pointer, detail }) => {
    const field = fields.find(({ dataset }) => pointer.endsWith(dataset.pointer));
    if (field) set(field, { "aria-invalid": "true", "aria-describedby": id });
    return `${field?.closest("label")?.textContent.trim() ?? pointer}: ${detail}`;
  });
  const lines = found.length ? found : [problem.message];
  place.replaceChildren(html("strong", {}, problem.title), ...lines.map((line) => html("span", {}, line)));
}
