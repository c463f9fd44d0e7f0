// The data with the fit, and the residuals, over time.
import { Plot, padRange } from "../charts/plot.js";
import { byId, setAttributes, svg } from "../lib/dom.js";
import { formatNumber, formatPercent, formatRange } from "../lib/format.js";
import { makeTicks } from "../lib/scales.js";
import { pluralize } from "./units.js";

const MAX_ROWS = 4000;
const GAP = 0.04; // between two sequences, as a part of the mean length
const MARGIN = 0.02; // before the first and after the last row
const TIME_WIDTH = 84; // pixels between two labels of the time
const MAX_LABEL = 9; // characters
const MAX_NAME = 12; // characters of a sequence

/** @typedef {import("../charts/plot.js").Tick} Tick */
/** @typedef {ReturnType<typeof placeRows>} Places */

/** Shorten the label of a very large or very small number. @param {Tick} tick @returns {Tick} */
export const shorten = ({ value, label }) => ({
  value,
  label: label.length > MAX_LABEL ? formatNumber(value, 4) : label,
});

/**
 * Return positions in time, where the first step is at one step, with sequences one after the other, and how many rows
 * are drawn.
 * @param {Answer} answer
 */
export function placeRows({ rows, dataset, fit: { sequence_names } }) {
  const n = Math.min(MAX_ROWS, rows.step.length);
  const { length, unit } = dataset.step;
  /** @type {{range: [number, number], start: number, name: string}[]} */ const parts = [];
  const x = new Array(n);
  let shift = 0;
  for (let i = 0; i < n; i++) {
    if (!i || rows.sequence[i] !== rows.sequence[i - 1]) {
      if (i) shift = x[i - 1] + length * Math.max(1, Math.round(GAP * dataset.n_steps)) - rows.step[i] * length;
      const name = sequence_names?.[rows.sequence[i]] ?? `sequence ${rows.sequence[i]}`;
      parts.push({ range: [i, i], start: rows.step[i] * length + shift, name });
    }
    x[i] = rows.step[i] * length + shift;
    parts[parts.length - 1].range[1] = i + 1;
  }
  const margin = MARGIN * (x[n - 1] - x[0]) || length;
  const first = Number(rows.time?.[0]); // of numbers; dates are labels
  const origin = Number.isFinite(first) ? first - x[0] : 0;
  const dates = rows.time && !Number.isFinite(first) ? rows.time : null;
  return { x, n, parts, unit, origin, dates, domain: [x[0] - margin, x[n - 1] + margin] };
}

/**
 * Create a plot over time.
 * @param {HTMLElement} root @param {string} label @param {FitStore} store
 * @param {(plot: Plot, places: Places, answer: Answer) => void} draw
 */
function createTimePlot(root, label, store, draw) {
  const drawAnswer = (/** @type {Plot} */ self) => store.answer && draw(self, placeRows(store.answer), store.answer);
  const plot = new Plot(root, label, drawAnswer, { bottom: 24 });
  store.watch(["answer", "other"], () => plot.draw());
  return plot;
}

/**
 * Return labels of rows with dates: those of days, months or years where these begin, or else evenly.
 * @param {Places} places
 * @param {number} count
 */
export function makeDateTicks({ x, n, dates }, count) {
  const texts = (dates ?? []).slice(0, n);
  const stride = Math.max(1, Math.ceil(n / count));
  const starts = [4, 7, 10].map((length) =>
    texts.flatMap((text, i) => (text.slice(0, length) === texts[i - 1]?.slice(0, length) || !i ? [] : [i])),
  );
  const found = starts.find((rows) => rows.length > count / 3);
  const all = found ?? Array.from({ length: Math.ceil(n / stride) }, (_, k) => k * stride);
  const every = Math.max(1, Math.ceil(all.length / count));
  return all
    .filter((_, k) => k % every === 0)
    .map((i, k) => ({ value: x[i], label: shortenDate(texts[i], k ? texts[all[k * every - every]] : "") }));
}

/**
 * Leave out the day of a date with a time if the label before has the same.
 * @param {string} text
 * @param {string} before
 */
function shortenDate(text, before) {
  const [day, time] = text.split("T");
  if (!time) return text;
  return time.startsWith("00:00") || !before
    ? day
    : before.startsWith(day)
      ? time.slice(0, 5)
      : text.slice(5, 16).replace("T", " ");
}

/** Add a unit to the last label of an axis. @param {Tick[]} ticks @param {string} unit */
export const appendUnit = (ticks, unit) =>
  ticks.map(({ value, label }, i) => ({
    value,
    label: i === ticks.length - 1 ? `${label} ${pluralize(unit)}` : label,
  }));

