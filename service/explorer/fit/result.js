// What a fit says, in sentences: the verdict, the number with its interval, and the effects of the inputs.
import { byId, html, showNumber } from "../lib/dom.js";
import { count, formatNumber, formatPercent } from "../lib/format.js";
import { describeRanges, format, splitUnit, toTimes, typeset, withUnit } from "./units.js";
import { ENOUGH, chooseInterval, countNeeded, isBlind, isIdentified, isTooShort, showVerdict } from "./verdict.js";

const MAX_INPUTS = 4; // in the sentence

/** @typedef {import("./units.js").Range} Range */
/** @typedef {Fit["inputs"][number]} Input */

const names = new Intl.ListFormat("en-GB");
const either = new Intl.ListFormat("en-GB", { type: "disjunction" });
const strong = (/** @type {string} */ text) => html("b", {}, text);
const bare = (/** @type {string} */ column) => splitUnit(column).name;

/** @param {string} text */
const capitalize = (text) => text[0].toUpperCase() + text.slice(1);

/** @param {FitStore} store @param {(change: Partial<FitOptions>) => void} apply */
export function createResult(store, apply) {
  store.watch(["answer", "better"], () => showVerdict(store, apply));
  store.watch(["answer"], () => {
    const { answer } = store;
    byId("headline").classList.toggle(
      "unknown",
      Boolean(answer && (isBlind(answer.fit) || isTooShort(answer.fit) || !isIdentified(answer.fit))),
    );
    byId("headline").classList.toggle("doubtful", Boolean(answer?.fit.trust.reasons.length));
    const contents = answer ? [describeHeadline(answer), describeResult(answer), typeset(describeQuality(answer))] : [[], [], []];
    ["headline", "sentence", "quality"].forEach((id, i) => byId(id).replaceChildren(...contents[i]));
  });
}

/** @param {Answer} answer @returns {(Node | string)[]} */
function describeHeadline({ fit }) {
  const rows = count(fit.n_targets, "row");
  const n_unknowns = fit.n_targets - Math.max(0, fit.degrees_of_freedom);
  if (isTooShort(fit)) return [`${rows} cannot tell; about ${countNeeded(n_unknowns)} are needed`];
  const inputs = either.format(fit.inputs.map(({ name }) => bare(name)));
  if (isBlind(fit)) return [`No effect of ${inputs} on ${bare(fit.target)} is visible in these ${rows}`];
  const { unit } = fit.request.step;
  const { value } = fit.time_constant;
  if (!isIdentified(fit) || value === null) return typeset(describeMissing(fit));
  const number = html("span", { id: "time-constant", class: "number" });
  showNumber(number, withUnit(value, unit), value);
  return ["Time constant ", number];
}

/** @param {Fit} fit without a time constant */
function describeMissing(fit) {
  const value = Number(fit.w_rec.value);
  if (!isIdentified(fit)) return "These data do not determine a time constant";
  if (value < 0) return `The effects alternate: w_rec ${format(value)}`;
  const time = describeRanges(fit.time_constant.intervals, fit.request.step.unit);
  if (value >= 1) return time ? `${capitalize(time)}; no upper limit` : `The effects grow: w_rec ${format(value)}`;
  return `Time constant ${time}`;
}

/** @param {Answer} answer @returns {(Node | string)[]} */
function describeResult({ fit }) {
  const { step, confidence } = fit.request;
  if (isBlind(fit)) return ["Noise alone would look the same. Add other inputs or more rows."];
  if (isTooShort(fit) || !isIdentified(fit)) return ["Any time constant fits about as well."];
  const { value } = fit.time_constant;
  const ranges = chooseInterval(fit);
  const isCautious = ranges !== fit.w_rec.intervals;
  const interval = value === null ? `w_rec ${describeRanges(ranges)}` : capitalize(describeRanges(limit(ranges, fit), step.unit, value));
  const half =
    value === null
      ? []
      : [" Half of an effect is gone after ", strong(withUnit(fit.half_life.value, step.unit)), `${describeHalf(fit, isCautious)}.`];
  const delay = fit.delay.value ? [" Inputs act ", strong(withUnit(fit.delay.value * step.length, step.unit)), " later."] : [];
  const how = isCautious ? `, allowing for noise that lasts, as fewer than ${ENOUGH} rows do not show whether it does` : "";
  return [
    html("b", { id: "interval" }, ...typeset(interval)),
    ` with ${formatPercent(confidence)} confidence${how}.`,
    ...half,
    ...delay,
    ...describeEffects(fit),
  ];
}

