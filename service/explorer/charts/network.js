// The network while it reads one sequence: input, w_in, the state with its loop w_rec, output. It shows the
// numbers of the current weights, and either weight can be dragged here.
import { html, setAttributes, setText, showNumber, svg } from "../lib/dom.js";
import { OVERFLOW, formatNumber, roundToStep } from "../lib/format.js";
import { Plot } from "./plot.js";
import { weightName } from "./surface_axes.js";

const RADIUS = 33;
const LINE = 84; // the height of the arrows
const LABEL = 10.3; // width of a weight and its derivative, in em
const NARROW = 460; // pixels
const MAX_SHOWN = 12; // inputs
const LONG_SHOWN = 6; // the room for one long number
const INPUT_WIDTH = 11;
const PER_PIXEL = 0.01; // how much a weight changes while it is dragged
const KEY_STEPS = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 };
const KEY_STEP = 0.05;
const READ_MS = 320;
const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

export class NetworkDiagram {
  /**
   * @param {HTMLElement} root @param {HTMLElement} button which reads the sequence
   * @param {{move: (weight: "w_in" | "w_rec", value: number) => void, mark: (k: number) => void}} actions
   */
  constructor(root, button, actions) {
    this.actions = actions;
    /** @type {Weights} */ this.weights = { w_in: 0, w_rec: 0 };
    /** @type {Prediction | null} */ this.prediction = null;
    /** @type {Sample | null} */ this.sample = null;
    this.position = Infinity; // how many inputs are read
    this.timer = 0;
    this.n_shown = MAX_SHOWN;
    this.isLong = false; // whether inputs have several digits
    this.inputs = svg("g");
    this.arrow = svg("path", { class: "wire" });
    this.loop = svg("path", { class: "wire" });
    this.out = svg("path", { class: "wire" });
    this.cell = svg("circle", { class: "cell-state", r: RADIUS });
    this.state = svg("text", { class: "state-value big", "text-anchor": "middle" });
    this.output = svg("text", { class: "big output" });
    this.handles = { w_in: this.createHandle("w_in"), w_rec: this.createHandle("w_rec") };
    this.plot = new Plot(root, "The network reads the sequence", () => this.layOut(), { left: 0, right: 0, top: 0, bottom: 0 });
    this.plot.figure.setAttribute("role", "group");
    const handles = Object.values(this.handles).map(({ element }) => element);
    this.plot.marks.append(this.inputs, this.arrow, this.loop, this.out, this.cell, this.state, this.output, ...handles);
    button.addEventListener("click", () => this.read());
  }

