// The data with the fit, the residuals, and the profile.
import { Plot, padRange } from "../charts/plot.js";
import { setAttributes, svg } from "../lib/dom.js";
import { formatNumber } from "../lib/format.js";
import { makeTicks, niceStep } from "../lib/scales.js";
import { pluralize, toTime } from "./units.js";

const MAX_ROWS = 4000;
const GAP = 0.04; // between two sequences, as a part of the mean length
const MARGIN = 0.02; // before the first and after the last row
const TICK_WIDTH = 64;
const TICK_HEIGHT = 34;
const MAX_LABEL = 9; // characters
const MAX_NAME = 12; // characters of a sequence
const THUMB = 8; // half the width of the handle of a slider
const TOP = 9; // the highest cost of the profile above the lowest one, in heights of the level

/** @typedef {import("./service.js").Answer} Answer */
/** @typedef {import("./service.js").Rows} Rows */
/** @typedef {import("../charts/plot.js").Tick} Tick */

/** Shorten the label of a very large or very small number. @param {Tick} tick @returns {Tick} */
const shorten = ({ value, label }) => ({ value, label: label.length > MAX_LABEL ? formatNumber(value, 4) : label });

/** Return positions in time, where the first step is at one step, with sequences one after the other, and how many rows are drawn. @param {Answer} answer */
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
  return { x, n, parts, unit, domain: [x[0] - margin, x[n - 1] + margin] };
}

/** @typedef {ReturnType<typeof placeRows>} Places */

/** A plot over time. */
class TimePlot {
  /** @param {HTMLElement} root @param {string} label */
  constructor(root, label) {
    this.plot = new Plot(root, label, () => this.draw(), { bottom: 24 });
    /** @type {Answer | null} */ this.answer = null;
    /** @type {Places | null} */ this.places = null;
    /** @type {Rows | null} */ this.other = null;
  }

  /** @param {Answer} answer @param {Places} places */
  show(answer, places) {
    this.answer = answer;
    this.places = places;
    this.other = null;
    this.draw();
  }

  /** Show another fit of the same rows, or none. @param {Rows | null} rows */
  compare(rows) {
    this.other = rows;
    this.draw();
  }

  draw() {}

  /** @param {number[]} ys that are drawn */
  drawTime(ys) {
    const { plot, places } = this;
    if (!places) return;
    plot.domain = { x: places.domain, y: padRange(ys.filter(Number.isFinite)) };
    const ends = plot.domain.y;
    const values = makeTicks(ends[0], ends[1], Math.max(5, plot.rect.height / TICK_HEIGHT)).map(shorten);
    plot.fitLabels(values);
    const { parts, unit } = places;
    const [low, high] = places.domain;
    const ticks = makeTicks(low, high, Math.max(2, plot.rect.width / TICK_WIDTH / 1.3));
    const sparse = parts.filter((_, i) => i % Math.ceil((parts.length * 84) / plot.rect.width) === 0);
    const times = ticks.map(({ value, label }, i) => ({ value, label: i === ticks.length - 1 ? `${label} ${pluralize(unit)}` : label }));
    const names = sparse.map(({ start, name }) => ({
      value: start,
      label: name.length > MAX_NAME ? `${name.slice(0, MAX_NAME - 1)}…` : name,
    }));
    plot.drawAxes(parts.length > 1 ? names : times, values);
  }

  /** Return the path of a line, which sequences interrupt. @param {Places} places @param {number[]} ys */
  line({ parts, x }, ys) {
    return parts.map(({ range }) => this.plot.path(x.slice(...range), ys.slice(...range))).join("");
  }
}

export class DataChart extends TimePlot {
  /** @param {HTMLElement} root */
  constructor(root) {
    super(root, "Data and fit over time");
    this.band = svg("path", { class: "band" });
    this.points = svg("path", { class: "observations" });
    this.fit = svg("path", { class: "fit-line" });
    this.otherFit = svg("path", { class: "other-line" });
    this.plot.inside.append(this.band, this.fit, this.points, this.otherFit);
  }

