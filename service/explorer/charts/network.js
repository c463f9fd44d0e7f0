// The network while it reads one sequence, with the numbers of the current weights, either of which can be dragged.
import { setAttributes, showNumber, svg } from "../lib/dom.js";
import { OVERFLOW, formatNumber, roundToStep } from "../lib/format.js";
import { readArrow } from "../lib/gestures.js";
import { SHOWN_KEYS, findShown } from "../model/shown.js";
import { NO_MARGINS, Plot } from "./plot.js";

const RADIUS = 33;
const LINE = 84; // the height of the arrows
const LABEL = 10.3; // width of a weight and its derivative, in em
const RULE = 0.68; // of it is underlined
const NARROW = 460; // pixels
const MAX_SHOWN = 12; // inputs
const LONG_SHOWN = 10; // the room for one long number, or for the target below it
const INPUT_WIDTH = 11;
const PER_PIXEL = 0.01; // how much a weight changes while it is dragged
const KEY_STEP = 0.05;
const READ_MS = 320;
const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

export class NetworkDiagram {
  /** @param {HTMLElement} root @param {HTMLElement} button which reads the sequence @param {Store} store */
  constructor(root, button, store) {
    this.store = store;
    /** @type {Weights} */ this.weights = { w_in: 0, w_rec: 0 };
    this.inputs = ""; // of the sequence that is shown
    this.timer = 0;
    this.parts = svg("g"); // all except the handles, which keep the focus
    this.handles = { w_in: this.createHandle("w_in"), w_rec: this.createHandle("w_rec") };
    this.plot = new Plot(root, "The network reads the sequence", () => this.draw(), NO_MARGINS);
    this.plot.figure.setAttribute("role", "group");
    const handles = Object.values(this.handles).map(({ element }) => element);
    this.plot.marks.append(this.parts, ...handles);
    button.addEventListener("click", () => this.read());
    store.watch(SHOWN_KEYS, () => this.showWeights(findShown(store)));
    store.watch(["evaluation"], () => this.showSlopes(store.evaluation));
    store.watch(["prediction"], () => this.show());
    store.watch(["n_read"], () => this.draw());
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
    const rule = svg("line", { class: "rule" });
    const attributes = { class: "handle", tabindex: 0, role: "slider", "aria-label": label, "data-weight": weight };
    const element = svg("g", attributes, title, target, rule, name, derivative);
    element.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) =>
      this.startDrag(event, element, weight),
    );
    element.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      const arrow = readArrow(event);
      if (!arrow) return;
      event.preventDefault();
      const step = KEY_STEP * arrow.factor;
      this.move(weight, roundToStep(this.weights[weight] + (arrow.right + arrow.up) * step, step));
    });
    return { element, value, slope, name, derivative, target, rule };
  }

  /** @param {PointerEvent} event @param {SVGElement} element @param {"w_in" | "w_rec"} weight */
  startDrag(event, element, weight) {
    if (event.button !== 0) return;
    event.preventDefault();
    element.focus({ preventScroll: true });
    element.setPointerCapture(event.pointerId);
    const [start, from] = [event.clientX - event.clientY, this.weights[weight]];
    const drag = (/** @type {PointerEvent} */ { clientX, clientY }) =>
      this.move(weight, roundToStep(from + (clientX - clientY - start) * PER_PIXEL, PER_PIXEL));
    const end = () => {
      element.removeEventListener("pointermove", drag);
      element.classList.remove("dragging");
    };
    element.classList.add("dragging");
    element.addEventListener("pointermove", drag);
    element.addEventListener("lostpointercapture", end, { once: true });
  }

  /** @param {Weights} weights */
  showWeights({ w_in, w_rec }) {
    this.weights = { w_in, w_rec };
    const { weights } = this;
    for (const weight of /** @type {const} */ (["w_in", "w_rec"])) {
      const { element, value } = this.handles[weight];
      const text = formatNumber(weights[weight]);
      showNumber(value, text, weights[weight]);
      setAttributes(element, {
        "aria-valuenow": Number(Math.min(1e20, Math.max(-1e20, weights[weight])).toFixed(6)),
        "aria-valuetext": text,
      });
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

  /** @param {"w_in" | "w_rec"} weight @param {number} value */
  move(weight, value) {
    this.store.set({ ...this.weights, [weight]: value, show: 0 });
  }

  show() {
    const inputs = String(this.store.prediction?.sample.inputs ?? this.store.sample?.inputs);
    if (this.inputs === inputs) return this.draw();
    this.inputs = inputs;
    clearTimeout(this.timer);
    this.store.publish({ n_read: Infinity });
  }

  /** Read the sequence, one input after the other. With reduced motion, each call reads one input. */
  read() {
    const n_steps = this.store.sample?.inputs.length ?? 0;
    clearTimeout(this.timer);
    const { n_read } = this.store;
    if (reducedMotion.matches) return this.store.publish({ n_read: n_read >= n_steps ? 0 : n_read + 1 });
    const next = (/** @type {number} */ position) => {
      this.store.publish({ n_read: position });
      if (position < n_steps) this.timer = setTimeout(next, READ_MS, position + 1);
    };
    next(0);
  }

  /** Draw everything for the width of the figure. */
  draw() {
    const { width } = this.plot.rect;
    const { n_read, prediction } = this.store;
    const sample = prediction?.sample ?? this.store.sample;
    const texts = sample?.inputs.map((input) => formatNumber(input, 2)) ?? [];
    const n_steps = texts.length;
    const at = Math.min(n_read, n_steps);
    const isLong = texts.some(({ length }) => length > 1);
    const n_shown = isLong ? LONG_SHOWN : Math.min(MAX_SHOWN, n_steps);
    // Of long numbers, the one that is read is shown, and in the end the first.
    const first = isLong
      ? Math.max(0, at < n_steps ? at - 1 : 0)
      : Math.max(0, Math.min(at - n_shown / 2, n_steps - n_shown));
    const shown = texts.slice(first, first + (isLong ? 1 : n_shown));
    if (isLong && n_steps > 1 && at === n_steps) shown[0] += " …";
    const state = prediction?.states[at];
    const value = prediction ? (state === null ? OVERFLOW : formatNumber(state, 4)) : "…";
    const target = sample ? formatNumber(sample.target) : "";
    const isNarrow = width < NARROW;
    const start = n_shown * INPUT_WIDTH + 10;
    const label = LABEL * parseFloat(getComputedStyle(this.handles.w_in.derivative).fontSize);
    const x = isNarrow ? width - RADIUS - 12 : Math.max(start + label + RADIUS + 10, 0.56 * width);
    const top = LINE - RADIUS + 3;
    const curve = `C${x - 54} ${top - 58} ${x + 54} ${top - 58} ${x + 18} ${top - 3}`;
    const loop = `M${x - 17} ${top}${curve}m-2.5 -11l2.5 11l10 -5.5`;
    const stateName = `state-value big${value.length > 6 ? " long" : ""}`;
    const place = isNarrow ? { x: 0, y: LINE + 34 } : { x: x + RADIUS + 52, y: LINE + 6 };
    this.parts.replaceChildren(
      ...shown.map((text, k) => {
        const isNow = first + k === at - 1 && at < n_steps;
        const name = `input${text === "0" ? "" : " one"}${isNow ? " now" : ""}`;
        return svg("text", { class: name, x: k * INPUT_WIDTH, y: LINE + 6 }, text);
      }),
      svg("path", { class: "wire", d: arrowPath(start, x - RADIUS - 3) }),
      svg("path", { class: "wire", d: loop }),
      svg("path", { class: "wire", d: isNarrow ? "" : arrowPath(x + RADIUS + 2, x + RADIUS + 44) }),
      svg("circle", { class: "cell-state", r: RADIUS, cx: x, cy: LINE }),
      svg("text", { class: stateName, x, y: LINE + 6, "text-anchor": "middle" }, value),
      svg("text", { class: "big output", ...place }, at < n_steps ? `${at} of ${n_steps} read` : `target ${target}`),
    );
    const hasRoom = x + 20 + label <= width; // on the right of the loop; otherwise, the other label is below its arrow
    placeHandle(this.handles.w_in, Math.min(start + 4, x - RADIUS - 6 - label), LINE + (hasRoom ? -29 : 23), label);
    placeHandle(this.handles.w_rec, hasRoom ? x + 44 : x - 44 - label, 18, label);
    this.plot.summarize(prediction ? `state ${value} after ${at} of ${n_steps} inputs, target ${target}` : "");
  }
}

/** @param {number} from @param {number} to */
const arrowPath = (from, to) => `M${from} ${LINE}H${to}m-9 -5.5l9 5.5l-9 5.5`;

/**
 * @param {ReturnType<NetworkDiagram["createHandle"]>} handle
 * @param {number} x
 * @param {number} y
 * @param {number} width
 */
function placeHandle({ name, derivative, target, rule }, x, y, width) {
  setAttributes(target, { x: x - 6, y: y - 18, width, height: 42 });
  setAttributes(rule, { x1: x, x2: x + RULE * width, y1: y + 6, y2: y + 6 });
  setAttributes(name, { x, y });
  setAttributes(derivative, { x, y: y + 18 });
}

/** Return the name of a weight, for a text of SVG. @param {string} subscript */
export const weightName = (subscript) => [
  svg("tspan", { class: "name" }, "w"),
  svg("tspan", { class: "sub", dy: 4 }, subscript),
  svg("tspan", { dy: -4 }, "\u200b"),
];
