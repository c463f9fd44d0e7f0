// The network unrolled in time: the state flows to the right, and the gradient of the squared error to the left.
import { setAttributes, svg } from "../lib/dom.js";
import { formatNumber, formatPower } from "../lib/format.js";
import { NO_MARGINS, Plot } from "./plot.js";

const CELL_Y = 28;
const CELL_HEIGHT = 30;
const GRADIENT_Y = 64;
const INPUT_Y = 124;
const CHARACTER = 6.6; // width of a digit
const NARROW_CHARACTER = 5.6;
const WIDE = 36; // of one step, for three digits
const MIN_LOG = -4; // of the thinnest arrow
const MAX_LOG = 6; // of the thickest arrow
const MAX_WIDTH = 11;

/** @param {HTMLElement} root @param {Store} store */
export function createUnrolled(root, store) {
  const plot = new Plot(root, "The network unrolled in time", (self) => draw(self, store.prediction), NO_MARGINS);
  store.watch(["prediction"], () => plot.draw());
}

/** @param {Plot} plot @param {Prediction | null} prediction */
function draw(plot, prediction) {
  plot.marks.replaceChildren();
  if (!prediction) return;
  const { sample, states, trace } = prediction;
  const distance = plot.rect.width / states.length;
  const width = Math.min(52, Math.max(2, distance * 0.74));
  const digits = distance < WIDE ? 2 : 3;
  const x = (/** @type {number} */ k) => distance * (k + 0.5);
  plot.figure.setAttribute("class", distance < WIDE ? "unrolled narrow" : "unrolled");
  const cell = { class: "cell", y: CELL_Y - CELL_HEIGHT / 2, width, height: CELL_HEIGHT, rx: Math.min(8, width / 3) };
  plot.marks.append(
    ...states.map((_, k) => svg("rect", { ...cell, x: x(k) - width / 2 }, svg("title", {}, `State ${k}`))),
    ...states.slice(1).flatMap((_, k) => {
      const [left, right] = [x(k) + width / 2 + 1, x(k + 1) - width / 2 - 1];
      const state = states[k];
      return [
        drawArrow("forward", left, right, CELL_Y, state === null ? Infinity : Math.log10(Math.abs(state))),
        drawArrow("backward", right + width / 2, left - width / 2, GRADIENT_Y, trace.log10_magnitude[k]),
      ];
    }),
    ...drawRow("state-value", CELL_Y + 5, states, digits, x),
    ...drawRow("gradient-value", GRADIENT_Y + 24, trace.gradient, digits, x),
    ...drawRow("bit", INPUT_Y, [null, ...sample.inputs], digits, x, (value) => (value ? "bit one" : "bit")),
  );
  plot.summarize(
    `output ${formatNumber(states.at(-1))}, gradient at the first state ${formatNumber(trace.gradient[0])}`,
  );
}

/**
 * Return the numbers that have room: every first, every second, and so on, and always the last.
 * @param {string} name
 * @param {number} y
 * @param {(number | null)[]} values
 * @param {number} digits
 * @param {(k: number) => number} x
 * @param {(value: number | null) => string} [classOf]
 */
function drawRow(name, y, values, digits, x, classOf = () => name) {
  const texts = values.map((value, k) => (name === "bit" && k === 0 ? "" : formatShort(value, digits)));
  const longest = Math.max(1, ...texts.map(({ length }) => length));
  const stride = Math.ceil((longest * (digits === 2 ? NARROW_CHARACTER : CHARACTER)) / (x(1) - x(0)));
  return texts.flatMap((text, k) =>
    (texts.length - 1 - k) % stride
      ? []
      : [svg("text", { class: classOf(values[k]), x: x(k), y, "text-anchor": "middle" }, text)],
  );
}

/**
 * @param {string} name
 * @param {number} from
 * @param {number} to
 * @param {number} y
 * @param {number | null} log of the magnitude
 */
function drawArrow(name, from, to, y, log) {
  const share = Math.min(1, Math.max(0, ((log ?? -Infinity) - MIN_LOG) / (MAX_LOG - MIN_LOG)));
  const half = 0.5 + (share * (MAX_WIDTH - 1)) / 2;
  const neck = to - Math.sign(to - from) * Math.min(half + 3, Math.abs(to - from) / 2);
  const d =
    `M${from} ${y - half}L${neck} ${y - half}L${neck} ${y - half - 2.5}L${to} ${y}` +
    `L${neck} ${y + half + 2.5}L${neck} ${y + half}L${from} ${y + half}Z`;
  const arrow = svg("path", { class: name, d, "fill-opacity": (0.25 + 0.75 * share).toFixed(2) });
  setAttributes(arrow, { display: log === null || log === -Infinity ? "none" : null }); // a true zero has no arrow
  return arrow;
}

/**
 * Format a number with at most four characters and a sign, or three.
 * @param {number | null} value
 * @param {number} digits
 */
function formatShort(value, digits) {
  const size = Math.abs(value ?? NaN);
  if (Number.isNaN(size) || !size) return formatNumber(value);
  const sign = Number(value) < 0 ? "−" : "";
  if (size === Infinity) return `${sign}∞`;
  if (size >= 9999.5 || size < 0.005) return `${sign}${formatPower(Math.round(Math.log10(size)))}`;
  return formatNumber(Number(value?.toFixed(Math.max(0, digits - 1 - Math.floor(Math.log10(Math.max(1, size)))))));
}
