// The final cost for each rate of a sweep: a sentence and a small chart.
import { seriesClass } from "../charts/trajectories.js";
import { html, svg } from "../lib/dom.js";
import { formatCost, formatNumber } from "../lib/format.js";
import { describeSweep } from "../model/sweep.js";

const SIZE = { width: 280, height: 96 };
const LEFT = 76; // for the costs
const MARGIN = 12;
const BOTTOM = 20; // for the rates
const LOWEST = 1e-12; // costs below it have one place

/** Return the figure of a sweep. @param {import("../model/sweep.js").Sweep} sweep */
export function drawSweep(sweep) {
  const { name, points } = sweep;
  const sentence = describeSweep(sweep);
  const logs = points.map(({ cost }) => (cost === null ? null : Math.log10(Math.max(cost, LOWEST))));
  const drawn = logs.filter((each) => each !== null);
  const [low, high] = [Math.min(...drawn), Math.max(...drawn)];
  const [first, last] = [Math.log(points[0].rate), Math.log(points[points.length - 1].rate)];
  const x = (/** @type {number} */ rate) =>
    LEFT + ((SIZE.width - LEFT - MARGIN) * (Math.log(rate) - first)) / (last - first || 1);
  const y = (/** @type {number} */ log) =>
    MARGIN + ((SIZE.height - BOTTOM - 2 * MARGIN) * (high - log)) / (high - low || 1);
  const marks = points.map(({ rate, cost, index }, i) => {
    const log = logs[i];
    const result = cost === null ? "diverged" : formatCost(cost);
    const title = svg("title", {}, `${name} ${formatNumber(rate, 3)}: ${result}`);
    // A run that diverged is a cross at the top.
    return log === null
      ? svg("path", { class: seriesClass(index), d: `M${x(rate) - 4} ${MARGIN - 4}l8 8m0 -8l-8 8` }, title)
      : svg("circle", { class: seriesClass(index), cx: x(rate), cy: y(log), r: 4.5 }, title);
  });
  const label = (/** @type {Record<string, any>} */ place, /** @type {string} */ text) =>
    svg("text", { ...place, "font-size": 12 }, text);
  const costs = drawn.length
    ? [high, ...(high - low > 1e-9 ? [low] : [])].map((log) =>
        label({ x: LEFT - 10, y: y(log) + 4, "text-anchor": "end" }, formatCost(10 ** log)),
      )
    : [];
  const bottom = SIZE.height - 4;
  const rates = [
    label({ x: LEFT - 4, y: bottom }, formatNumber(points[0].rate, 3)),
    label({ x: SIZE.width - 2, y: bottom, "text-anchor": "end" }, formatNumber(points[points.length - 1].rate, 3)),
    label({ x: (LEFT + SIZE.width) / 2, y: bottom, "text-anchor": "middle" }, name),
  ];
  const view = { viewBox: `0 0 ${SIZE.width} ${SIZE.height}`, role: "img", class: "chart" };
  const chart = svg("svg", { ...view, "aria-label": `Final cost for each ${name}` }, ...costs, ...rates, ...marks);
  return html("figure", { class: "sweep" }, html("figcaption", {}, sentence), chart);
}
