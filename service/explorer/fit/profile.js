// The profile: the typical error for every w_rec. A slider below it requests the fit of another one.
import { Plot } from "../charts/plot.js";
import { byId, createButton, setAttributes, svg } from "../lib/dom.js";
import { formatNumber, formatPercent, formatRange } from "../lib/format.js";
import { makeTicks, niceStep } from "../lib/scales.js";
import { typeset } from "../lib/typeset.js";
import { LatestRequest } from "../model/api.js";
import { showProblem } from "../views/problems.js";
import { shorten } from "./charts.js";
import { fetchFitAt } from "./service.js";
import { pluralize, toTime, withUnit } from "./units.js";

const THUMB = 8; // half the width of the handle of a slider
const TOP = 9; // the highest cost above the lowest one, in heights of the level

/** @param {HTMLElement} root @param {FitStore} store */
export function createProfile(root, store) {
  const slider = byId("profile-slider");
  const marks = svg("g");
  const curve = svg("path", { class: "curve" });
  const plot = new Plot(root, "Plausible values of w_rec", draw, { bottom: 42, top: 22 });
  const layer = svg("g", { class: "plot" }, plot.area, marks, plot.inside);
  const top = svg("g");
  const cursor = svg("line", { class: "cursor" });
  plot.inside.append(curve);
  layer.append(cursor, top);
  plot.marks.append(layer);
  /** @type {number | null} */ let at = null; // the w_rec of another fit, also while it is on its way

  const others = new LatestRequest(
    (/** @type {{of: Answer, w_rec: number}} */ { of, w_rec }, signal) =>
      fetchFitAt(of, w_rec, signal).then((other) => ({ of, other })),
    ({ of, other }) => {
      if (of !== store.answer) return;
      at = other.w_rec;
      store.set({ other });
    },
    (problem) => problem && showProblem("page-problem", problem),
  );

  const compare = (/** @type {number} */ w_rec) => {
    if (!store.answer) return;
    slider.value = at = w_rec;
    plot.draw();
    others.send({ of: store.answer, w_rec });
  };

  const move = (/** @type {PointerEvent} */ event) => {
    if (!store.answer || !layer.hasPointerCapture(event.pointerId)) return;
    const [low, high] = plot.domain.x;
    const x = plot.rect.left + event.clientX - plot.area.getBoundingClientRect().left;
    compare(Math.min(high, Math.max(low, plot.invertX(x))));
  };
  layer.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    layer.setPointerCapture(event.pointerId);
    move(event);
  });
  layer.addEventListener("pointermove", move);
  slider.addEventListener("input", () => compare(Number(slider.value)));

  store.watch(["answer"], () => {
    others.cancel();
    at = null;
    if (!store.answer) return;
    const { fit } = store.answer;
    byId("profile-view").hidden = !store.answer.profile.w_rec.length;
    if (!fit.w_rec) return;
    const [low, high] = store.answer.window;
    setAttributes(slider, { min: low, max: high, step: (high - low) / 200 });
    slider.value = fit.w_rec.value;
    plot.draw();
  });
  store.watch(["other"], () => {
    if (!store.other) at = null;
    showComparison(store, slider);
    plot.draw();
  });

  function draw() {
    if (!store.answer?.profile.w_rec.length) return;
    const { fit, profile, window } = store.answer;
    // With autocorrelated noise or weights, another criterion than the error is the lowest.
    const isError = fit.minima.every(({ criterion }) => criterion === null);
    const lowest = isError ? Math.sqrt(fit.cost) : 0;
    const level = fit.level === null ? null : isError ? Math.sqrt(fit.level) : fit.level;
    const errors = isError ? profile.cost.map(Math.sqrt) : profile.criterion;
    const minimumOf = (/** @type {Fit["minima"][number]} */ { cost, criterion }) =>
      isError ? Math.sqrt(cost) : Number(criterion);
    const shown = errors.filter(
      (each, i) => Number.isFinite(each) && profile.w_rec[i] >= window[0] && profile.w_rec[i] <= window[1],
    );
    const highest = Math.max(lowest * (1 + 1e-9), ...shown);
    const most = Math.max(
      level !== null && level > lowest ? Math.min(highest, lowest + TOP * (level - lowest)) : highest,
      ...fit.minima.map(minimumOf),
    );
    byId("profile-quantity").textContent = isError ? "error" : "misfit";
    const margin = 0.08 * (most - lowest) || 0.1 * lowest || 1;
    plot.domain = { x: window, y: [lowest - margin, most + margin] };
    plot.drawAxes(plot.xTicks().map(shorten), plot.yTicks().map(shorten));
    const { left: x, top: y, width, height } = plot.rect;
    slider.style.marginLeft = `${x - THUMB}px`;
    slider.style.width = `${width + 2 * THUMB}px`;
    const pieces = (fit.w_rec?.intervals ?? []).map(({ low, high }) => [low ?? window[0], high ?? window[1]]);
    plot.summarize([`best ${formatNumber(fit.w_rec?.value)}`, ...pieces.map(formatRange)].join(", "));
    const rectangles = pieces.map((piece) => {
      const [from, to] = piece.map((w_rec) => plot.x(w_rec));
      return svg("rect", { class: "piece", x: from, width: Math.max(1, to - from), y, height });
    });
    marks.replaceChildren(...rectangles);
    if (level !== null && level <= most + margin) {
      const text = formatPercent(fit.request.confidence);
      marks.append(
        svg("line", { class: "level", x1: x, x2: x + width, y1: plot.y(level), y2: plot.y(level) }),
        svg("text", { class: "level-text", "text-anchor": "end", x: x + width - 4, y: plot.y(level) - 6 }, text),
      );
    }
    setAttributes(curve, { d: plot.path(profile.w_rec, errors) });
    const minima = fit.minima.map((minimum, i) =>
      svg("circle", {
        class: i ? "minimum" : "minimum best",
        cx: plot.x(minimum.w_rec),
        cy: plot.y(minimumOf(minimum)),
        r: i ? 5 : 7,
      }),
    );
    top.replaceChildren(...minima, ...drawTimes(plot, store.answer));
    const place = at === null ? null : plot.x(at);
    setAttributes(cursor, { x1: place, x2: place, y1: y, y2: y + height, display: at === null ? "none" : null });
  }
}

