// Numbers as text.

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** Text for a value whose magnitude and sign are unknown because it is outside the float64 range. */
export const OVERFLOW = "overflow";

/** @param {number} exponent */
export function superscript(exponent) {
  const digits = String(Math.abs(exponent)).replace(/\d/g, (d) => SUPERSCRIPTS[Number(d)]);
  return (exponent < 0 ? "⁻" : "") + digits;
}

/** Format a power of ten. @param {number} exponent */
export function formatPower(exponent) {
  if (!Number.isInteger(exponent)) return String(Number((10 ** exponent).toPrecision(2)));
  return exponent === 0 ? "1" : exponent === 1 ? "10" : `10${superscript(exponent)}`;
}

/** Return a formatted number as it is read aloud. @param {string} text */
export function spell(text) {
  const read = (/** @type {string} */ power) =>
    [...power].map((d) => (d === "⁻" ? "minus " : SUPERSCRIPTS.indexOf(d))).join("");
  return text.replaceAll("×", " times ").replace(/[⁻⁰¹²³⁴-⁹]+/g, (power) => ` to the power ${read(power)}`);
}

/**
 * Format a number with few digits, and with a power of ten if it is very large or very small.
 * @param {number | null | undefined} value
 */
export function formatNumber(value, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "> 10³⁰⁸" : "< −10³⁰⁸";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e-3 && size < 1e5) return String(Number(value.toPrecision(digits))).replace("-", "−");
  const [mantissa, exponent] = value.toExponential(digits - 2).split("e");
  return `${mantissa}×10${superscript(Number(exponent))}`.replace("-", "−");
}

/**
 * Format a cost. A cost outside the float64 range is shown by its logarithm.
 * @param {number | null | undefined} cost @param {number | null | undefined} [log10_cost]
 */
export function formatCost(cost, log10_cost) {
  if (Number.isFinite(cost)) return formatNumber(cost);
  if (Number.isFinite(log10_cost)) return `≈ 10${superscript(Math.round(Number(log10_cost)))}`;
  return cost === Infinity ? formatNumber(cost) : "–";
}

/** Return the lowest and the highest of some numbers. @param {number[]} values */
export const formatRange = (values) =>
  [Math.min(...values), Math.max(...values)].map((value) => formatNumber(value, 3)).join(" to ");

/** @param {number} share from 0 to 1 @param {number} [digits] */
export const formatPercent = (share, digits = 3) => `${formatNumber(100 * share, digits)}\u00a0%`;

/** @param {number | null} w_in @param {number | null} w_rec */
export function formatPoint(w_in, w_rec) {
  return `(${formatNumber(w_in)}, ${formatNumber(w_rec)})`;
}

/** @param {number} n @param {string} noun in the singular */
export const count = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;

/** Name the first sequences, if these are not all. @param {number} n @param {number} n_total */
export const nameFirst = (n, n_total) =>
  n && n < n_total ? `the first ${n.toLocaleString("en")} of ${n_total.toLocaleString("en")} sequences` : "";

/**
 * Read a number with a decimal point or comma, or return NaN. A comma that may divide thousands is not read.
 * @param {string} text
 */
export function parseNumber(text) {
  const isDecimal = !/^[-+]?[1-9]\d{0,2},\d{3}$/.test(text.trim());
  return text.trim() === "" ? NaN : Number(isDecimal ? text.replace(",", ".") : text);
}

/** Format a number with all its digits, for fields and addresses. @param {number} value */
export function formatExact(value) {
  return String(value === 0 ? 0 : value).replace("e+", "e");
}

/** Round a number to the decimals that a step of this size can change. @param {number} value @param {number} step */
export function roundToStep(value, step) {
  const decimals = Math.min(12, Math.max(0, Math.ceil(-Math.log10(step))));
  return Number(value.toFixed(decimals));
}
