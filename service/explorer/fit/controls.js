// The selects and fields of the question: which column plays which part, and what is fitted.
import { byId, createButton, html } from "../lib/dom.js";
import { count, formatExact, parseNumber } from "../lib/format.js";
import { describeRepairs } from "./repair.js";
import { assignColumn, increase, listInputs, readTimes } from "./table.js";

const PARTS = /** @type {const} */ (["time", "target", "sequence"]);
const OPTIONS = [
  ...["delay-low", "delay-high", "offset", "initial_state", "noise", "w-rec-low", "w-rec-high"],
  ...["time_constants", "season", "variance", "trend"],
];

/** @param {FitStore} store @param {(change: Partial<Question>) => void} onChange */
export function createControls(store, onChange) {
  const [low, high, inputs] = ["delay-low", "delay-high", "inputs"].map(byId);
  for (const part of PARTS) {
    const select = byId(`${part}-column`);
    select.addEventListener("change", () => {
      if (store.question) onChange({ columns: assignColumn(store.question.columns, part, select.value) });
    });
  }
  for (const id of OPTIONS) {
    byId(id).addEventListener("change", () => {
      if (store.question) onChange({ options: readOptions(store.question.options) });
    });
  }
  // A dead time that is known moves both ends.
  low.addEventListener("input", () => (high.value = Math.max(low.value, high.value)));

  /** @param {Event} event */
  const changeInputs = ({ target }) => {
    if (!store.question) return;
    const listChecked = (/** @type {string} */ part) =>
      [...document.querySelectorAll(`[name=${part}]:checked`)].map((box) => box.getAttribute("value") ?? "");
    const chosen = listChecked("input");
    const direct = listChecked("direct").filter((each) => chosen.includes(each));
    const { columns, options } = store.question;
    onChange({ columns: { ...columns, inputs: chosen }, options: { ...options, direct } });
    const { name, value } = /** @type {HTMLInputElement} */ (target);
    /** @type {HTMLElement | null} */
    const box = document.querySelector(`[name=${name}][value="${CSS.escape(value)}"]`);
    box?.focus(); // the boxes are new ones
  };

  const createBox = (/** @type {string} */ part, /** @type {string} */ value, /** @type {boolean} */ checked) => {
    const box = html("input", { type: "checkbox", name: part, value });
    box.checked = checked;
    box.addEventListener("change", changeInputs);
    return html("label", {}, box, value);
  };

  store.watch(["question"], () => {
    byId("controls").hidden = !store.question;
    if (!store.question) return;
    const { table, columns, options } = store.question;
    const facts = [table.name || "A stored table", count(table.n_rows, "row"), ...describeRepairs(store.question)];
    byId("table-name").textContent = facts.join(", ");
    showGuess(store.question, () => onChange({ columns: assignColumn(columns, "sequence", "") }));
    const names = table.columns.map(({ name }) => name).filter(Boolean);
    for (const part of PARTS) {
      const select = byId(`${part}-column`);
      const none = part === "target" ? [] : [html("option", { value: "" }, "none")];
      select.replaceChildren(...none, ...names.map((name) => html("option", { value: name }, name)));
      select.value = columns[part];
    }
    inputs.replaceChildren(
      ...listInputs(table, columns).map((name) => createBox("input", name, columns.inputs.includes(name))),
    );
    const direct = columns.inputs.map((name) => createBox("direct", name, options.direct?.includes(name) ?? false));
    byId("direct").replaceChildren(...direct);
    byId("direct-inputs").hidden = !direct.length;
    const { delay } = options;
    [low.value, high.value] = typeof delay === "number" ? [delay, delay] : [delay.low, delay.high];
    byId("offset").checked = options.offset !== false;
    byId("initial_state").value = options.initial_state;
    byId("noise").value = options.noise;
    byId("time_constants").value = String(options.time_constants ?? 1);
    byId("variance").value = options.variance ?? "constant";
    byId("season").value = readPeriod(options.season) ?? "";
    byId("trend").checked = options.trend ?? false;
    byId("w-rec-low").value = formatExact(options.w_rec.low);
    byId("w-rec-high").value = formatExact(options.w_rec.high);
  });
}

/**
 * Name a sequence that was guessed, with a button for one recording unless its times would go back.
 * @param {Question} question
 * @param {() => void} join
 */
function showGuess({ table, columns: { time, sequence, isGuessed } }, join) {
  byId("guess").hidden = !isGuessed;
  if (!isGuessed) return;
  const canJoin = increase(readTimes(table, time));
  byId("guess").replaceChildren(
    `The sequence was guessed: each value of “${sequence}” is a recording of its own. `,
    ...(canJoin ? [createButton("Fit one recording", join, { class: "small-button" })] : []),
  );
}

/**
 * Return the options of the fields; those of a link may have values that no field has.
 * @param {FitOptions} options
 * @returns {FitOptions}
 */
function readOptions(options) {
  const [low, high] = ["delay-low", "delay-high"].map((id) => Number(byId(id).value));
  const start = byId("initial_state").value;
  const offset = byId("offset").checked;
  const states = byId("time_constants").value; // "" for the groups of a link
  const period = Number(byId("season").value) || null;
  return {
    ...options,
    ...(start && { initial_state: start === "0" ? 0 : start }),
    ...(offset !== (options.offset !== false) && { offset }),
    delay: low === high ? low : { low, high },
    noise: byId("noise").value,
    ...(period !== readPeriod(options.season) && { season: period }), // a link may have harmonics
    ...(states && { time_constants: states === "per_input" ? states : Number(states) }),
    variance: byId("variance").value,
    trend: byId("trend").checked,
    w_rec: { low: parseNumber(byId("w-rec-low").value), high: parseNumber(byId("w-rec-high").value) },
  };
}

/** Return the period of a season; null without one. @param {FitOptions["season"]} season */
const readPeriod = (season) => (typeof season === "object" ? (season?.period ?? null) : (season ?? null));
