// The gradient with respect to each state of a sequence. Time runs to the right, so the gradient flows to the left.
import { svg } from "../lib/dom.js";
import { formatNumber, superscript } from "../lib/format.js";
import { makeTicks } from "../lib/scales.js";
import { Plot, TOO_LARGE, chooseDecades } from "./plot.js";

const MAX_DOTS = 40;
const MAX_LOG = 9999; // beyond it, a magnitude is not drawn, like zero

/** @param {HTMLElement} root @param {Store} store */
export function createTraceChart(root, store) {
  const names = { x_name: ["state"], y_name: ["gradient"] };
  const title = "Gradient of the sequence's squared error at each state";
  const plot = new Plot(root, title, (self) => draw(self, store.prediction?.trace), names);
  store.watch(["prediction"], () => plot.draw());
}

/**
 * Return the factor of a gradient, as text, and what that means over the whole sequence, in one word.
 * @param {Trace} trace
 */
export function describeTrace({ gradient, growth_per_step, regime }) {
  const isZero = growth_per_step === null || gradient.every((g) => g === 0);
  if (isZero) return { factor: "", regime: "zero" };
  const n_steps = gradient.length - 1;
  const exponent = n_steps * Math.log10(growth_per_step);
  const size = Math.abs(exponent) < 300 ? formatNumber(10 ** exponent) : `10${superscript(Math.round(exponent))}`;
  const alternates = gradient.slice(1).every((g, k) => g !== null && g * (gradient[k] ?? 0) < 0);
  const sign = (/** @type {string} */ text, /** @type {number} */ n) => (alternates && n % 2 ? `(−${text})` : text);
  const step = sign(formatNumber(growth_per_step), 1);
  const factor = `×${step} per step, ×${growth_per_step ? sign(size, n_steps) : "0"} in ${n_steps}`;
  return { factor, regime: regime ?? "zero" };
}

/** @param {Plot} plot @param {Trace | undefined} trace */
function draw(plot, trace) {
  const { gradient, log10_magnitude, sign } = trace ?? { gradient: [], log10_magnitude: [], sign: undefined };
  const logs = log10_magnitude.map((log) => (Math.abs(log ?? Infinity) > MAX_LOG ? -Infinity : log));
  const steps = logs.map((_, k) => k);
  const known = steps.filter((k) => Number.isFinite(logs[k]));
  const missing = gradient.some((g) => g !== 0) ? TOO_LARGE : "The gradient is zero everywhere.";
  const hint = known.length || !trace ? "" : missing;
  const n_steps = Math.max(1, logs.length - 1);
  plot.summarize(trace ? Object.values(describeTrace(trace)).filter(Boolean).join(", ") : "");
  plot.domain = { x: [0, n_steps], y: chooseDecades(logs) };
  const n_ticks = Math.min(n_steps, plot.rect.width / (14 + 8 * String(n_steps).length));
  plot.drawAxes(makeTicks(0, n_steps, n_ticks), hint ? [] : plot.decades(), hint);
  plot.marks.replaceChildren(
    svg("path", { class: "trace", d: plot.path(steps, logs) }),
    ...(n_steps > MAX_DOTS ? [] : known).map((k) => {
      const isNegative = (sign?.[k] ?? Math.sign(gradient[k] ?? 1)) < 0;
      const title = svg("title", {}, isNegative ? "negative" : "positive");
      const name = isNegative ? "dot negative" : "dot";
      return svg("circle", { class: name, cx: plot.x(k), cy: plot.y(logs[k]), r: 3.4 }, title);
    }),
  );
}