  draw() {
    const { plot, places, answer } = this;
    if (!answer || !places) return;
    const { rows } = answer;
    const { x, n } = places;
    this.drawTime([...rows.target.slice(0, n), ...rows.prediction.slice(0, n)]);
    const dots = x.map((each, i) =>
      Number.isFinite(rows.target[i]) ? `M${plot.x(each).toFixed(1)} ${plot.y(rows.target[i]).toFixed(1)}h0` : "",
    );
    setAttributes(this.points, { d: dots.join(""), "stroke-width": n > 600 ? 3 : n > 150 ? 4.5 : 6 });
    setAttributes(this.fit, { d: this.line(places, rows.prediction) });
    setAttributes(this.band, { d: this.outline(places, rows) });
    setAttributes(this.otherFit, { d: this.other ? this.line(places, this.other.prediction) : null });
  }

  /** Return the outline of the band. @param {Places} places @param {Rows} rows */
  outline({ parts, x }, { low, high }) {
    const outlines = parts.map(({ range }) => {
      const [xs, above, below] = [x, high, low].map((each) => each.slice(...range));
      const back = this.plot.path([...xs].reverse(), [...below].reverse());
      return `${this.plot.path(xs, above)}${back.replace("M", "L")}${back && "z"}`;
    });
    return outlines.join("");
  }
}

export class ResidualChart extends TimePlot {
  /** @param {HTMLElement} root */
  constructor(root) {
    super(root, "Residuals over time");
    this.bars = svg("path", { class: "residuals" });
    this.zero = svg("line", { class: "zero" });
    this.plot.marks.append(this.zero, this.bars);
  }

  draw() {
    const { plot, places, answer } = this;
    if (!answer || !places) return;
    const residuals = (this.other ?? answer.rows).residual.slice(0, places.n);
    const size = Math.max(0, ...residuals.filter(Number.isFinite).map(Math.abs));
    this.drawTime([-size, size]);
    const bars = residuals.map((each, i) => {
      const x = plot.x(places.x[i]).toFixed(1);
      return Number.isFinite(each) ? `M${x} ${plot.y(0).toFixed(1)}V${plot.y(each).toFixed(1)}` : "";
    });
    setAttributes(this.bars, { d: bars.join("") });
    const { left, width } = plot.rect;
    setAttributes(this.zero, { x1: left, x2: left + width, y1: plot.y(0), y2: plot.y(0) });
  }
}

