// The axes of the cost surface and the color bar.
import { svg } from "../lib/dom.js";
import { superscript } from "../lib/format.js";
import { makeTicks } from "../lib/scales.js";

/** @param {View} view @param {Rect} rect @param {Scales} scales @returns {Element[]} */
export function drawAxes(view, rect, scales) {
  const bottom = rect.top + rect.height;
  const middle = rect.top + rect.height / 2;
  /** @type {Element[]} */ const marks = [];
  for (const { value, label } of makeTicks(view[0], view[1], rect.width / 62)) {
    const x = scales.x(value);
    marks.push(svg("line", { class: "tick", x1: x, x2: x, y1: bottom, y2: bottom + 5 }));
    marks.push(svg("text", { x, y: bottom + 19, "text-anchor": "middle" }, label));
  }
  for (const { value, label } of makeTicks(view[2], view[3], rect.height / 54)) {
    const y = scales.y(value);
    marks.push(svg("line", { class: "tick", x1: rect.left - 5, x2: rect.left, y1: y, y2: y }));
    marks.push(svg("text", { x: rect.left - 8, y: y + 4, "text-anchor": "end" }, label));
  }
  marks.push(drawWeightName("in", { x: rect.left + rect.width / 2, y: bottom + 38 }));
  marks.push(drawWeightName("rec", { transform: `translate(12 ${middle}) rotate(-90)` }));
  return marks;
}

/** @param {string} subscript @param {Record<string, any>} attributes */
function drawWeightName(subscript, attributes) {
  return svg("text", { class: "name", "text-anchor": "middle", ...attributes }, ...weightName(subscript));
}

/** Return the name of a weight, for a text of SVG. @param {string} subscript */
export function weightName(subscript) {
  return [svg("tspan", { class: "name" }, "w"), svg("tspan", { class: "sub", dy: 4 }, subscript), svg("tspan", { dy: -4 }, "\u200b")];
}

/** @param {ColorScale} scale @param {Rect} rect @returns {Element[]} */
export function drawColorBar({ colors, ticks, title }, rect) {
  const height = rect.height / colors.length;
  const right = rect.left + rect.width;
  const marks = colors.map(([red, green, blue], band) =>
    svg("rect", {
      x: rect.left,
      y: rect.top + rect.height - (band + 1) * height,
      width: rect.width,
      height: height + 0.5,
      fill: `rgb(${red} ${green} ${blue})`,
    }),
  );
  for (const { position, label } of ticks) {
    const y = rect.top + rect.height * (1 - position);
    marks.push(svg("line", { class: "tick", x1: right, x2: right + 4, y1: y, y2: y }));
    marks.push(svg("text", { x: right + 7, y: y + 4 }, label));
  }
  marks.push(svg("text", { class: "strong", x: right + 34, y: rect.top - 8, "text-anchor": "end" }, title));
  return marks;
}

/** @param {number} exponent */
export function formatCostPower(exponent) {
  if (Number.isInteger(exponent)) return exponent === 0 ? "1" : exponent === 1 ? "10" : `10${superscript(exponent)}`;
  return Number((10 ** exponent).toPrecision(2)).toString();
}
