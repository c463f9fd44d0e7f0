// The effects of the inputs: the response to one lasting unit, and the contributions to the fit over time. Their tables
// are loaded after the fit is shown.
import { Plot, padRange } from "../charts/plot.js";
import { byId, html, setAttributes, svg } from "../lib/dom.js";
import { formatNumber, formatPercent, formatRange } from "../lib/format.js";
import { LatestRequest } from "../model/api.js";
import { appendUnit, drawRows, drawTimeAxes, outline, placeRows, shorten } from "./charts.js";
import { fetchFields, readNumber } from "./service.js";
import { withUnit } from "./units.js";

const MAX_PARTS = 7; // inputs that have a color; of more, the smallest are drawn together
const REACH = 1.5; // the heights of a response by which its band can extend the axis
const ROUNDING = 1e-12;
const LABEL_WIDTH = 90; // of a mark, in pixels

/** A table, and its columns before those that are read. @typedef {{path: string, skip: number}} Place */

/**
 * Create a chart of a table of the fit, which is hidden until the table has arrived.
 * @param {string} id @param {string} label @param {FitStore} store
 * @param {(answer: Answer) => Place | null} find returns null if the fit has no such table
 * @param {(plot: Plot, rows: number[][], answer: Answer) => void} draw
 */
function createLateChart(id, label, store, find, draw) {
  /** The history shows earlier fits. @type {WeakMap<Answer, number[][]>} */ const tables = new WeakMap();
  const [view, root] = [byId(`${id}-view`), byId(`${id}-chart`)];
  const drawTable = (/** @type {Plot} */ self) => {
    const rows = store.answer && tables.get(store.answer);
    root.toggleAttribute("data-waiting", !rows);
    if (rows && store.answer) draw(self, rows, store.answer);
  };
  const plot = new Plot(root, label, drawTable, { bottom: 24 });
  const requests = new LatestRequest(
    async (/** @type {{answer: Answer, place: Place}} */ { answer, place }, signal) => {
      const [, ...lines] = await fetchFields(place.path, signal);
      return { answer, rows: lines.map((fields) => fields.slice(place.skip).map(readNumber)) };
    },
    ({ answer, rows }) => {
      tables.set(answer, rows);
      plot.draw();
    },
    (problem) => (view.hidden = Boolean(problem)), // such as too much work for one request
  );
  store.watch(["answer"], () => {
    const { answer } = store;
    const place = answer && find(answer);
    view.hidden = Boolean(answer && !place);
    plot.draw();
    if (place && !tables.has(answer)) requests.send({ answer, place });
    else requests.cancel();
  });
  return plot;
}

/** @param {FitStore} store */
export function createResponseChart(store) {
  const select = byId("response-input");
  const parts = {
    band: svg("path", { class: "band" }),
    gain: svg("line", { class: "gain" }),
    line: svg("path", { class: "fit-line" }),
    marks: svg("g"),
  };
  store.watch(["answer"], () => {
    const { value } = select;
    const inputs = store.answer?.fit.inputs ?? [];
    const [clearest] = [...inputs].sort((one, other) => (one.effects?.p ?? 1) - (other.effects?.p ?? 1));
    select.replaceChildren(...inputs.map(({ name }) => html("option", {}, name)));
    select.value = inputs.some(({ name }) => name === value) ? value : (clearest?.name ?? "");
  });
  // The first column has names of inputs, which may contain a separator.
  const find = (/** @type {Answer} */ { fit: { inputs, links } }) =>
    inputs.length ? { path: links.response_csv, skip: -5 } : null;
  const plot = createLateChart("response", "Response to one lasting unit", store, find, (self, all, { fit }) => {
    const starts = all.flatMap(([step], i) => (step === 0 ? [i] : []));
    const rows = all.slice(starts[select.selectedIndex], starts[select.selectedIndex + 1]);
    drawResponse(self, parts, rows, fit, fit.inputs[select.selectedIndex]);
    byId("response-target").textContent = fit.target;
    byId("response-confidence").textContent = formatPercent(fit.request.confidence);
  });
  plot.inside.append(parts.band, parts.gain, parts.line);
  plot.marks.append(parts.marks);
  select.addEventListener("change", plot.draw);
}

