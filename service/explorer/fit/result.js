// What a fit says, in sentences, and what speaks against it, with the button that helps.
import { byId, createButton, html, showNumber } from "../lib/dom.js";
import { formatNumber } from "../lib/format.js";
import { findSpan } from "./table.js";
import { count, describeRanges, format, nameUnit, toTime, typeset, withUnit } from "./units.js";

const MAX_INPUTS = 4; // in the sentence
const DELAYS = { low: 0, high: 6 }; // offered for a search
const MUCH = 0.5; // of the variance

/** @typedef {import("./units.js").Range} Range */
/** @typedef {Fit["inputs"][number]} Input */
/** @typedef {{text: string, action?: string, change?: Partial<FitOptions>}} Doubt */

const names = new Intl.ListFormat("en-GB");
const strong = (/** @type {string} */ text) => html("b", {}, text);

/** @param {string} text */
const capitalize = (text) => text[0].toUpperCase() + text.slice(1);

/** @param {FitStore} store @param {(change: Partial<FitOptions>) => void} apply */
export function createResult(store, apply) {
  store.watch(["answer"], () => {
    const { answer } = store;
    if (answer) showResult(answer);
    else for (const id of ["headline", "sentence", "quality"]) byId(id).replaceChildren();
    showDoubts(answer, apply);
  });
}

/** @param {Answer} answer */
function showResult(answer) {
  const [headline, sentence, quality] = ["headline", "sentence", "quality"].map(byId);
  const { fit, dataset } = answer;
  const unit = fit.request.step.unit;
  const { time_constant, half_life, w_rec } = fit;
  const isKnown = isIdentified(fit);
  const isTime = isKnown && time_constant.value !== null;
  const number = html("span", { id: "time-constant", class: "number" });
  if (isTime) showNumber(number, withUnit(time_constant.value, unit), time_constant.value);
  headline.replaceChildren(...(isTime ? ["Time constant ", number] : typeset(describeMissing(fit))));
  const confidence = `${format(100 * fit.request.confidence)} %`;
  const interval = isTime ? capitalize(describeRanges(time_constant.intervals, unit)) : `w_rec ${describeRanges(w_rec.intervals)}`;
  const range = html("b", { id: "interval" }, ...typeset(isKnown ? interval : "Any time constant is possible"));
  const half = isTime
    ? [" Half of an effect is gone after ", strong(withUnit(half_life.value, unit)), ` (${describeRanges(half_life.intervals)}).`]
    : [];
  const delay = fit.delay.value ? [" Inputs act ", strong(withUnit(fit.delay.value * fit.request.step.length, unit)), " later."] : [];
  sentence.replaceChildren(range, ` with ${confidence} confidence.`, ...half, ...delay, ...(isKnown ? describeEffects(fit) : []));
  const rest = dataset.n_targets - fit.n_targets;
  const facts = [
    ...(fit.r_squared === null
      ? []
      : [`Explains ${formatNumber(Math.floor(1000 * fit.r_squared) / 10)} % of the variance of ${fit.target}`]),
    `typical error ${format(fit.rmse)}`,
    `w_rec ${formatNumber(w_rec.value, 4)}`,
    `${count(fit.n_targets, "target")}${rest ? ` (${rest} left out)` : ""}`,
  ];
  const level = (isKnown && fit.offset?.value) ?? null;
  const settles = typeof level === "number" ? ` Without any input, ${fit.target} settles at ${format(level)}.` : "";
  quality.replaceChildren(...typeset(`${capitalize(facts.join("; "))}.${settles}`));
}

/** Return whether the data tell a w_rec at all. @param {Fit} fit */
const isIdentified = ({ identifiable, trust }) => identifiable && !trust.reasons.includes("no_degrees_of_freedom");

/** @param {Fit} fit without a time constant */
function describeMissing(fit) {
  const value = Number(fit.w_rec.value);
  if (!isIdentified(fit)) return "These data do not determine a time constant";
  if (value < 0) return `The effects alternate: w_rec ${format(value)}`;
  const time = describeRanges(fit.time_constant.intervals, fit.request.step.unit);
  if (value >= 1) return time ? `${capitalize(time)}; no upper limit` : `The effects grow: w_rec ${format(value)}`;
  return `Time constant ${time}`;
}

/** Return the sentence about the effects of the inputs: in the end, or within a step if they may not end. @param {Fit} fit @returns {(Node | string)[]} */
function describeEffects({ inputs, target }) {
  const hasLimit = (/** @type {Range} */ { low, high }) => low !== null || high !== null;
  const key = inputs.some(({ steady_state_gain }) => hasLimit(steady_state_gain)) ? "steady_state_gain" : "w_in";
  const known = inputs.filter((input) => hasLimit(input[key]));
  const clauses = known.slice(0, MAX_INPUTS).flatMap((input, i) => {
    const { value, low, high } = input[key];
    const isNegative = high !== null && high < 0;
    const verb = isNegative ? "lowers" : Number(low) > 0 ? "raises" : "changes";
    const range = isNegative ? { low: -high, high: low && -low } : { low, high };
    const [amount, interval] = [format(isNegative ? -Number(value) : value), describeRanges([range])];
    const size = value === null ? [strong(interval)] : [strong(amount), ` (${interval})`];
    return [`${i ? ", and one unit" : " one unit"} of ${input.name} ${verb} ${i ? "it" : target} by `, ...size];
  });
  const more = known.length - MAX_INPUTS;
  const lead = key === "w_in" ? " Within a step," : " In the end,";
  return clauses.length ? [lead, ...clauses, more > 0 ? ` (and ${count(more, "more input")}).` : "."] : [];
}

