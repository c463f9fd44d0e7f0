// Two small charts: the gradient trace, and the states while inputs are read.
import { setAttributes, svg } from "../lib/dom.js";
import { formatNumber } from "../lib/format.js";
import { TOO_LARGE, chooseDecades, drawDecades } from "./plots.js";

const WIDTH = 330;
const TRACE_HEIGHT = 206;
const STATES_HEIGHT = 104;
const MAX_DOTS = 40;
const MAX_LABEL_CHARACTERS = 30;
const CHARACTER = 6.6; // mean width of a label's characters
const MAX_LOG = 9999; // beyond it, a magnitude is not drawn, like zero

/** Draws |∂cost/∂S_k| against the time step, from the output back to the start. */
export class TraceChart {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.grid = svg("g");
    this.line = svg("path", { class: "trace" });
    this.dots = svg("g");
    const attributes = { viewBox: `0 0 ${WIDTH} ${TRACE_HEIGHT}`, role: "img" };
    this.figure = svg("svg", attributes, this.grid, this.line, this.dots);
    root.append(this.figure);
    this.setSummary();
    this.limits = "";
  }

  /** Set the text alternative of the chart. @param {string} [summary] */
  setSummary(summary) {
    const label = ["Gradient of the cost with respect to the state", summary].filter(Boolean).join(", ");
    setAttributes(this.figure, { "aria-label": label });
  }

  /** @param {Evaluation | null} evaluation */
  show(evaluation) {
    this.setSummary();
    this.line.setAttribute("d", "");
    this.root.dataset.regime = evaluation?.regime ?? "";
    this.dots.replaceChildren();
    if (!evaluation) return;
    const { gradient, log10_magnitude, sign } = evaluation;
    // from the output back in time, as in the pictures of the service
    const logs = [...log10_magnitude].reverse().map((log) => (Math.abs(log ?? Infinity) > MAX_LOG ? -Infinity : log));
    const signs = gradient.map((g, k) => sign?.[k] ?? Math.sign(g ?? 1)).reverse();
    this.draw(logs, signs);
    const isTooLarge = !logs.some(Number.isFinite) && gradient.some((g) => g !== 0);
    if (isTooLarge) this.dots.append(svg("text", { class: "hint", x: 180, y: 98, "text-anchor": "middle" }, TOO_LARGE));
    this.setSummary(`${logs.length - 1} steps back in time: ${evaluation.regime ?? "zero"}`);
  }

  /** @param {number[]} logs @param {number[]} signs */
  draw(logs, signs) {
    const n_steps = logs.length - 1;
    const decades = chooseDecades(logs);
    const rect = { left: 46, top: 26, width: WIDTH - 60, height: TRACE_HEIGHT - 66 };
    const x = (/** @type {number} */ m) => rect.left + (rect.width * m) / Math.max(1, n_steps);
    const y = (/** @type {number} */ log) => rect.top + (rect.height * (decades[1] - log)) / (decades[1] - decades[0]);
    const limits = `${n_steps} ${decades}`;
    if (this.limits !== limits) this.grid.replaceChildren(...drawDecades(decades, rect), ...drawSteps(n_steps, rect, x));
    this.limits = limits;
    const marks = logs.map((log, m) => ({ log, m, negative: signs[m] < 0 })).filter(({ log }) => Number.isFinite(log));
    const path = marks.map(({ log, m }, i) => `${i ? "L" : "M"}${x(m).toFixed(1)} ${y(log).toFixed(1)}`);
    this.line.setAttribute("d", path.join(""));
    if (n_steps > MAX_DOTS) return;
    this.dots.replaceChildren(
      ...marks.map(({ log, m, negative }) =>
        svg("circle", { class: negative ? "dot negative" : "dot", cx: x(m), cy: y(log), r: negative ? 3.4 : 3.2 }),
      ),
    );
  }
}

/** @param {number} n_steps @param {Rect} rect @param {(m: number) => number} x */
function drawSteps(n_steps, { left, top, width, height }, x) {
  const marks = [];
  const stride = [1, 2, 5, 10, 20, 50].find((s) => n_steps / s <= 10) ?? 100;
  for (let k = 0; k <= n_steps; k += stride) {
    marks.push(svg("text", { x: x(n_steps - k), y: top + height + 17, "text-anchor": "middle" }, String(k)));
  }
  const middle = left + width / 2;
  marks.push(
    svg("text", { x: middle, y: TRACE_HEIGHT - 4, "text-anchor": "middle" }, "time step k (the gradient flows from left to right)"),
  );
  marks.push(
    svg("text", { x: left - 40, y: 12 }, "|∂cost/∂S", svg("tspan", { class: "index", dy: 3 }, "k"), svg("tspan", { dy: -3 }, "|")),
  );
  marks.push(svg("circle", { class: "dot", cx: WIDTH - 142, cy: 8, r: 3.2 }), svg("text", { x: WIDTH - 134, y: 12 }, "positive"));
  marks.push(svg("circle", { class: "dot negative", cx: WIDTH - 72, cy: 8, r: 3.4 }), svg("text", { x: WIDTH - 64, y: 12 }, "negative"));
  return marks;
}

/** Draws the state after each input, and the target. */
export class StatesChart {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.target = svg("polyline", { class: "target" });
    this.line = svg("polyline", { class: "states" });
    this.marks = svg("g");
    const label = "States of the network after each input, and the target";
    const attributes = { viewBox: `0 0 ${WIDTH} ${STATES_HEIGHT}`, role: "img", "aria-label": label };
    this.figure = svg("svg", attributes, this.marks, this.target, this.line);
    root.append(this.figure);
  }

  /** @param {(number | null)[] | null} states @param {Sample | null} sample */
  show(states, sample) {
    this.figure.toggleAttribute("hidden", !states || !sample);
    if (!states || !sample) return;
    const { inputs, target } = sample;
    const targets = sample.targets ?? states.map(() => target);
    const finite = states.map((s) => s ?? NaN).filter(Number.isFinite);
    const high = Math.max(sample.targets ? 1 : 0, target, ...finite);
    const low = Math.min(0, target, ...finite);
    const ends = [low, high].map((v) => formatNumber(v, 3));
    const left = Math.max(58, 12 + CHARACTER * Math.max(...ends.map(({ length }) => length)));
    const [right, top, bottom] = [WIDTH - 8, 8, STATES_HEIGHT - 22];
    const x = (/** @type {number} */ k) => left + ((right - left) * k) / inputs.length;
    const y = (/** @type {number} */ v) => bottom - ((bottom - top) * (v - low)) / (high - low || 1);
    const place = (/** @type {number | null} */ v, /** @type {number} */ k) =>
      v === null || !Number.isFinite(v) ? "" : `${x(k).toFixed(1)},${y(v).toFixed(1)}`;
    this.target.setAttribute("points", targets.map(place).join(" "));
    this.line.setAttribute("points", states.map(place).join(" "));
    const labels = inputs.map((input) => formatNumber(input, 2));
    const longest = Math.max(...labels.map(({ length }) => length));
    const stride = Math.ceil((labels.length * longest) / MAX_LABEL_CHARACTERS);
    this.marks.replaceChildren(
      svg("line", { class: "zero", x1: left, x2: right, y1: y(0), y2: y(0) }),
      ...[low, high].map((v, i) => svg("text", { x: left - 7, y: y(v) + 4, "text-anchor": "end" }, ends[i])),
      ...labels.map((label, k) =>
        k % stride ? "" : svg("text", { class: inputs[k] ? "bit one" : "bit", x: x(k + 1), y: STATES_HEIGHT - 5 }, label),
      ),
    );
  }
}
