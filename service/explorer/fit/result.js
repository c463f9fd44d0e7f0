// What a fit says, in sentences, and what speaks against it, with the button that helps.
import { createButton, html, setText, showNumber } from "../lib/dom.js";
import { formatNumber } from "../lib/format.js";
import { format, nameUnit, toTime, withUnit } from "./units.js";

const MAX_INPUTS = 4; // in the sentence

/** @typedef {import("./service.js").Answer} Answer */
/** @typedef {import("./service.js").Options} Options */
/** @typedef {{low: number | null, high: number | null, low_open?: boolean, high_open?: boolean}} Piece */

const strong = (/** @type {string} */ text) => html("b", {}, text);

/** Return an interval as words: an end that is open is not named. @param {Piece[]} pieces @param {string} unit of a time, or "" */
export function describePieces(pieces, unit) {
  const name = (/** @type {number | null} */ value) => (unit ? withUnit(value, unit) : format(value));
  const texts = pieces.map(({ low, high, low_open, high_open }) => {
    const isLow = low !== null && !low_open;
    const isHigh = high !== null && !high_open;
    if (isLow && isHigh) return `between ${format(low)} and ${name(high)}`;
    if (isHigh) return `below ${name(high)}`;
    return isLow ? `above ${name(low)}` : "anything";
  });
  return texts.join(", or ");
}

/** @param {string} text */
const capitalize = (text) => text[0].toUpperCase() + text.slice(1);

/**
 * Show the result.
 * @param {{headline: HTMLElement, sentence: HTMLElement, quality: HTMLElement}} elements @param {Answer | null} answer
 */
export function showResult({ headline, sentence, quality }, answer) {
  if (!answer) {
    for (const element of [headline, sentence, quality]) element.replaceChildren();
    return;
  }
  const { fit, dataset } = answer;
  const unit = fit.request.step.unit;
  const { time_constant, half_life, w_rec } = fit;
  const isKnown = isIdentified(fit);
  const isTime = isKnown && time_constant.value !== null;
  const number = html("span", { id: "time-constant", class: "number" });
  if (isTime) showNumber(number, withUnit(time_constant.value, unit), time_constant.value);
  headline.replaceChildren(...(isTime ? ["Time constant ", number] : [describeMissing(fit)]));
  const confidence = `${format(100 * fit.request.confidence)} %`;
  const interval = isTime ? describePieces(time_constant.intervals, unit) : describePieces(w_rec.intervals, "");
  const range = html(
    "b",
    { id: "interval" },
    isTime ? capitalize(interval) : isKnown ? `w_rec ${interval}` : "Any time constant is possible",
  );
  const half = isTime ? [" Half of an effect is gone after ", strong(withUnit(half_life.value, unit)), "."] : [];
  const delay = fit.delay.value ? [" Inputs act ", strong(withUnit(fit.delay.value * fit.request.step.length, unit)), " later."] : [];
  sentence.replaceChildren(range, ` with ${confidence} confidence.`, ...half, ...delay, ...(isKnown ? describeGains(fit) : []));
  const rest = dataset.n_targets - fit.n_targets;
  const facts = [
    ...(fit.r_squared === null ? [] : [`Explains ${formatNumber(100 * fit.r_squared, 4)} % of the variance of ${fit.target}`]),
    `typical error ${format(fit.rmse)}`,
    `w_rec ${formatNumber(w_rec.value, 4)}`,
    `${fit.n_targets.toLocaleString("en")} targets${rest ? ` (${rest} left out)` : ""}`,
  ];
  const level = (isKnown && fit.offset?.value) ?? null;
  const settles = typeof level === "number" ? ` Without any input, ${fit.target} settles at ${format(level)}.` : "";
  setText(quality, `${capitalize(facts.join("; "))}.${settles}`);
}

/** Return whether the data tell a w_rec at all. @param {any} fit */
const isIdentified = ({ identifiable, trust }) => identifiable && !trust.reasons.includes("no_degrees_of_freedom");

/** @param {any} fit without a time constant */
function describeMissing(fit) {
  const { value } = fit.w_rec;
  if (!isIdentified(fit)) return "These data do not determine a time constant";
  if (value >= 1) return "The effects do not fade";
  return value < 0 ? `The effects alternate: w_rec ${format(value)}` : "Every effect is gone within one step";
}

