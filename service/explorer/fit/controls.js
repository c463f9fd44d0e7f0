// The fields of the options: what is fitted to the table.
import { byId, html } from "../lib/dom.js";
import { formatExact, parseNumber } from "../lib/format.js";
import { redraw } from "../views/table_strip.js";

const OPTIONS = [
  ...["delay-low", "delay-high", "offset", "initial_state", "noise", "w-rec-low", "w-rec-high"],
  ...["time_constants", "season", "variance", "trend"],
];

/** @type {Record<string, boolean | "each">} */
const OFFSETS = { true: true, each: "each", false: false };

/** @param {FitStore} store @param {(options: FitOptions) => void} onChange */
export function createControls(store, onChange) {
  const [low, high] = ["delay-low", "delay-high"].map(byId);
  for (const id of OPTIONS) {
    byId(id).addEventListener("change", () => {
      if (store.question) onChange(readOptions(store.question.options, store.answer?.fit.request.offset));
    });
  }
  // A dead time that is known moves both ends.
  low.addEventListener("input", () => (high.value = Math.max(low.value, high.value)));

  const createBox = (/** @type {string} */ name, /** @type {boolean} */ checked) => {
    const box = html("input", { type: "checkbox", value: name });
    box.checked = checked;
    box.addEventListener("change", () => {
      const boxes = [...document.querySelectorAll("#direct :checked")];
      const direct = boxes.map((each) => each.getAttribute("value") ?? "");
      if (store.question) onChange({ ...store.question.options, direct });
    });
    return html("label", {}, box, name);
  };

  store.watch(["question"], () => {
    if (!store.question) return;
    const { options } = store.question;
    const { delay } = options;
    [low.value, high.value] = typeof delay === "number" ? [delay, delay] : [delay.low, delay.high];
    if (options.offset !== undefined) showOffset(options.offset);
    byId("initial_state").value = options.initial_state;
    byId("noise").value = options.noise;
    byId("time_constants").value = String(options.time_constants ?? 1);
    byId("variance").value = options.variance ?? "constant";
    byId("season").value = readPeriod(options.season) ?? "";
    byId("trend").checked = options.trend ?? false;
    byId("w-rec-low").value = formatExact(options.w_rec.low);
    byId("w-rec-high").value = formatExact(options.w_rec.high);
  });
  store.watch(["answer"], () => {
    if (!store.answer) return;
    showOffset(store.answer.fit.request.offset);
    const { inputs } = store.answer.dataset;
    const { direct = [] } = store.answer.question.options;
    redraw(
      byId("direct"),
      inputs.map((name) => createBox(name, direct.includes(name))),
    );
    byId("direct-inputs").hidden = !inputs.length;
  });
}

/** Show an offset; a number of a link has no entry. @param {FitOptions["offset"]} offset */
function showOffset(offset) {
  byId("offset").value = String(offset);
}

/**
 * Return the options of the fields; those of a link may have values that no field has.
 * @param {FitOptions} options
 * @param {FitOptions["offset"]} chosen the offset that the service has chosen for the last fit
 * @returns {FitOptions}
 */
function readOptions(options, chosen) {
  const [low, high] = ["delay-low", "delay-high"].map((id) => Number(byId(id).value));
  const start = byId("initial_state").value;
  const offset = byId("offset").value; // "" for the number of a link
  const states = byId("time_constants").value; // "" for the groups of a link
  const losesGains = options.gains === "each" && (offset !== "each" || states !== "1"); // which need both
  const period = Number(byId("season").value) || null;
  return {
    ...options,
    ...(start && { initial_state: start === "0" ? 0 : start }),
    ...(offset && offset !== String(options.offset ?? chosen) && { offset: OFFSETS[offset] }),
    delay: low === high ? low : { low, high },
    noise: byId("noise").value,
    ...(period !== readPeriod(options.season) && { season: period }), // a link may have harmonics
    ...(states && { time_constants: states === "per_input" ? states : Number(states) }),
    ...(losesGains && { gains: {} }),
    variance: byId("variance").value,
    trend: byId("trend").checked,
    w_rec: { low: parseNumber(byId("w-rec-low").value), high: parseNumber(byId("w-rec-high").value) },
  };
}

/** Return the period of a season; null without one. @param {FitOptions["season"]} season */
export const readPeriod = (season) => (typeof season === "object" ? (season?.period ?? null) : (season ?? null));
