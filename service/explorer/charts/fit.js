// The output against the target of each sequence, or of the first ones of a large dataset.
import { svg } from "../lib/dom.js";
import { count, formatNumber, formatRange, nameFirst } from "../lib/format.js";
import { Plot, TOO_LARGE, isDrawable, padRange } from "./plot.js";

const MAX_DOTS = 400;

/** @param {HTMLElement} root @param {HTMLElement} note which sequences are drawn @param {Store} store */
export function createFitChart(root, note, store) {
  const names = { x_name: ["target"], y_name: ["output"] };
  const plot = new Plot(root, "Output against target", (self) => draw(self, store, note), names);
  store.watch(["evaluation"], () => plot.draw());
}

/** @param {Plot} plot @param {Store} store @param {HTMLElement} note */
function draw(plot, { dataset, evaluation }, note) {
  const outputs = evaluation?.outputs?.slice(0, MAX_DOTS) ?? [];
  const targets = dataset?.targets.slice(0, outputs.length) ?? [];
  const known = targets.flatMap((target, i) =>
    isDrawable(outputs[i]) ? [{ target, output: Number(outputs[i]) }] : [],
  );
  const ys = known.map(({ output }) => output);
  const ranges = `outputs ${formatRange(ys)}, targets ${formatRange(targets)}`;
  plot.summarize(ys.length ? `${count(ys.length, "sequence")}, ${ranges}` : "");
  note.textContent = nameFirst(targets.length, dataset?.n_total ?? 0).replace(/.+/, "($&)");
  plot.domain = { x: padRange(targets), y: padRange([...targets, ...ys]) };
  const shorten = (/** @type {{value: number}} */ { value }) => ({ value, label: formatNumber(value, 3) });
  plot.drawAxes(
    plot.xTicks().map(shorten),
    plot.yTicks().map(shorten),
    targets.length && !known.length ? TOO_LARGE : "",
  );
  const [low, high] = plot.domain.x;
  plot.marks.replaceChildren(
    svg("line", { class: "target", x1: plot.x(low), x2: plot.x(high), y1: plot.y(low), y2: plot.y(high) }),
    ...known.map(({ target, output }) =>
      svg("circle", { class: "sample", r: 4, cx: plot.x(target), cy: plot.y(output) }),
    ),
  );
}