/** Return ranges of time constants; an end at the limit of the search is none. @param {Span[]} ranges of w_rec @param {Fit} fit */
function limit(ranges, { request: { step, w_rec } }) {
  const open = ranges.map(({ low, high }) => ({
    low: low !== null && low <= w_rec.low ? null : low,
    high: high !== null && high >= w_rec.high ? null : high,
  }));
  return toTimes(open, step.length);
}

/** @param {Fit} fit @param {boolean} isCautious */
function describeHalf({ half_life, request }, isCautious) {
  return isCautious ? "" : ` (${describeRanges(half_life.intervals, request.step.unit, half_life.value, false)})`;
}

/** @param {Answer} answer */
function describeQuality({ fit, dataset }) {
  const rest = dataset.n_targets - fit.n_targets;
  const target = splitUnit(fit.target);
  const facts = [
    ...(fit.r_squared === null || fit.r_squared < 0 || isBlind(fit)
      ? []
      : [`Explains ${formatPercent(Math.floor(1000 * fit.r_squared) / 1000)} of the variance of ${target.name}`]),
    `typical error ${format(fit.rmse)} ${target.unit}`.trim(),
    ...(isBlind(fit) || isTooShort(fit) ? [] : [`w_rec ${formatNumber(fit.w_rec.value, 4)}`]),
    `${count(fit.n_targets, "target")}${rest ? ` (${rest} left out)` : ""}`,
  ];
  const hasLevel = isIdentified(fit) && !isTooShort(fit) && !isBlind(fit) && !fit.trust.cautions.includes("rho_at_limit");
  const level = hasLevel ? fit.offset?.value : null;
  const settles =
    typeof level === "number" ? ` Without any input, ${target.name} settles at ${`${format(level)} ${target.unit}`.trim()}.` : "";
  return `${capitalize(facts.join("; "))}.${settles}`;
}

/** Return what is said of inputs without a visible effect, each given all others. @param {string[]} invisible @param {number} n_inputs */
function describeInvisible(invisible, n_inputs) {
  const list = names.format(invisible);
  if (invisible.length === 1) return ` No visible effect: ${list}.`;
  if (invisible.length < n_inputs) return ` Given the other inputs, no visible effect: ${list}.`;
  return ` Together, ${list} have a visible effect, but these data cannot tell their effects apart.`;
}

/** Return the sentence about the effects of the inputs: in the end, or within a step if they may not end. @param {Fit} fit @returns {(Node | string)[]} */
function describeEffects({ inputs, target }) {
  const hasLimit = (/** @type {Range} */ { low, high }) => low !== null || high !== null;
  const invisible = inputs.filter(({ effects }) => effects && !effects.visible).map(({ name }) => bare(name));
  const key = inputs.some(({ steady_state_gain }) => hasLimit(steady_state_gain)) ? "steady_state_gain" : "w_in";
  const known = inputs.filter((input) => input.effects?.visible !== false && hasLimit(input[key]));
  const { name: what, unit } = splitUnit(target);
  const more = known.length - MAX_INPUTS;
  const clauses = known.slice(0, MAX_INPUTS).flatMap((input, i) => {
    const { value, low, high } = input[key];
    const cause = splitUnit(input.name);
    const isNegative = high !== null && high < 0;
    const verb = isNegative ? "lowers" : Number(low) > 0 ? "raises" : "changes";
    const range = isNegative ? { low: -high, high: low && -low } : { low, high };
    const [amount, interval] = [format(isNegative ? -Number(value) : value), describeRanges([range])];
    const size = value === null ? [strong(`${interval} ${unit}`.trim())] : [strong(`${amount} ${unit}`.trim()), ` (${interval})`];
    const and = i === Math.min(known.length, MAX_INPUTS) - 1 && more <= 0 ? ", and " : ", ";
    return [`${i ? and : " "}${cause.unit ? `1 ${cause.unit}` : "one unit"} of ${cause.name} ${verb} ${i ? "it" : what} by `, ...size];
  });
  const lead = key === "w_in" ? " Within a step," : " In the long run,";
  return [
    ...(clauses.length ? [lead, ...clauses, more > 0 ? ` (and ${count(more, "more input")}).` : "."] : []),
    ...(invisible.length ? [describeInvisible(invisible, inputs.length)] : []),
  ];
}
