// Helpers for DOM elements.

/** @param {string} id @returns {any} the element, which must be in the page */
export const byId = (id) => document.getElementById(id);

/** Return elements by their ids. @param {...string} ids @returns {Record<string, any>} */
export const byIds = (...ids) => Object.fromEntries(ids.map((id) => [id, byId(id)]));

/**
 * Return all elements of a part of the page that have an id, by their ids.
 * @param {Element} part
 * @returns {Record<string, any>}
 */
export const listById = (part) =>
  Object.fromEntries(Array.from(part.querySelectorAll("[id]"), (element) => [element.id, element]));

/** Return the values that an attribute has in the page, as text. @param {string} name */
export function listValues(name) {
  const elements = document.querySelectorAll(`body [${name}]`);
  return [...new Set(Array.from(elements, (element) => element.getAttribute(name)))].join(", ");
}

/**
 * Create an HTML element.
 * @param {string} name @param {Record<string, any>} [attributes] @param {...(Node | string)} children
 * @returns {any}
 */
export function html(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/**
 * Create a button.
 * @param {string | Node} text
 * @param {() => void} onClick
 * @param {Record<string, any>} [attributes]
 */
export function createButton(text, onClick, attributes = {}) {
  const button = html("button", { type: "button", ...attributes }, text);
  button.addEventListener("click", onClick);
  return button;
}

/**
 * Create an SVG element.
 * @param {string} name @param {Record<string, any>} [attributes] @param {...(Node | string)} children
 * @returns {any}
 */
export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

/** @param {Element} element @param {Record<string, any>} attributes @param {(Node | string)[]} children */
function fill(element, attributes, children) {
  setAttributes(element, attributes);
  element.append(...children);
  return element;
}

/**
 * Set attributes. The values false, null and undefined remove the attribute.
 * @param {Element} element @param {Record<string, any>} attributes
 */
export function setAttributes(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) element.removeAttribute(name);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
}

/** Let the browser save a file. @param {string} name @param {Blob} blob */
export function saveFile(name, blob) {
  const link = html("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href));
}

/**
 * Set the text of an element. If it is the same, a selection in it stays.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Show a number with few digits. The title and data-value hold all digits.
 * @param {Element} element @param {string} text @param {number | null | undefined} value
 */
export function showNumber(element, text, value) {
  setText(element, text);
  const exact = value === null || value === undefined ? "" : String(value);
  if (element.getAttribute("data-value") !== exact) setAttributes(element, { "data-value": exact, title: exact });
}

/**
 * Give a canvas its place and size, as parts of a figure that may be printed in another size.
 * @param {HTMLCanvasElement} canvas @param {{rect: Rect, size: {width: number, height: number}}} plot
 * @param {number} ratio of its pixels to those of the page
 */
export function placeCanvas(canvas, { rect, size: figure }, ratio) {
  const size = { width: Math.round(rect.width * ratio), height: Math.round(rect.height * ratio) };
  if (canvas.width !== size.width || canvas.height !== size.height) Object.assign(canvas, size);
  for (const side of /** @type {const} */ (["left", "width"])) {
    canvas.style[side] = `${(100 * rect[side]) / figure.width}%`;
  }
  for (const side of /** @type {const} */ (["top", "height"])) {
    canvas.style[side] = `${(100 * rect[side]) / figure.height}%`;
  }
}

/** Create an icon of 16 by 16 units. @param {string} d of its path */
export function createIcon(d) {
  return svg("svg", { class: "icon-figure", viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d }));
}
