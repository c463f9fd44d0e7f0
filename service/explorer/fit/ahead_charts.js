// The charts of what is ahead: the predictions with each plan, their difference, and bars of the inputs to drag.
import { Plot, padRange } from "../charts/plot.js";
import { byId, createButton, html, setAttributes, svg } from "../lib/dom.js";
import { formatNumber, formatRange, roundToStep } from "../lib/format.js";
import { niceStep } from "../lib/scales.js";
import { drawTimeAxes, outline, shorten } from "./charts.js";
import { chooseRange } from "./effects.js";

const MARGINS = { left: 64, bottom: 24 }; // of all charts, so that their steps are below each other
const MIN_PAST = 12; // steps that are drawn before those ahead
const HEADROOM = 1.5; // of the bars, in the range of the data
const N_LEVELS = 200; // that a drag can reach

/** Returns another value of an input at a step. @typedef {(value: number, k: number) => number} Change */

/** Return the positions in time of the last steps of a sequence and of those ahead. @param {Outlook} outlook */
function placeSteps({ answer: { rows, dataset }, sequence, past, plans, forecast }) {
  const { length, unit } = dataset.step;
  const n_steps = plans[0].length;
  const last = rows.sequence.lastIndexOf(sequence);
  const oldest = Math.max(rows.sequence.indexOf(sequence), last + 1 - Math.max(MIN_PAST, n_steps));
  const known = Array.from({ length: last + 1 - oldest }, (_, i) => oldest + i);
  const before = known.map((i) => rows.step[i] * length);
  const ahead = Array.from({ length: n_steps }, (_, k) => (past.length + k + 1) * length);
  const x = [...before, ...ahead];
  const first = Number(rows.time?.[known[0]]); // of numbers; dates are labels
  const origin = Number.isFinite(first) ? first - x[0] : 0;
  const times = [...known.map((i) => rows.time?.[i] ?? ""), ...(forecast?.times?.[0] ?? [])];
  const dates = rows.time && !Number.isFinite(first) ? times : null;
  /** @type {[number, number]} */ const range = [0, x.length];
  const parts = [{ range, start: x[0], name: "" }];
  const start = ahead[0] - length / 2;
  const domain = [x[0] - length / 2, x[x.length - 1] + length / 2];
  return { x, n: x.length, parts, unit, origin, dates, domain, known, before, ahead, start };
}

/** Return the line of a plan with its bands. @param {string} name */
function createLine(name) {
  const [wide, band, line] = ["wide", "band", "fit-line"].map((each) => svg("path", { class: each }));
  /** @param {Plot} plot @param {number[]} x @param {Line} [values] */
  const draw = (plot, x, values) => {
    const parts = [{ range: /** @type {[number, number]} */ ([0, x.length]) }];
    const shade = (/** @type {number[]} */ low = [], /** @type {number[]} */ high = []) =>
      outline(plot, { x, parts }, { low, high });
    setAttributes(line, { d: plot.path(x, values?.outputs ?? []) });
    setAttributes(band, { d: shade(values?.low, values?.high) });
    setAttributes(wide, { d: shade(values?.new_low, values?.new_high) });
  };
  return { element: svg("g", { class: name }, wide, band, line), draw };
}

/** Create the chart of the predictions, after the last data. @param {() => Outlook | null} look */
export function createForecastChart(look) {
  const points = svg("path", { class: "observations", "stroke-width": 6 });
  const fit = svg("path", { class: "fit-line before" });
  const now = svg("line", { class: "zero" });
  const lines = ["plan-a", "plan-b"].map(createLine);
  const plot = new Plot(byId("ahead-chart"), "Predictions", draw, MARGINS);
  plot.inside.append(now, fit, points, ...lines.map(({ element }) => element));

  function draw() {
    const outlook = look();
    if (!outlook?.forecast) return;
    const { forecast, answer } = outlook;
    const places = placeSteps(outlook);
    const { known, before, ahead } = places;
    const [targets, fitted] = [answer.rows.target, answer.rows.prediction].map((all) => known.map((i) => all[i]));
    const { low, high, new_low, new_high } = forecast;
    const shown = forecast.outputs.map((outputs, i) => ({
      ...{ outputs, low: low[i], high: high[i] },
      ...{ new_low: new_low[i], new_high: new_high[i] },
    }));
    const values = [...targets, ...fitted, ...forecast.outputs.flat()].filter(Number.isFinite);
    drawTimeAxes(plot, places, chooseRange(values, [...new_low.flat(), ...new_high.flat()]));
    const dots = targets.map((y, i) =>
      Number.isFinite(y) ? `M${plot.x(before[i]).toFixed(1)} ${plot.y(y).toFixed(1)}h0` : "",
    );
    setAttributes(points, { d: dots.join("") });
    setAttributes(fit, { d: plot.path(before, fitted) });
    const [x, { top, height }] = [plot.x(places.start), plot.rect];
    setAttributes(now, { x1: x, x2: x, y1: top, y2: top + height });
    lines.forEach((line, i) => line.draw(plot, ahead, shown[i]));
    plot.summarize(shown.map(({ outputs }, i) => `plan ${"AB"[i]} ${formatRange(outputs)}`).join(", "));
  }

  return plot.draw;
}

