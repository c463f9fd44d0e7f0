// The state after each input, and the target.
import { svg } from "../lib/dom.js";
import { formatNumber } from "../lib/format.js";
import { Plot, TOO_LARGE, padRange } from "./plot.js";

const CHARACTER = 8; // width of a digit, in pixels
const MAX_STATE = 1e300; // an axis needs finite differences

export class StatesChart {
  /** @param {HTMLElement} root */
  constructor(root) {
    /** @type {number[]} */ this.states = [];
    /** @type {Sample | null} */ this.sample = null;
    this.position = Infinity;
    this.plot = new Plot(root, "State of the network after each input", () => this.draw());
    this.plot.x_name = "input";
    this.target = svg("path", { class: "target" });
    this.line = svg("path", { class: "states" });
    this.dot = svg("circle", { class: "sample", r: 4.5 });
    this.plot.marks.append(this.target, this.line, this.dot);
  }

  /** @param {(number | null)[] | null} states @param {Sample | null} sample */
  show(states, sample) {
    this.states = states?.map((state) => (state !== null && Math.abs(state) < MAX_STATE ? state : NaN)) ?? [];
    this.sample = sample;
    const [last, target] = [states?.at(-1), sample?.target].map((value) => formatNumber(value));
    this.plot.summarize(states ? `${last} at the end, target ${target}` : "");
    this.draw();
  }

  /** Mark the state after k inputs. @param {number} k */
  mark(k) {
    this.position = k;
    const at = Math.min(k, this.states.length - 1);
    const isKnown = Number.isFinite(this.states[at]);
    this.dot.toggleAttribute("hidden", !isKnown);
    if (!isKnown) return;
    this.dot.setAttribute("cx", String(this.plot.x(at)));
    this.dot.setAttribute("cy", String(this.plot.y(this.states[at])));
  }

  draw() {
    const { plot, sample, states } = this;
    if (!sample || !states.length) return;
    const { inputs, target } = sample;
    const targets = sample.targets ?? states.map(() => target);
    const known = states.filter(Number.isFinite);
    plot.domain = { x: [0, inputs.length], y: padRange([0, target, ...known]) };
    const labels = inputs.map((input) => formatNumber(input, 2));
    const longest = Math.max(...labels.map(({ length }) => length));
    const stride = Math.ceil((labels.length * longest * CHARACTER) / plot.rect.width);
    const x_ticks = labels.flatMap((label, k) => (k % stride ? [] : [{ value: k + 1, label }]));
    const y_ticks = plot.yTicks().map(({ value }) => ({ value, label: formatNumber(value, 3) }));
    plot.drawAxes(x_ticks, y_ticks, known.length > 1 ? "" : TOO_LARGE);
    const steps = states.map((_, k) => k);
    this.target.setAttribute("d", plot.path(steps, targets));
    this.line.setAttribute("d", plot.path(steps, states));
    this.mark(this.position);
  }
}