/** Return what speaks against the interval, each with the change of the options that may help. @param {Answer} answer @returns {Doubt[]} */
function listDoubts(answer) {
  const { fit, dataset } = answer;
  const { request, trust, minima } = fit;
  const { length, unit } = request.step;
  const wider = (trust.interval ? null : trust.cautious)?.map(({ low, high }) => ({
    low: low === null || low <= 0 ? null : toTime(low, length),
    high: high === null || high >= 1 ? null : toTime(high, length),
  }));
  const instead = wider ? ` More likely it is ${describeRanges(wider, unit)}.` : "";
  const open = fit.w_rec.intervals.filter(({ low_open, high_open }) => low_open || high_open);
  const free = open.map(({ low, high }) => `from ${describeRanges([{ low, high }])}`).join(" and ");
  /** @type {Record<string, Doubt>} */
  const texts = {
    neighbors: describeNoise(answer, instead),
    offset_advised: {
      text: `Without an offset, a constant level is mistaken for memory; with one, the answer changes.${instead}`,
      action: "Add an offset",
      change: { offset: true },
    },
    nearly_collinear: {
      text: "Some effects cannot be told apart: an input moves together with another one, with the offset or with the start.",
    },
    not_identifiable: { text: "Every time constant fits equally well. The inputs must vary, and the targets must respond." },
    no_degrees_of_freedom: {
      text: `There are as many unknowns as targets (${fit.n_targets}), so anything fits. Use more rows or fewer inputs.`,
    },
    too_few_to_tell: {
      text: `With ${count(fit.n_targets, "target")}, there are too few to test whether the residuals follow each other. Read the interval with care.`,
    },
    interval_open: { text: `Only the range of the search ends the interval: every w_rec ${free} fits nearly as well.` },
    several_pieces: { text: `Separate ranges fit nearly as well, around ${minima.length} minima. Drag along the profile to compare them.` },
  };
  const entangled = isIdentified(fit) ? describeEntangled(answer) : [];
  const reasons = [...trust.reasons, ...trust.cautions].filter(
    (reason) => (isIdentified(fit) || reason !== "interval_open") && !(entangled.length && reason === "nearly_collinear"),
  );
  const little = {
    text: `The fit explains less than half of the variance of ${fit.target}.`,
    ...(typeof request.delay === "number" &&
      fit.degrees_of_freedom > DELAYS.high * dataset.n_samples && { action: "Search a dead time", change: { delay: DELAYS } }),
  };
  return [
    ...(fit.r_squared !== null && fit.r_squared < MUCH ? [little] : []),
    ...entangled.map((text) => ({ text })),
    ...reasons.map((reason) => texts[reason] ?? describeFinding(trust, reason)),
  ];
}

/** Return the sentence of the service. @param {Fit["trust"]} trust @param {string} slug @returns {Doubt} */
function describeFinding({ findings }, slug) {
  const finding = findings.find((each) => each.slug === slug);
  return { text: finding ? `${finding.sentence} ${finding.advice}` : slug };
}

/** @param {Answer} answer @param {string} instead says the wider interval @returns {Doubt} */
function describeNoise({ fit: { request, residuals }, dataset }, instead) {
  const { length, unit } = request.step;
  const pace = `${format(residuals.autocorrelation)} from one ${length === 1 && nameUnit(unit) === unit ? unit : "step"} to the next`;
  if (Number(residuals.autocorrelation) < 0) {
    return { text: `Neighboring residuals tend to alternate (${pace}). The interval may be wider than needed.` };
  }
  const text = `The residuals follow each other (${pace}), so the interval is too narrow.${instead}`;
  const isWhole = dataset.n_samples === 1 && dataset.n_targets === dataset.n_steps;
  if (isWhole) return { text, ...(request.noise === "white" && { action: "Allow for autocorrelated noise", change: { noise: "ar1" } }) };
  const needed = dataset.n_samples > 1 ? "sequence" : "sequence without gaps";
  return {
    text: `${text} An input that is missing from the table may be the cause. (Allowing for such noise needs one ${needed}.)`,
  };
}

/** Name the inputs whose effects the data do not tell. @param {Answer} answer */
function describeEntangled({ question: { table }, fit, dataset }) {
  const { low, high } = dataset.target_range;
  const isConstant = (/** @type {Input} */ { name, w_in }) => w_in.low === null && w_in.high === null && findSpan(table, name) === 0;
  // An effect that could be positive or negative, and as large as the changes of the target.
  const isVague = (/** @type {Input} */ { name, w_in, steady_state_gain }) => {
    const from = steady_state_gain.low ?? w_in.low ?? -Infinity;
    const to = steady_state_gain.high ?? w_in.high ?? Infinity;
    return from < 0 && to > 0 && (to - from) * findSpan(table, name) > high - low;
  };
  const constant = fit.inputs.filter(isConstant).map(({ name }) => name);
  const vague = Number(fit.r_squared) > MUCH ? fit.inputs.filter(isVague).map(({ name }) => name) : [];
  const one = constant.length === 1;
  return [
    ...(constant.length ? [`${names.format(constant)} never ${one ? "changes; untick it" : "change; untick them"}.`] : []),
    ...(vague.length > 1
      ? [`The effects of ${names.format(vague)} cannot be told apart: each may be positive or negative. Leave one of them out.`]
      : []),
  ];
}

/** Show the doubts, or that there are none. @param {Answer | null} answer @param {(change: Partial<FitOptions>) => void} apply */
function showDoubts(answer, apply) {
  const doubts = answer ? listDoubts(answer) : [];
  const rows = doubts.map(({ text, action, change }) =>
    html(
      "li",
      { class: "doubt" },
      ...typeset(text),
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
  byId("doubts").replaceChildren(...rows);
}