/** Create the chart of the difference of two plans. @param {() => Outlook | null} look */
export function createDifferenceChart(look) {
  const line = createLine("difference");
  const zero = svg("line", { class: "zero" });
  const plot = new Plot(byId("difference-chart"), "Difference", draw, MARGINS);
  plot.inside.append(zero, line.element);

  function draw() {
    const outlook = look();
    const [difference] = outlook?.forecast?.differences ?? [];
    if (!outlook || !difference) return;
    const places = placeSteps(outlook);
    const { outputs, low, high } = difference;
    drawTimeAxes(plot, places, [0, ...chooseRange(outputs, [...low, ...high])]);
    const { left, width } = plot.rect;
    setAttributes(zero, { x1: left, x2: left + width, y1: plot.y(0), y2: plot.y(0) });
    line.draw(plot, places.ahead, difference);
    plot.summarize(`plan B minus A ${formatRange(outputs)}`);
  }

  return plot.draw;
}

/**
 * Create the bars of an input, which can be dragged, with buttons that multiply it.
 * @param {{name: string, j: number, range: number[], look: () => Outlook | null, change: (to: Change) => void}} input
 */
export function createBars({ name, j, range, look, change }) {
  const chart = html("div", { class: "chart amounts" });
  const buttons = Object.entries({ zero: 0, half: 0.5, double: 2 }).map(([word, factor]) =>
    createButton(word, () => multiply(factor), { class: "small-button", "aria-label": `${word} ${name}` }),
  );
  const seen = html(
    "span",
    { class: "muted" },
    ` ${range.map((each) => formatNumber(each, 3)).join(" to ")} in the data`,
  );
  const caption = html(
    "figcaption",
    {},
    html("span", {}, html("b", {}, name), seen),
    html("span", { class: "actions" }, ...buttons),
  );
  const [past, ...bars] = ["past", "plan-a", "plan-b"].map((each) => svg("path", { class: `amount ${each}` }));
  const ends = range.map(() => svg("line", { class: "seen" }));
  const grip = svg("rect", { class: "grip" });
  const plot = new Plot(chart, name, draw, { ...MARGINS, top: 6, bottom: 6 });
  plot.inside.append(...ends, past, ...bars);
  plot.marks.append(grip);

  function draw() {
    const outlook = look();
    if (!outlook) return;
    const { answer, plans } = outlook;
    const { known, before, ahead, domain, start } = placeSteps(outlook);
    const values = plans.map((rows) => rows.map((row) => row[j]));
    const reach = [Math.min(0, range[0]), Math.max(0, range[1])].map((end) => HEADROOM * end);
    plot.domain = { x: domain, y: padRange([...reach, ...values.flat()]) };
    plot.drawAxes([], plot.yTicks().map(shorten));
    const size = plot.x(answer.dataset.step.length) - plot.x(0);
    const width = (0.76 * size) / plans.length;
    /** @param {SVGElement} path @param {number[]} x @param {number[]} ys @param {number} shift */
    const drawPath = (path, x, ys, shift) => {
      const d = ys.map(
        (y, k) => `M${(plot.x(x[k]) + shift).toFixed(1)} ${plot.y(0).toFixed(1)}V${plot.y(y).toFixed(1)}`,
      );
      setAttributes(path, { d: d.join(""), "stroke-width": width });
    };
    const steps = known.map((i) => outlook.past[answer.rows.step[i] - 1][j]);
    drawPath(past, before, steps, 0);
    bars.forEach((bar, i) => drawPath(bar, ahead, values[i] ?? [], (i - (plans.length - 1) / 2) * width));
    const { left, top, width: full, height } = plot.rect;
    ends.forEach((line, i) =>
      setAttributes(line, { x1: left, x2: left + full, y1: plot.y(range[i]), y2: plot.y(range[i]) }),
    );
    setAttributes(grip, { x: plot.x(start), width: left + full - plot.x(start), y: top, height });
    plot.summarize(values.map((each, i) => `plan ${"AB"[i]} ${formatRange(each)}`).join(", "));
  }

  const multiply = (/** @type {number} */ factor) => {
    const n_steps = Number(byId("ahead-first").value);
    change((before, k) => (k < n_steps ? factor * before : before));
  };

  const drag = (/** @type {PointerEvent} */ event) => {
    const outlook = look();
    if (!outlook || !grip.hasPointerCapture(event.pointerId)) return;
    const { left, top } = plot.figure.getBoundingClientRect();
    const { start } = placeSteps(outlook);
    const place = Math.floor((plot.invertX(event.clientX - left) - start) / outlook.answer.dataset.step.length);
    const [low, high] = plot.domain.y;
    const value = Math.min(high, Math.max(low, plot.invertY(event.clientY - top)));
    const step = niceStep((high - low) / N_LEVELS);
    const amount = roundToStep(step * Math.round(value / step), step);
    change((before, k) => (k === place ? amount : before));
  };
  grip.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    grip.setPointerCapture(event.pointerId);
    drag(event);
  });
  grip.addEventListener("pointermove", drag);
  return { figure: html("figure", {}, caption, chart), draw: plot.draw };
}