/** @param {any} fit @returns {(Node | string)[]} */
function describeGains({ inputs, target }) {
  const known = inputs.filter((/** @type {any} */ { steady_state_gain: { value } }) => value !== null);
  const parts = known
    .slice(0, MAX_INPUTS)
    .flatMap((/** @type {any} */ { name, steady_state_gain: { value, low, high } }, /** @type {number} */ i) => {
      const sign = value < 0 ? -1 : 1;
      const ends = [low, high].map((end) => sign * end).sort((a, b) => a - b);
      const interval = low === null || high === null ? "" : ` (${ends.map(format).join(" to ")})`;
      const effect = `${value < 0 ? "lowers" : "raises"} ${i ? "it" : target} by `;
      return [i ? `, one of ${name} ` : ` One unit of ${name} `, effect, strong(format(Math.abs(value))), interval];
    });
  const more = known.length - MAX_INPUTS;
  return parts.length ? [...parts, ` in the end${more > 0 ? ` (and ${more} more inputs)` : ""}.`] : [];
}

/**
 * Return what speaks against the interval, each with the change of the options that may help.
 * @param {Answer} answer @returns {{text: string, action?: string, change?: Partial<Options>}[]}
 */
export function listDoubts({ fit, dataset }) {
  const { request, residuals, trust, minima } = fit;
  const { length, unit } = request.step;
  const wider = trust.widened?.map((/** @type {Piece} */ { low, high }) => ({
    low: low === null || low <= 0 ? null : toTime(low, length),
    high: high === null || high >= 1 ? null : toTime(high, length),
  }));
  const instead = wider ? ` More likely it is ${describePieces(wider, unit)}.` : "";
  const hasGaps = dataset.n_samples > 1 || dataset.n_targets < dataset.n_steps;
  const ofNoise = hasGaps
    ? ` An input that is missing from the table may be the cause. (Allowing for such noise needs one ${dataset.n_samples > 1 ? "sequence" : "sequence without gaps"}.)`
    : "";
  /** @type {Record<string, {text: string, action?: string, change?: Partial<Options>}>} */
  const texts = {
    residuals_autocorrelated: {
      text: `The residuals follow each other (${format(residuals.autocorrelation)} from one ${length === 1 && nameUnit(unit) === unit ? unit : "step"} to the next), so the interval is too narrow.${instead}${ofNoise}`,
      ...(request.noise === "white" && !hasGaps && { action: "Allow for autocorrelated noise", change: { noise: "ar1" } }),
    },
    offset_advised: {
      text: `Without an offset, a constant level is mistaken for memory; with one, the answer changes.${instead}`,
      action: "Add an offset",
      change: { offset: true },
    },
    nearly_collinear: { text: "Some inputs move together, so their effects cannot be told apart. Leave one of them out." },
    not_identifiable: { text: "Every time constant fits equally well. The inputs must vary, and the targets must respond." },
    no_degrees_of_freedom: {
      text: `There are as many unknowns as targets (${fit.n_targets}), so anything fits. Use more rows or fewer inputs.`,
      ...(request.offset && { action: "Fit without an offset", change: { offset: false } }),
    },
    too_few_to_tell: {
      text: `With ${fit.n_targets} targets, there are too few to test whether the residuals follow each other. Read the interval with care.`,
    },
    interval_open: {
      text: `The data do not bound w_rec on one side: everything up to the end of its range, ${request.w_rec.low} to ${request.w_rec.high}, fits nearly as well.`,
    },
    several_pieces: { text: `Separate ranges fit nearly as well, around ${minima.length} minima. Drag along the profile to compare them.` },
  };
  const reasons = trust.reasons.filter((/** @type {string} */ reason) => isIdentified(fit) || reason !== "interval_open");
  return reasons.map((/** @type {string} */ reason) => texts[reason] ?? { text: reason });
}

/** Show the doubts, or that there are none. @param {HTMLElement} list @param {Answer | null} answer @param {(change: Partial<Options>) => void} apply */
export function showDoubts(list, answer, apply) {
  const doubts = answer ? listDoubts(answer) : [];
  const rows = doubts.map(({ text, action, change }) =>
    html(
      "li",
      { class: "doubt" },
      text,
      ...(action ? [" ", createButton(action, () => apply(change ?? {}), { class: "small-button" })] : []),
    ),
  );
  if (answer && !rows.length) {
    const { autocorrelation } = answer.fit.residuals;
    const noise = answer.fit.rho === null ? "" : `Autocorrelated noise is allowed for (${format(answer.fit.rho)} per step). `;
    const fine =
      autocorrelation === null
        ? "There is no reason to doubt this interval."
        : `The residuals look fine (autocorrelation ${format(autocorrelation)}).`;
    rows.push(html("li", { class: "fine" }, noise + fine));
  }
  list.replaceChildren(...rows);
}
