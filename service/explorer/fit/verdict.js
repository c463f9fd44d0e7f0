// What speaks for and against a fit: it stands before the number, with a button for what fits better.
import { byId, createButton, html } from "../lib/dom.js";
import { describeRanges, format, toTimes, typeset, withUnit } from "./units.js";

export const ENOUGH = 50; // targets, with which the tests of the service find most that is wrong
const ALWAYS = ["nearly_collinear", "feedback", "outliers"]; // what is said also if no number is
const OF_RESIDUALS = ["feedback", "outliers", "alternate"];
const PER_UNKNOWN = 10; // targets that an unknown needs, about

/** @typedef {Fit["alternatives"][number]} Alternative */
/** @typedef {Fit["trust"]["findings"][number]} Finding */

/** @param {Finding} finding */
const describeFinding = ({ sentence, advice }) => `${sentence} ${advice}`;

/** Return whether the data tell a w_rec at all. @param {Fit} fit */
export const isIdentified = ({ identifiable, degrees_of_freedom }) => identifiable && degrees_of_freedom > 0;

/** Return whether no effect of the inputs is visible. @param {Fit} fit */
export const isBlind = ({ trust }) => trust.reasons.includes("no_visible_effect");

/** Return whether there are too few rows to tell anything. @param {Fit} fit */
export function isTooShort(fit) {
  const { low, high } = fit.request.w_rec;
  const isAnything = fit.trust.cautious?.some((each) => (each.low ?? low) <= low && (each.high ?? high) >= high);
  return fit.n_targets < ENOUGH && (!isIdentified(fit) || isAnything === true);
}

/** Return how many rows are needed, about. @param {number} n_unknowns */
export const countNeeded = (n_unknowns) => Math.max(ENOUGH, PER_UNKNOWN * n_unknowns);

/** Return the interval to show: the cautious one if the tests have too few targets. @param {Fit} fit */
export const chooseInterval = (fit) => (fit.n_targets < ENOUGH && fit.trust.cautious) || fit.w_rec.intervals;

/**
 * Show the verdict, and below the number what else was found.
 * @param {FitStore} store @param {(change: Partial<FitOptions>) => void} apply
 */
export function showVerdict({ answer, better }, apply) {
  const [verdict, list] = ["verdict", "doubts"].map(byId);
  if (!answer) {
    for (const element of [verdict, list]) element.replaceChildren();
    return;
  }
  const { fit } = answer;
  const [alternative] = fit.alternatives;
  const { reasons, findings } = fit.trust;
  const isUntested = fit.trust.cautions.some((slug) => slug === "too_few_to_tell" || slug === "not_tested");
  verdict.className = `verdict ${reasons.length ? "doubt" : isUntested ? "untested" : "fine"}`;
  const others = findings.filter(({ slug }) => !isSaid(slug, fit));
  if (alternative) {
    const use = () => apply(/** @type {Partial<FitOptions>} */ (alternative.options));
    const text = describeAlternative(alternative, fit, better);
    verdict.replaceChildren(...typeset(`${text} `), createButton("Use this", use, { class: "small-button" }));
  } else if (isTooShort(fit) || isBlind(fit)) {
    verdict.replaceChildren();
  } else if (reasons.length) {
    const first = others.shift();
    const lead = isIdentified(fit) ? [html("b", {}, "Do not rely on this number. ")] : []; // otherwise there is none
    verdict.replaceChildren(...lead, ...typeset(first ? describeFinding(first) : ""));
  } else {
    const noise = fit.rho === null ? "" : ` This fit allows for autocorrelated noise (${format(fit.rho)} from step to step).`;
    verdict.replaceChildren(
      isUntested ? "Nothing speaks against this number, but little could be tested." : `No test speaks against this number.${noise}`,
    );
  }
  list.replaceChildren(...others.map((finding) => html("li", {}, ...typeset(describeFinding(finding)))));
}

/** Return whether the headline or the verdict says a finding, or it follows from what these say. @param {string} slug @param {Fit} fit */
function isSaid(slug, fit) {
  if (slug === "too_few_to_tell") return true; // beside the interval
  // Other reasons, and what the residuals show, are judged again with the alternative.
  if (fit.alternatives.length) return fit.trust.reasons.some((reason) => reason === slug) || OF_RESIDUALS.includes(slug);
  if (isTooShort(fit) || isBlind(fit)) return !ALWAYS.includes(slug);
  return slug === "interval_open" && !fit.identifiable;
}

/** @param {Alternative} alternative @param {Fit} fit @param {Fit | null} better the fit with it, once it has arrived */
function describeAlternative({ reason, w_rec, time_constant }, fit, better) {
  const { length, unit } = fit.request.step;
  const sentence = fit.trust.findings.find(({ slug }) => slug === reason)?.sentence ?? "";
  const name = (/** @type {number | null} */ time, /** @type {number | null} */ w) =>
    time === null ? `w_rec ${format(w)}` : withUnit(time, unit);
  const describe = (/** @type {Span[]} */ intervals, isNamed = false) =>
    time_constant === null ? describeRanges(intervals) : describeRanges(toTimes(intervals, length), unit, time_constant, isNamed);
  const number = name(time_constant, w_rec);
  const now = name(fit.time_constant.value, fit.w_rec.value);
  const intervals = reason === "neighbors" ? fit.trust.cautious : better && chooseInterval(better);
  const interval = intervals ? ` (${describe(intervals)})` : "";
  return `${sentence} Allowing for this gives ${number}${interval} instead of ${number === now ? describe(fit.w_rec.intervals, true) : now}.`;
}