  /** @param {"w_in" | "w_rec"} weight */
  createHandle(weight) {
    const value = svg("tspan", { class: "value", id: `shown_${weight}` });
    const slope = svg("tspan", { class: "slope", id: `by_${weight}` });
    const name = svg("text", { class: "weight" }, ...weightName(weight.slice(2)), svg("tspan", {}, " = "), value);
    const derivative = svg("text", { class: "derivative" }, "∂cost/∂", ...weightName(weight.slice(2)), " ", slope);
    const label = weight === "w_in" ? "Input weight" : "Recurrent weight";
    const title = svg("title", {}, "Drag to change the weight");
    const target = svg("rect", { class: "grip", rx: 6 });
    const attributes = { class: "handle", tabindex: 0, role: "slider", "aria-label": label, "data-weight": weight };
    const element = svg("g", attributes, title, target, name, derivative);
    element.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => this.startDrag(event, element, weight));
    element.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      const direction = KEY_STEPS[/** @type {keyof typeof KEY_STEPS} */ (event.key)];
      if (!direction) return;
      event.preventDefault();
      const step = KEY_STEP * (event.shiftKey ? 10 : event.altKey ? 0.1 : 1);
      this.actions.move(weight, roundToStep(this.weights[weight] + direction * step, step));
    });
    return { element, value, slope, name, derivative, target };
  }

  /** @param {PointerEvent} event @param {SVGElement} element @param {"w_in" | "w_rec"} weight */
  startDrag(event, element, weight) {
    if (event.button !== 0) return;
    event.preventDefault();
    element.focus({ preventScroll: true });
    element.setPointerCapture(event.pointerId);
    const [start, from] = [event.clientX - event.clientY, this.weights[weight]];
    const drag = (/** @type {PointerEvent} */ { clientX, clientY }) =>
      this.actions.move(weight, roundToStep(from + (clientX - clientY - start) * PER_PIXEL, PER_PIXEL));
    const end = () => {
      element.removeEventListener("pointermove", drag);
      element.classList.remove("dragging");
    };
    element.classList.add("dragging");
    element.addEventListener("pointermove", drag);
    element.addEventListener("lostpointercapture", end, { once: true });
  }

  /** Place everything for the width of the figure. */
  layOut() {
    const { width } = this.plot.rect;
    const isNarrow = width < NARROW;
    const inputs = this.sample?.inputs ?? [];
    this.isLong = inputs.some((input) => formatNumber(input, 2).length > 1);
    this.n_shown = this.isLong ? LONG_SHOWN : Math.min(MAX_SHOWN, inputs.length);
    const start = this.n_shown * INPUT_WIDTH + 10;
    const label = LABEL * parseFloat(getComputedStyle(this.handles.w_in.derivative).fontSize);
    const x = isNarrow ? width - RADIUS - 12 : Math.max(start + label + RADIUS + 10, 0.56 * width);
    this.arrow.setAttribute("d", arrowPath(start, x - RADIUS - 3));
    this.out.setAttribute("d", arrowPath(x + RADIUS + 2, x + RADIUS + 44));
    const top = LINE - RADIUS + 3;
    this.loop.setAttribute(
      "d",
      `M${x - 17} ${top}C${x - 54} ${top - 58} ${x + 54} ${top - 58} ${x + 18} ${top - 3}m-2.5 -11l2.5 11l10 -5.5`,
    );
    setAttributes(this.cell, { cx: x, cy: LINE });
    setAttributes(this.state, { x, y: LINE + 6 });
    setAttributes(this.output, isNarrow ? { x: 0, y: LINE + 34 } : { x: x + RADIUS + 52, y: LINE + 6 });
    setAttributes(this.out, { display: isNarrow ? "none" : null });
    place(this.handles.w_in, Math.min(start + 4, x - RADIUS - 6 - label), LINE - 29, label);
    place(this.handles.w_rec, x + 20 + label > width ? x - 44 - label : x + 44, 18, label);
    this.update();
  }

  /** @param {Weights} weights */
  showWeights(weights) {
    this.weights = weights;
    for (const weight of /** @type {const} */ (["w_in", "w_rec"])) {
      const { element, value } = this.handles[weight];
      const text = formatNumber(weights[weight]);
      showNumber(value, text, weights[weight]);
      setAttributes(element, { "aria-valuenow": weights[weight], "aria-valuetext": text });
    }
  }

  /** @param {Evaluation | null} evaluation */
  showSlopes(evaluation) {
    for (const weight of /** @type {const} */ (["w_in", "w_rec"])) {
      const value = evaluation?.weight_gradient[weight];
      const text = !evaluation ? "…" : value === null || Number.isNaN(value) ? OVERFLOW : formatNumber(value, 3);
      showNumber(this.handles[weight].slope, /^[<>]/.test(text) ? text : `= ${text}`, value);
    }
  }

  /** @param {Prediction | null} prediction @param {Sample | null} sample */
  show(prediction, sample) {
    const isOther = String(this.sample?.inputs) !== String(sample?.inputs);
    this.prediction = prediction;
    this.sample = sample;
    if (isOther) {
      this.stop();
      this.layOut();
    } else this.update();
  }

  stop() {
    clearTimeout(this.timer);
    this.position = Infinity;
    this.actions.mark(Infinity);
  }

  /** Read the sequence, one input after the other. With reduced motion, each call reads one input. */
  read() {
    const n_steps = this.sample?.inputs.length ?? 0;
    clearTimeout(this.timer);
    if (reducedMotion.matches) {
      this.position = this.position >= n_steps ? 0 : this.position + 1;
      this.update();
      return;
    }
    this.position = -1;
    const next = () => {
      this.position++;
      this.update();
      if (this.position < n_steps) this.timer = setTimeout(next, READ_MS);
    };
    next();
  }

  update() {
    const { prediction, sample } = this;
    const n_steps = sample?.inputs.length ?? 0;
    const at = Math.min(this.position, n_steps);
    this.actions.mark(at);
    const first = Math.max(0, Math.min(at - this.n_shown / 2, n_steps - this.n_shown));
    const texts = (sample?.inputs ?? []).map((input) => formatNumber(input, 2));
    // Of long numbers, the one that is read is shown, and in the end the first.
    const offset = !this.isLong ? first : at < n_steps ? Math.max(0, at - 1) : 0;
    const shown = texts.slice(offset, this.isLong ? offset + 1 : first + this.n_shown);
    if (this.isLong && n_steps > 1 && at === n_steps) shown[0] += " …";
    this.inputs.replaceChildren(
      ...shown.map((text, k) => {
        const index = offset + k;
        const name = ["input", text !== "0" && "one", index === at - 1 && at < n_steps && "now", index < at && "read"]
          .filter(Boolean)
          .join(" ");
        return svg("text", { class: name, x: k * INPUT_WIDTH, y: LINE + 6 }, text);
      }),
    );
    const state = prediction?.states[at];
    setText(this.state, prediction ? (state === null ? OVERFLOW : formatNumber(state, 4)) : "…");
    this.state.classList.toggle("long", (this.state.textContent ?? "").length > 6);
    const target = sample ? formatNumber(sample.target) : "";
    setText(this.output, at < n_steps ? `${at} of ${n_steps} read` : `target ${target}`);
    this.plot.summarize(prediction ? `state ${this.state.textContent} after ${at} of ${n_steps} inputs, target ${target}` : "");
  }
}

/** @param {number} from @param {number} to */
const arrowPath = (from, to) => `M${from} ${LINE}H${to}m-9 -5.5l9 5.5l-9 5.5`;

/** @param {ReturnType<NetworkDiagram["createHandle"]>} handle @param {number} x @param {number} y @param {number} width */
function place({ name, derivative, target }, x, y, width) {
  setAttributes(target, { x: x - 6, y: y - 18, width, height: 42 });
  setAttributes(name, { x, y });
  setAttributes(derivative, { x, y: y + 18 });
}

/** Return the name of a weight as HTML. @param {string} weight w_in or w_rec */
export const writeWeight = (weight) => [html("var", {}, "w"), html("sub", {}, weight.slice(2))];
