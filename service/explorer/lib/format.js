// Numbers as people read them.
// @ts-check

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** @param {number} exponent */
export function superscript(exponent) {
  const digits = String(Math.abs(exponent)).replace(/\d/g, (d) => SUPERSCRIPTS[Number(d)]);
  return (exponent < 0 ? "⁻" : "") + digits;
}

/** @param {string} text */
const minus = (text) => text.replace("-", "−");

/**
 * Four digits, with a power of ten where zeros would be counted.
 * @param {number | null | undefined} value
 */
export function short(value, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "beyond 10³⁰⁸" : "beyond −10³⁰⁸";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e-3 && size < 1e5) return minus(String(Number(value.toPrecision(digits))));
  const [mantissa, exponent] = value.toExponential(digits - 2).split("e");
  return minus(`${mantissa}×10${superscript(Number(exponent))}`);
}

/**
 * A cost, by its logarithm where it is beyond float64.
 * @param {number | null | undefined} cost @param {number | null | undefined} [log10_cost]
 */
export function shortCost(cost, log10_cost) {
  if (Number.isFinite(cost)) return short(cost);
  if (Number.isFinite(log10_cost)) return `≈ 10${superscript(Math.round(Number(log10_cost)))}`;
  return cost === Infinity ? short(cost) : "–";
}

/**
 * A number as written in a field or an address: exactly, and plainly.
 * @param {number} value
 */
export function plain(value) {
  return String(value === 0 ? 0 : value);
}

/**
 * The nearest number with no more digits than a step of this size can show.
 * @param {number} value @param {number} step
 */
export function rounded(value, step) {
  const decimals = Math.min(12, Math.max(0, Math.ceil(-Math.log10(step))));
  return Number(value.toFixed(decimals));
}