/** Describe the other fit. @param {FitStore} store @param {HTMLElement} slider */
function showComparison(store, slider) {
  const { answer, other } = store;
  byId("comparison").hidden = !other;
  byId("profile-hint").hidden = Boolean(other);
  slider.setAttribute("aria-valuetext", "the best fit");
  if (!other || !answer) return;
  const { length, unit } = answer.fit.request.step;
  const time = toTime(other.w_rec, length);
  const name =
    Number.isFinite(time) && time > 0
      ? `Time constant ${withUnit(time, unit)}`
      : `w_rec ${formatNumber(other.w_rec, 4)}`;
  const text = `${name}: typical error ${formatNumber(other.rmse, 4)} instead of ${formatNumber(answer.fit.rmse, 4)}. `;
  const back = () => store.set({ answer: store.answer, other: null });
  slider.setAttribute("aria-valuetext", text);
  byId("comparison").replaceChildren(
    ...typeset(text),
    createButton("Back to the best", back, { class: "small-button" }),
  );
}

/** Return labels of the axis with time constants as well. @param {Plot} plot @param {Answer} answer */
function drawTimes(plot, { fit: { request }, window }) {
  const { length, unit } = request.step;
  const { left, top, width, height } = plot.rect;
  const name = svg("text", { class: "name", x: left + width, y: top + height + 38, "text-anchor": "end" }, "w");
  name.append(svg("tspan", { class: "sub", dy: 4 }, "rec"));
  const [low, high] = window.map((w_rec) => toTime(w_rec, length));
  const texts = listTimes(low, high, length, width / 80, (time) => plot.x(Math.exp(-length / time))).map(
    ({ x, label }) => [
      svg("line", { class: "tick", x1: x, x2: x, y1: top - 4, y2: top }),
      svg("text", { x, y: top - 8, "text-anchor": "middle" }, label),
    ],
  );
  const caption = svg(
    "text",
    { class: "unit", x: left, y: top + height + 38 },
    `above: time constant in ${pluralize(unit)}`,
  );
  return [name, ...texts.flat(), ...(texts.length ? [caption] : [])];
}

/**
 * Return round times with room for their labels.
 * @param {number} low
 * @param {number} high
 * @param {number} length of a step
 * @param {number} count
 * @param {(time: number) => number} place
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