/** @param {Plot} plot @param {Places} places @param {number[]} ys that are drawn */
export function drawTimeAxes(plot, places, ys) {
  const { parts, unit, origin, dates, domain } = places;
  plot.domain = { x: domain, y: padRange(ys.filter(Number.isFinite)) };
  const values = plot.yTicks().map(shorten);
  plot.fitLabels(values);
  const [low, high] = domain;
  const n_ticks = Math.max(2, plot.rect.width / TIME_WIDTH);
  const numbers = makeTicks(low + origin, high + origin, n_ticks).map(({ value, label }) => ({
    value: value - origin,
    label,
  }));
  const times = dates ? makeDateTicks(places, n_ticks) : appendUnit(numbers, unit);
  const sparse = parts.filter((_, i) => i % Math.ceil((parts.length * TIME_WIDTH) / plot.rect.width) === 0);
  const names = sparse.map(({ start, name }) => ({
    value: start,
    label: name.length > MAX_NAME ? `${name.slice(0, MAX_NAME - 1)}…` : name,
  }));
  plot.drawAxes(parts.length > 1 ? names : times, values);
}

/** Return the path of values over time. @param {Plot} plot @param {Places} places @param {number[]} ys */
export const drawRows = (plot, { parts, x }, ys) =>
  parts.map(({ range }) => plot.path(x.slice(...range), ys.slice(...range))).join("");

/** @param {HTMLElement} root @param {FitStore} store */
export function createDataChart(root, store) {
  const band = svg("path", { class: "band" });
  const points = svg("path", { class: "observations" });
  const line = svg("path", { class: "fit-line" });
  const other = svg("path", { class: "other-line" });
  const plot = createTimePlot(root, "Data and fit over time", store, (self, places, { rows, fit }) => {
    const { x, n } = places;
    drawTimeAxes(self, places, [...rows.target.slice(0, n), ...rows.prediction.slice(0, n)]);
    const dots = x.map((each, i) =>
      Number.isFinite(rows.target[i]) ? `M${self.x(each).toFixed(1)} ${self.y(rows.target[i]).toFixed(1)}h0` : "",
    );
    setAttributes(points, { d: dots.join(""), "stroke-width": n > 600 ? 3 : n > 150 ? 4.5 : 6 });
    setAttributes(line, { d: drawRows(self, places, rows.prediction) });
    setAttributes(band, { d: outline(self, places, rows) });
    setAttributes(other, { d: store.other?.rows ? drawRows(self, places, store.other.rows.prediction) : null });
    const targets = formatRange(rows.target.filter(Number.isFinite));
    self.summarize(`${fit.target} ${targets}, fit ${formatRange(rows.prediction.filter(Number.isFinite))}`);
    byId("data-name").textContent = fit.target;
    byId("confidence").textContent = formatPercent(fit.request.confidence);
  });
  plot.inside.append(band, line, points, other);
}

/**
 * Return the outline of a band.
 * @param {Plot} plot @param {Pick<Places, "x"> & {parts: {range: [number, number]}[]}} places
 * @param {Pick<Rows, "low" | "high">} rows
 */
export function outline(plot, { parts, x }, { low, high }) {
  const outlines = parts.map(({ range }) => {
    const [xs, above, below] = [x, high, low].map((each) => each.slice(...range));
    const back = plot.path([...xs].reverse(), [...below].reverse());
    return `${plot.path(xs, above)}${back.replace("M", "L")}${back && "z"}`;
  });
  return outlines.join("");
}

/** @param {HTMLElement} root @param {FitStore} store */
export function createResidualChart(root, store) {
  const bars = svg("path", { class: "residuals" });
  const zero = svg("line", { class: "zero" });
  const plot = createTimePlot(root, "Residuals over time", store, (self, places, { rows, fit }) => {
    const residuals = (store.other?.rows ?? rows).innovation.slice(0, places.n);
    const known = residuals.filter(Number.isFinite);
    const size = Math.max(0, ...known.map(Math.abs));
    self.summarize(formatRange(known));
    drawTimeAxes(self, places, [-size, size]);
    const paths = residuals.map((each, i) => {
      const x = self.x(places.x[i]).toFixed(1);
      return Number.isFinite(each) ? `M${x} ${self.y(0).toFixed(1)}V${self.y(each).toFixed(1)}` : "";
    });
    setAttributes(bars, { d: paths.join("") });
    const { left, width } = self.rect;
    setAttributes(zero, { x1: left, x2: left + width, y1: self.y(0), y2: self.y(0) });
    byId("residual-source").textContent =
      fit.rho === null ? "data minus fit" : "data minus fit, without the autocorrelation";
  });
  plot.marks.append(zero, bars);
}
