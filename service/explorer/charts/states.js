// The state after each input, and the target.
import { svg } from "../lib/dom.js";
import { formatNumber } from "../lib/format.js";
import { Plot, TOO_LARGE, isDrawable, padRange } from "./plot.js";

const GAP = 5; // between labels
const CHARACTER = 8; // width of a digit, in pixels

/** @param {HTMLElement} root @param {Store} store */
export function createStatesChart(root, store) {
  const names = { x_name: ["input"], y_name: ["state"] };
  const plot = new Plot(root, "State of the network after each input", (self) => draw(self, store), names);
  store.watch(["prediction", "n_read"], () => plot.draw());
}

/** @param {Plot} plot @param {Store} store */
function draw(plot, { prediction, n_read }) {
  const { sample, states = [] } = prediction ?? {};
  const [last, end] = [states.at(-1), sample?.target].map((value) => formatNumber(value));
  plot.summarize(states.length ? `${last} at the end, target ${end}` : "");
  if (!sample || !states.length) return;
  const { inputs, target } = sample;
  const drawn = states.map((state) => (isDrawable(state) ? Number(state) : NaN));
  const known = drawn.filter(Number.isFinite);
  plot.domain = { x: [0, inputs.length], y: padRange([0, target, ...known]) };
  const labels = inputs.map((input) => formatNumber(input, 2));
  const longest = Math.max(...labels.map(({ length }) => length));
  const stride = Math.ceil((labels.length * (longest * CHARACTER + GAP)) / plot.rect.width);
  const x_ticks = labels.flatMap((label, k) => (k % stride ? [] : [{ value: k + 1, label }]));
  const y_ticks = plot.yTicks().map(({ value }) => ({ value, label: formatNumber(value, 3) }));
  plot.drawAxes(x_ticks, y_ticks, known.length > 1 ? "" : TOO_LARGE);
  const steps = states.map((_, k) => k);
  const at = Math.min(n_read, states.length - 1);
  plot.marks.replaceChildren(
    svg("path", { class: "target", d: plot.path(steps, sample.targets ?? steps.map(() => target)) }),
    svg("path", { class: "states", d: plot.path(steps, drawn) }),
    ...(Number.isFinite(drawn[at])
      ? [svg("circle", { class: "sample", r: 4.5, cx: plot.x(at), cy: plot.y(drawn[at]) })]
      : []),
  );
}
