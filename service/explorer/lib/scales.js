// Changes of the view, and axis ticks.

export const FULL_VIEW = [-3, 3, -3, 3];
const MIN_SHARE = 2e-4; // of the span of the whole view
const MAX_SHARE = 33;
const MIN_SPAN = 1e-9; // of a view in an address
const MAX_EDGE = 1e9;
const MIN_RELATIVE_SPAN = 1e-9; // with less, ticks lose their digits

/**
 * Return the view magnified around a fixed point, or the same view at the zoom limits.
 * @param {View} view @param {number} factor above 1 zooms in
 * @param {{w_in: number, w_rec: number}} center @param {View} [home] the whole view
 */
export function zoomView(view, factor, { w_in, w_rec }, home = FULL_VIEW) {
  const [left, right, bottom, top] = view;
  const shares = [(right - left) / (home[1] - home[0]), (top - bottom) / (home[3] - home[2])].map(
    (share) => share / factor,
  );
  if ((factor > 1 && Math.min(...shares) < MIN_SHARE) || (factor < 1 && Math.max(...shares) > MAX_SHARE)) return view;
  return roundView([
    w_in - (w_in - left) / factor,
    w_in + (right - w_in) / factor,
    w_rec - (w_rec - bottom) / factor,
    w_rec + (top - w_rec) / factor,
  ]);
}

/** Return true if numbers are a view that can be drawn. @param {number[]} view */
export function isView(view) {
  const isRange = (/** @type {number} */ low, /** @type {number} */ high) => {
    const size = Math.max(Math.abs(low), Math.abs(high));
    return high - low >= Math.max(MIN_SPAN, MIN_RELATIVE_SPAN * size) && size <= MAX_EDGE;
  };
  return view.length === 4 && isRange(view[0], view[1]) && isRange(view[2], view[3]);
}

/** Return the view moved by two distances. @param {View} view @param {number} w_in @param {number} w_rec */
export function panView([left, right, bottom, top], w_in, w_rec) {
  return roundView([left + w_in, right + w_in, bottom + w_rec, top + w_rec]);
}

/** Drop the digits that are too small to see. @param {View} view */
function roundView(view) {
  const digits = Math.max(2, Math.ceil(4 - Math.log10(Math.min(view[1] - view[0], view[3] - view[2]))));
  return view.map((edge) => Number(edge.toFixed(Math.min(12, digits))));
}

/** Round up to 1, 2 or 5 times a power of ten. @param {number} size */
export function niceStep(size) {
  const power = 10 ** Math.floor(Math.log10(size));
  return ([1, 2, 5].find((m) => m * power >= size * 0.999) ?? 10) * power;
}

/**
 * Return round numbers from low to high, with their labels.
 * @param {number} low @param {number} high @param {number} count about how many
 */
export function makeTicks(low, high, count) {
  const step = niceStep((high - low) / Math.max(1, count));
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const first = Math.ceil(low / step - 1e-9);
  const length = Math.floor(high / step + 1e-9) - first + 1; // counted, because large numbers plus one may be the same
  return Array.from({ length }, (_, k) => {
    const value = (first + k) * step;
    const label = value.toFixed(decimals);
    const isZero = /^-?0*\.?0*$/.test(label);
    return { value, label: label.replace("-", isZero ? "" : "−") };
  });
}
