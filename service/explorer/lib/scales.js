// From weights to pixels and back, and round numbers along an axis.
// @ts-check

/** @typedef {{left: number, top: number, width: number, height: number}} Rect */

export const WHOLE = [-3, 3, -3, 3];
const NARROWEST = 1e-3;
const WIDEST = 200;

/**
 * Where weights lie in a panel.
 * @param {number[]} view @param {Rect} rect
 */
export function placing([left, right, bottom, top], rect) {
  const across = rect.width / (right - left);
  const up = rect.height / (top - bottom);
  return {
    /** @param {number} w_in */
    x: (w_in) => rect.left + (w_in - left) * across,
    /** @param {number} w_rec */
    y: (w_rec) => rect.top + (top - w_rec) * up,
    /** @param {number} x */
    w_in: (x) => left + (x - rect.left) / across,
    /** @param {number} y */
    w_rec: (y) => top - (y - rect.top) / up,
    pixel: { w_in: 1 / across, w_rec: 1 / up },
  };
}

/**
 * The view magnified about a point that stays where it is.
 * @param {number[]} view @param {number} factor above 1 comes nearer
 * @param {{w_in: number, w_rec: number}} about
 */
export function zoomed(view, factor, { w_in, w_rec }) {
  const [left, right, bottom, top] = view;
  const narrow = Math.min(right - left, top - bottom) / factor;
  const wide = Math.max(right - left, top - bottom) / factor;
  if ((factor > 1 && narrow < NARROWEST) || (factor < 1 && wide > WIDEST)) return view;
  return tidy([
    w_in - (w_in - left) / factor,
    w_in + (right - w_in) / factor,
    w_rec - (w_rec - bottom) / factor,
    w_rec + (top - w_rec) / factor,
  ]);
}

/** @param {number[]} view @param {number} w_in @param {number} w_rec */
export function moved([left, right, bottom, top], w_in, w_rec) {
  return tidy([left + w_in, right + w_in, bottom + w_rec, top + w_rec]);
}

/** No more digits than can be seen. @param {number[]} view */
function tidy(view) {
  const digits = Math.max(2, Math.ceil(4 - Math.log10(Math.min(view[1] - view[0], view[3] - view[2]))));
  return view.map((edge) => Number(edge.toFixed(Math.min(12, digits))));
}

/** The next of 1, 2, 5, 10, … that is not smaller. @param {number} size */
export function round(size) {
  const power = 10 ** Math.floor(Math.log10(size));
  return ([1, 2, 5].find((m) => m * power >= size * 0.999) ?? 10) * power;
}

/**
 * Round numbers from low to high, about `wanted` of them.
 * @param {number} low @param {number} high @param {number} wanted
 */
export function ticks(low, high, wanted) {
  const step = round((high - low) / Math.max(1, wanted));
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) {
    found.push({ value: k * step, label: (k * step).toFixed(decimals).replace(/^-(?!0*\.?0*$)/, "−").replace(/^-/, "") });
  }
  return found;
}
