// What the charts share: their width in pixels, and axes in powers of ten.
import { setAttributes, svg } from "../lib/dom.js";
import { superscript } from "../lib/format.js";

const MIN_DECADES = 4;

/** Said in place of values that overflow. */
export const TOO_LARGE = "Too large to draw.";

/**
 * Create a figure that is as wide as its parent.
 * @param {HTMLElement} root @param {number} height @param {string} label
 * @param {(width: number) => void} draw called when the width changes
 * @param {...Element} children
 */
export function createFigure(root, height, label, draw, ...children) {
  const figure = svg("svg", { role: "img", "aria-label": label }, ...children);
  root.append(figure);
  new ResizeObserver(() => {
    const width = root.clientWidth;
    if (!width) return; // hidden
    setAttributes(figure, { viewBox: `0 0 ${width} ${height}` });
    draw(width);
  }).observe(root); // which also calls the function once
  return figure;
}

/** Draw the titles of both axes. @param {Rect} rect @param {string} x @param {string} y */
export function drawTitles({ left, top, width, height }, x, y) {
  const center = { "text-anchor": "middle" };
  return [
    svg("text", { ...center, x: left + width / 2, y: top + height + 36 }, x),
    svg("text", { ...center, transform: `translate(10 ${top + height / 2}) rotate(-90)` }, y),
  ];
}

/** @param {number} exponent an integer */
export function formatPower(exponent) {
  return exponent === 0 ? "1" : exponent === 1 ? "10" : `10${superscript(exponent)}`;
}

/**
 * Return whole decades around values, low and high, at least a few of them, so that a constant is a flat line.
 * @param {number[]} logs
 */
export function chooseDecades(logs) {
  const finite = logs.filter(Number.isFinite);
  if (!finite.length) return [-2, 2];
  let low = Math.floor(Math.min(...finite) - 0.05);
  let high = Math.ceil(Math.max(...finite) + 0.05);
  for (let k = 0; high - low < MIN_DECADES; k++) k % 2 ? high++ : low--;
  return [low, high];
}

/** Draw the lines and labels of an axis in powers of ten. @param {number[]} decades low and high @param {Rect} rect */
export function drawDecades([low, high], { left, top, width, height }) {
  const stride = Math.max(1, Math.ceil((high - low) / Math.max(1, Math.floor(height / 26))));
  const marks = [];
  for (let exponent = Math.ceil(low / stride) * stride; exponent <= high; exponent += stride) {
    const y = top + (height * (high - exponent)) / (high - low);
    marks.push(svg("line", { class: "grid", x1: left, x2: left + width, y1: y, y2: y }));
    marks.push(svg("text", { x: left - 7, y: y + 4, "text-anchor": "end" }, formatPower(exponent)));
  }
  return marks;
}
