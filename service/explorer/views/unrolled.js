// The network unrolled in time: the state flows forward, and the gradient of the squared error back.
import { byId, setAttributes, svg } from "../lib/dom.js";
import { formatNumber } from "../lib/format.js";
import { createFigure } from "./plots.js";

const HEIGHT = 152;
const CELL_Y = 60;
const LANE = 15; // distance of the arrows from the middle of the cells
const MIN_LABEL_WIDTH = 44; // of one step, for numbers beside the cells
const CHARACTER = 8; // width of a digit
const MIN_LOG = -4; // of the thinnest arrow
const MAX_LOG = 6; // of the thickest arrow
const MAX_WIDTH = 11;
const ANIMATION_MS = 6000;
const MAX_STEP_MS = 320;

export class Unrolled {
  /** @param {HTMLElement} root */
  constructor(root) {
    /** @type {Prediction | null} */ this.prediction = null;
    /** @type {string[]} */ this.inputs = [];
    /** @type {ReturnType<typeof createCell>[]} */ this.cells = [];
    this.width = 1;
    this.phase = Infinity; // how many arrows are drawn: T forward, then T back
    this.timer = 0;
    this.layer = svg("g");
    this.figure = createFigure(root, HEIGHT, "The network unrolled in time", (width) => this.resize(width), this.layer);
    byId("unrolled-step").addEventListener("click", () => {
      clearTimeout(this.timer);
      this.step();
    });
    byId("unrolled-animate").addEventListener("click", () => {
      clearTimeout(this.timer);
      this.phase = Infinity;
      this.animate();
    });
  }

  /** @param {number} width */
  resize(width) {
    this.width = width;
    this.build();
  }

  /** @param {Prediction | null} prediction @param {Sample | null} sample */
  show(prediction, sample) {
    const inputs = (sample?.inputs ?? []).map((input) => formatNumber(input, 2));
    const rebuild = String(inputs) !== String(this.inputs);
    this.prediction = prediction;
    this.inputs = inputs;
    if (rebuild) this.build();
    else this.update();
  }

  step() {
    this.phase = this.phase >= 2 * this.inputs.length ? 0 : this.phase + 1;
    this.update();
  }

  animate() {
    this.step();
    const n_arrows = 2 * this.inputs.length;
    const delay = Math.min(MAX_STEP_MS, ANIMATION_MS / n_arrows);
    if (this.phase < n_arrows) this.timer = setTimeout(() => this.animate(), delay);
  }

  /** Create the cells for the inputs and the width. */
  build() {
    clearTimeout(this.timer);
    this.phase = Infinity;
    const n_steps = this.inputs.length;
    const distance = this.width / (n_steps + 1);
    const radius = Math.min(15, Math.max(2, distance * 0.27));
    const hasLabels = distance >= MIN_LABEL_WIDTH;
    const stride = strideOf(this.inputs, distance);
    const labels = this.inputs.map((input, k) => (k % stride ? "" : input));
    this.cells = ["", ...labels].map((input, k) => createCell(input, k, distance, radius, hasLabels));
    const parts = this.cells.flatMap(({ forward, backward, node, index, input, state, gradient }) => [
      forward.element,
      backward.element,
      node,
      index,
      input,
      state,
      gradient,
    ]);
    this.layer.replaceChildren(...parts);
    this.update();
  }

  update() {
    const { cells, phase, prediction } = this;
    const n_steps = cells.length - 1;
    byId("unrolled-phase").textContent = describePhase(phase, n_steps);
    this.figure.toggleAttribute("hidden", !prediction);
    if (!prediction || prediction.states.length !== cells.length) return;
    const { states, trace } = prediction;
    const distance = this.width / cells.length;
    const stateTexts = cells.map((_, k) => formatNumber(states[k], 3));
    const gradientTexts = cells.map((_, k) => formatNumber(trace.gradient[k], 3));
    const [stateStride, gradientStride] = [strideOf(stateTexts, distance), strideOf(gradientTexts, distance)];
    cells.forEach((cell, k) => {
      const isForward = k <= phase;
      const isBackward = n_steps + (n_steps - k) <= phase;
      const left = n_steps - k; // the last label is always shown
      cell.state.textContent = isForward && left % stateStride === 0 ? stateTexts[k] : "";
      cell.gradient.textContent = isBackward && left % gradientStride === 0 ? gradientTexts[k] : "";
      cell.node.classList.toggle("active", k === (phase <= n_steps ? phase : 2 * n_steps - phase));
      if (k === 0) return;
      const previous = states[k - 1];
      const log = previous === null ? Infinity : Math.log10(Math.abs(previous));
      drawArrow(cell.forward, log, isForward);
      drawArrow(cell.backward, trace.log10_magnitude[k - 1], n_steps + (n_steps - k) + 1 <= phase);
    });
    const flow = `output ${formatNumber(states[n_steps])}, gradient at the first state ${formatNumber(trace.gradient[0])}`;
    setAttributes(this.figure, { "aria-label": `The network unrolled in time: ${flow}` });
  }
}

/**
 * Return which labels have room: every first, second, and so on.
 *
 * @param {string[]} texts
 * @param {number} distance between two labels, in pixels
 */
function strideOf(texts, distance) {
  const longest = Math.max(1, ...texts.map(({ length }) => length));
  return Math.ceil((longest * CHARACTER) / distance);
}

/** @param {string} input @param {number} k @param {number} distance @param {number} radius @param {boolean} hasLabels */
function createCell(input, k, distance, radius, hasLabels) {
  const x = distance * (k + 0.5);
  const [left, right] = [x - distance + radius + 2, x - radius - 2];
  const text = (/** @type {string} */ name, /** @type {number} */ y, content = "") =>
    svg("text", { class: name, x, y, "text-anchor": "middle", display: hasLabels ? null : "none" }, content);
  return {
    node: svg("circle", { class: "cell", cx: x, cy: CELL_Y, r: radius }),
    index: text("index", CELL_Y + 4, String(k)),
    input: svg("text", { class: input && input !== "0" ? "bit one" : "bit", x, y: HEIGHT - 14 }, input),
    state: text("state-value", CELL_Y - 32),
    gradient: text("gradient-value", CELL_Y + 42),
    forward: { element: svg("path", { class: "forward" }), from: left, to: right, y: CELL_Y - LANE },
    backward: { element: svg("path", { class: "backward" }), from: right, to: left, y: CELL_Y + LANE },
  };
}

/** @param {Arrow} arrow @param {number} log of the magnitude @param {boolean} visible */
function drawArrow({ element, from, to, y }, log, visible) {
  const share = Math.min(1, Math.max(0, (log - MIN_LOG) / (MAX_LOG - MIN_LOG)));
  const half = 0.5 + (share * (MAX_WIDTH - 1)) / 2;
  const head = Math.min(half + 3, Math.abs(to - from) / 2);
  const neck = to - Math.sign(to - from) * head;
  const d =
    `M${from} ${y - half}L${neck} ${y - half}L${neck} ${y - half - 2.5}L${to} ${y}` +
    `L${neck} ${y + half + 2.5}L${neck} ${y + half}L${from} ${y + half}Z`;
  const style = { d, "fill-opacity": (0.25 + 0.75 * share).toFixed(2), display: null };
  setAttributes(element, visible && log > -Infinity ? style : { display: "none" });
}

/** @param {number} phase @param {number} n_steps */
function describePhase(phase, n_steps) {
  if (phase >= 2 * n_steps) return "Forward and back.";
  return phase <= n_steps ? `Forward: step ${phase}.` : `Back: step ${phase - n_steps}.`;
}