/**
 * @param {Plot} plot @param {Record<"band" | "gain" | "line" | "marks", SVGElement>} parts
 * @param {number[][]} rows with the step, the time, the response and its band
 * @param {Fit} fit @param {Fit["inputs"][number]} input
 */
function drawResponse(plot, { band, gain, line, marks }, rows, fit, input) {
  const [x, response, low, high] = [1, 2, 3, 4].map((j) => rows.map((row) => row[j]));
  const { unit } = fit.request.step;
  const last = x[x.length - 1];
  const end = input.steady_state_gain.value ?? NaN;
  const y_range = chooseRange([...response, ...[end].filter(Number.isFinite)], [...low, ...high]);
  plot.domain = { x: [0, 1.06 * last], y: y_range };
  plot.drawAxes(appendUnit(plot.xTicks(), unit), plot.yTicks().map(shorten));
  setAttributes(line, { d: plot.path(x, response) });
  setAttributes(band, { d: outline(plot, { parts: [{ range: [0, x.length] }], x }, { low, high }) });
  const { left, width } = plot.rect;
  const ends = Number.isFinite(end) ? { y1: plot.y(end), y2: plot.y(end) } : { y1: null, y2: null };
  setAttributes(gain, { x1: left, x2: Number.isFinite(end) ? left + width : left, ...ends });
  const found = listMarks(input, fit).filter(({ time }) => time <= last);
  marks.replaceChildren(...found.flatMap((mark) => drawMark(plot, mark, x, response)));
  const times = found.map(({ label, time }) => `${label} after ${withUnit(time, unit)}`);
  plot.summarize([`of ${input.name}: ${formatRange(response)}`, ...times].join(", "));
}

/**
 * Return the range of an axis for a response, and for a band that is not much wider.
 * @param {number[]} response @param {number[]} band
 */
export function chooseRange(response, band) {
  const [low, high] = [Math.min(...response), Math.max(...response)];
  const reach = REACH * (high - low);
  const near = band.filter(Number.isFinite).map((each) => Math.min(high + reach, Math.max(low - reach, each)));
  return padRange([low, high, ...near]);
}

/**
 * Return the marks of a response, as in its picture. An input without memory has none.
 * @param {Fit["inputs"][number]} input @param {Fit} fit
 */
function listMarks({ response }, { delay, request: { step } }) {
  const { time_to_63_percent: most, time_to_95_percent: all, peak } = response ?? {};
  const marks = [
    { label: "peak", time: peak?.time },
    ...(most === all ? [] : [most, all]).map((time, i) => ({ label: `${[63, 95][i]} %`, time })),
  ];
  return marks.flatMap(({ label, time }) =>
    typeof time === "number" ? [{ label, time: time + delay.value * step.length }] : [],
  );
}

/**
 * Return the dot of a mark and its label, on the side from which the response comes.
 * @param {Plot} plot @param {{label: string, time: number}} mark @param {number[]} x @param {number[]} response
 */
function drawMark(plot, { label, time }, x, response) {
  const after = Math.max(
    1,
    x.findIndex((each) => each >= time),
  );
  const share = (time - x[after - 1]) / (x[after] - x[after - 1]);
  const value = response[after - 1] + share * (response[after] - response[after - 1]);
  const [cx, cy] = [plot.x(time), plot.y(value)];
  const isLate = cx > plot.rect.left + plot.rect.width - LABEL_WIDTH;
  const place = { x: cx + (isLate ? -4 : 8), y: cy + (value < 0 ? -9 : 18), "text-anchor": isLate ? "end" : null };
  return [
    svg("circle", { class: "minimum best", cx, cy, r: 5 }),
    svg("text", place, `${label}: ${formatNumber(time, 3)}`),
  ];
}