/** The typical error, which is the root of the lowest cost, for every w_rec. */
export class ProfileChart {
  /** @param {HTMLElement} root @param {HTMLElement} slider below it @param {(w_rec: number) => void} onMove */
  constructor(root, slider, onMove) {
    this.slider = slider;
    this.plot = new Plot(root, "Typical error for every w_rec", () => this.draw(), { bottom: 42, top: 22 });
    this.pieces = svg("g");
    this.level = svg("line", { class: "level" });
    this.levelText = svg("text", { class: "level-text", "text-anchor": "end" });
    this.curve = svg("path", { class: "curve" });
    this.minima = svg("g");
    this.times = svg("g");
    this.cursor = svg("line", { class: "cursor" });
    this.target = svg("rect", { class: "seek" });
    this.plot.inside.append(this.curve);
    const layer = svg(
      "g",
      { class: "plot" },
      this.target,
      this.pieces,
      this.level,
      this.levelText,
      this.plot.inside,
      this.cursor,
      this.minima,
    );
    this.plot.marks.append(layer, this.times);
    /** @type {Answer | null} */ this.answer = null;
    /** @type {number | null} */ this.at = null;
    const move = (/** @type {PointerEvent} */ event) => {
      if (!this.answer || !layer.hasPointerCapture(event.pointerId)) return;
      const share = (event.clientX - this.target.getBoundingClientRect().left) / this.plot.rect.width;
      const [low, high] = this.plot.domain.x;
      onMove(Math.min(high, Math.max(low, low + share * (high - low))));
    };
    layer.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
      layer.setPointerCapture(event.pointerId);
      move(event);
    });
    layer.addEventListener("pointermove", move);
  }

  /** @param {Answer} answer */
  show(answer) {
    this.answer = answer;
    this.at = null;
    this.draw();
  }

  /** @param {number | null} w_rec of another fit */
  mark(w_rec) {
    this.at = w_rec;
    this.draw();
  }

  draw() {
    const { plot, answer } = this;
    if (!answer) return;
    const { fit, profile, window } = answer;
    const lowest = Math.sqrt(fit.cost);
    const level = fit.level === null ? null : Math.sqrt(fit.level);
    const errors = profile.cost.map((/** @type {number | null} */ cost) => (cost === null ? NaN : Math.sqrt(cost)));
    const shown = errors.filter((each, i) => Number.isFinite(each) && profile.w_rec[i] >= window[0] && profile.w_rec[i] <= window[1]);
    const highest = Math.max(lowest * (1 + 1e-9), ...shown);
    const top = level !== null && level > lowest ? Math.min(highest, lowest + TOP * (level - lowest)) : highest;
    const most = Math.max(top, ...fit.minima.map((/** @type {any} */ { cost }) => Math.sqrt(cost)));
    const margin = 0.08 * (most - lowest) || 0.1 * lowest || 1;
    plot.domain = { x: window, y: [lowest - margin, most + margin] };
    const { top: y, height } = plot.rect;
    plot.drawAxes(plot.xTicks().map(shorten), plot.yTicks().map(shorten));
    const { left: x, width } = plot.rect;
    setAttributes(this.target, { x, y, width, height });
    this.slider.style.marginLeft = `${x - THUMB}px`;
    this.slider.style.width = `${width + 2 * THUMB}px`;
    this.pieces.replaceChildren(
      ...fit.w_rec.intervals.map((/** @type {any} */ { low, high }) => {
        const [from, to] = [plot.x(low ?? window[0]), plot.x(high ?? window[1])];
        return svg("rect", { class: "piece", x: from, width: Math.max(1, to - from), y, height });
      }),
    );
    const at = plot.y(level ?? most);
    setAttributes(this.level, { x1: x, x2: x + width, y1: at, y2: at, display: level === null ? "none" : null });
    setAttributes(this.levelText, { x: x + width - 4, y: at - 6, display: level === null ? "none" : null });
    this.levelText.textContent = `${formatNumber(100 * fit.request.confidence)} %`;
    setAttributes(this.curve, { d: plot.path(profile.w_rec, errors) });
    this.minima.replaceChildren(
      ...fit.minima.map((/** @type {any} */ { w_rec, cost }, /** @type {number} */ i) =>
        svg("circle", { class: i ? "minimum" : "minimum best", cx: plot.x(w_rec), cy: plot.y(Math.sqrt(cost)), r: i ? 5 : 7 }),
      ),
    );
    const cursor = this.at === null ? null : plot.x(this.at);
    setAttributes(this.cursor, { x1: cursor, x2: cursor, y1: y, y2: y + height, display: cursor === null ? "none" : null });
    this.drawTimes(answer);
  }

  /** Label the axis with time constants as well. @param {Answer} answer */
  drawTimes({ fit: { request }, window }) {
    const { plot } = this;
    const { length, unit } = request.step;
    const { left, top, width, height } = plot.rect;
    const name = svg("text", { class: "name", x: left + width, y: top + height + 38, "text-anchor": "end" }, "w");
    name.append(svg("tspan", { class: "sub", dy: 4 }, "rec"));
    const [low, high] = window.map((w_rec) => toTime(w_rec, length));
    const texts = listTimes(low, high, length, plot.rect.width / 80, (time) => plot.x(Math.exp(-length / time))).map(({ x, label }) => [
      svg("line", { class: "tick", x1: x, x2: x, y1: top - 4, y2: top }),
      svg("text", { x, y: top - 8, "text-anchor": "middle" }, label),
    ]);
    const caption = texts.length
      ? [svg("text", { class: "unit", x: left, y: top + height + 38 }, `above: time constant in ${pluralize(unit)}`)]
      : [];
    this.times.replaceChildren(name, ...texts.flat(), ...caption);
  }
}

/**
 * Return round times with room for their labels.
 * @param {number} low @param {number} high @param {number} length of a step @param {number} count @param {(time: number) => number} place
 */
function listTimes(low, high, length, count, place) {
  const first = Math.max(low, length / 8); // whose w_rec is nearly 0
  const last = Number.isFinite(high) ? high : 1000 * Math.max(low, length);
  const isNarrow = last / first < 4;
  const times = isNarrow ? makeTicks(first, last, Math.min(5, count)).map(({ value }) => value) : [];
  if (!isNarrow) {
    for (let time = niceStep(first); time <= last && times.length < 40; time = niceStep(time * 1.5)) times.push(time);
  }
  let free = -Infinity;
  return times.flatMap((time) => {
    const x = place(time);
    if (x < free) return [];
    free = x + 46;
    return [{ x, label: formatNumber(time, 4) }];
  });
}
