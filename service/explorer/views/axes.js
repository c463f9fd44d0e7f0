// The axes around the surface and the bar of its colours.
// @ts-check
import { svg } from "../lib/dom.js";
import { superscript } from "../lib/format.js";
import { ticks } from "../lib/scales.js";
import { bandColours, barTicks } from "./color_bands.js";

/** A weight's name. @param {string} sub @param {Record<string, any>} attributes */
function name(sub, attributes) {
  return svg("text", { class: "name", ...attributes }, "w", svg("tspan", { class: "sub", dy: 4 }, sub));
}

/**
 * @param {number[]} view @param {import("../lib/scales.js").Rect} rect
 * @param {ReturnType<typeof import("../lib/scales.js").placing>} place
 * @returns {Element[]}
 */
export function axes(view, rect, place) {
  const bottom = rect.top + rect.height;
  const parts = [svg("rect", { class: "frame", x: rect.left, y: rect.top, width: rect.width, height: rect.height })];
  for (const { value, label } of ticks(view[0], view[1], rect.width / 75)) {
    const x = place.x(value);
    parts.push(svg("line", { class: "mark", x1: x, x2: x, y1: bottom, y2: bottom + 5 }));
    parts.push(svg("text", { x, y: bottom + 19, "text-anchor": "middle" }, label));
  }
  for (const { value, label } of ticks(view[2], view[3], rect.height / 60)) {
    const y = place.y(value);
    parts.push(svg("line", { class: "mark", x1: rect.left - 5, x2: rect.left, y1: y, y2: y }));
    parts.push(svg("text", { x: rect.left - 8, y: y + 4, "text-anchor": "end" }, label));
  }
  parts.push(name("in", { x: rect.left + rect.width / 2 - 8, y: bottom + 36 }));
  const middle = rect.top + rect.height / 2;
  parts.push(name("rec", { x: -10, y: 0, transform: `translate(12 ${middle}) rotate(-90)` }));
  return parts;
}

/**
 * @param {import("./color_bands.js").Levels} levels @param {import("../lib/scales.js").Rect} rect
 * @returns {Element[]}
 */
export function colourBar(levels, rect) {
  const colours = bandColours(levels.edges.length - 1);
  const height = rect.height / colours.length;
  const parts = colours.map(([red, green, blue], band) =>
    svg("rect", {
      x: rect.left,
      y: rect.top + rect.height - (band + 1) * height,
      width: rect.width,
      height: height + 0.5,
      fill: `rgb(${red} ${green} ${blue})`,
    }),
  );
  parts.push(svg("rect", { class: "bar-edge", x: rect.left, y: rect.top, width: rect.width, height: rect.height }));
  for (const { place, exponent } of barTicks(levels)) {
    const y = rect.top + rect.height * (1 - place);
    const x = rect.left + rect.width;
    parts.push(svg("line", { class: "mark", x1: x, x2: x + 4, y1: y, y2: y }));
    parts.push(svg("text", { x: x + 7, y: y + 4 }, label(exponent)));
  }
  const title = levels.shift ? "cost + 1" : "cost";
  parts.push(svg("text", { x: rect.left + rect.width + 28, y: rect.top - 8, "text-anchor": "end" }, title));
  return parts;
}

/** @param {number} exponent */
function label(exponent) {
  if (Number.isInteger(exponent)) return exponent === 0 ? "1" : `10${superscript(exponent)}`;
  return Number((10 ** exponent).toPrecision(2)).toString();
}