/** @param {FitStore} store */
export function createContributionChart(store) {
  const areas = svg("g");
  const baseline = svg("path", { class: "baseline" });
  const line = svg("path", { class: "fit-line" });
  // After the sequence, the step and the time; the names of inputs may contain a separator.
  const find = (/** @type {Answer} */ { fit: { links }, rows }) => ({
    path: links.contributions_csv,
    skip: rows.time ? 3 : 2,
  });
  const plot = createLateChart("contributions", "Contributions to the fit", store, find, (self, table, answer) => {
    const places = placeRows(answer);
    const rows = table.slice(0, places.n);
    const level = rows.map((row) => row[1]);
    const parts = stackParts(listParts(rows, answer.fit.inputs), level);
    const edges = parts.flatMap(({ values, from }) => values.map((value, i) => from[i] + value));
    drawTimeAxes(self, places, [...level, ...edges]);
    const width = Math.max(1, self.rect.width / places.n + 0.5);
    const paths = parts.map(({ values, from, color }) => {
      const bars = values.map((value, i) => {
        const [x, y, end] = [self.x(places.x[i]), self.y(from[i]), self.y(from[i] + value)];
        return value ? `M${x.toFixed(1)} ${y.toFixed(1)}V${end.toFixed(1)}` : "";
      });
      return svg("path", { class: `part ${color}`, d: bars.join(""), "stroke-width": width });
    });
    areas.replaceChildren(...paths);
    setAttributes(baseline, { d: drawRows(self, places, level) });
    setAttributes(line, { d: drawRows(self, places, answer.rows.prediction) });
    const shown = parts.filter(({ values }) => values.some(Boolean));
    const all = [{ name: "baseline", values: level }, ...shown];
    self.summarize(all.map((part) => `${part.name} ${formatRange(part.values)}`).join(", "));
    const names = shown.map(({ name, color }) => html("span", {}, html("i", { class: `patch ${color}` }), name));
    byId("contributions-legend").replaceChildren(...names);
  });
  plot.inside.append(areas, baseline, line);
}

/**
 * Return the parts of the fit: the inputs, the largest first and the smallest together, and the start.
 * @param {number[][]} rows with the start, the baseline and the inputs @param {{name: string}[]} inputs
 */
function listParts(rows, inputs) {
  const size = (/** @type {{values: number[]}} */ { values }) =>
    values.reduce((sum, value) => sum + Math.abs(value), 0);
  const parts = inputs
    .map(({ name }, j) => ({ name, values: rows.map((row) => row[j + 2]) }))
    .sort((one, other) => size(other) - size(one));
  const rest = parts.length > MAX_PARTS ? parts.splice(MAX_PARTS - 1) : [];
  if (rest.length) {
    const sums = rows.map((_, i) => rest.reduce((sum, { values }) => sum + values[i], 0));
    parts.push({ name: `${rest.length} others`, values: sums });
  }
  // It is a difference of the others, with their rounding errors.
  const first = rows.map(([value, ...others]) => (Math.abs(value) > ROUNDING * Math.hypot(...others) ? value : 0));
  const start = { name: "start", values: first, color: "start" };
  return [...parts.map((part, k) => ({ ...part, color: `series-${k}` })), start];
}

/**
 * Stack parts on the baseline, positive values up and negative ones down.
 * @template {{values: number[]}} P
 * @param {P[]} parts @param {number[]} baseline
 * @returns {(P & {from: number[]})[]} with the value at which each bar begins
 */
function stackParts(parts, baseline) {
  const [up, down] = [[...baseline], [...baseline]];
  return parts.map((part) => {
    const from = part.values.map((value, i) => {
      const side = value < 0 ? down : up;
      side[i] += value;
      return side[i] - value;
    });
    return { ...part, from };
  });
}
