// The training runs in a table, and as a legend of the cost chart.
import { seriesClass } from "../charts/trajectories.js";
import { createButton, html, setAttributes, setText, showNumber, svg } from "../lib/dom.js";
import { OVERFLOW, count, formatCost, formatNumber, formatPoint } from "../lib/format.js";
import { receive } from "../model/api.js";
import { describeEnd } from "../model/outcome.js";
import { readRun } from "../model/shown.js";
import { readSweep } from "../model/sweep.js";

/** The columns; those with a key sort the runs, the lowest value first. @type {{title: string, key?: SortKey}[]} */
const COLUMNS = [
  { title: "Run", key: "order" },
  { title: "Now" },
  { title: "At the end", key: "cost" },
  { title: "Gap to optimum", key: "gap" },
  { title: "Outcome" },
];

/** @typedef {"order" | "cost" | "gap"} SortKey */

/** What the runs are sorted by. @type {Record<SortKey, (run: Run, index: number) => number>} */
const SORT_VALUES = {
  order: (_run, index) => index,
  cost: ({ result }) => result.final.log10_cost ?? (result.outcome === "diverged" ? Infinity : -Infinity),
  gap: ({ result }) => result.gap_to_optimum ?? Infinity,
};

export class RunsTable {
  /** @param {Store} store @param {Race} race @param {Record<string, any>} elements */
  constructor(store, race, elements) {
    this.store = store;
    this.race = race;
    this.elements = elements;
    /** @type {{weights: Element, cost: Element}[]} */ this.currentCells = [];
    /** @type {ReturnType<typeof describeEnd>[]} */ this.ends = [];
    /** @type {SortKey} */ this.sortKey = "order";
    highlightRuns(document.body);
    store.watch(["runs", "optimum"], () => this.draw()); // what came of a run also depends on the data
    store.watch(["iteration"], () => this.showCurrent());
    store.watch(["show"], () => this.markShown());
  }

  /** Draw all runs. */
  draw() {
    const { runs } = this.store;
    const { race: table, "runs-legend": legend } = this.elements;
    this.currentCells = [];
    this.ends = runs.map((run) => describeEnd(run, this.store));
    const names = this.race.nameRuns(runs);
    legend.replaceChildren(...runs.map((_, index) => this.createChip(index, names[index])));
    if (!runs.length) {
      table.replaceChildren(html("p", { class: "muted" }, "No runs yet. Press Train."));
      return;
    }
    const actions = html("span", { class: "visually-hidden" }, "Actions");
    const heads = COLUMNS.map((column) => this.createHead(column));
    const head = html("tr", {}, ...heads, html("th", { scope: "col" }, actions));
    const value = SORT_VALUES[this.sortKey];
    const all = runs.map((run, index) => ({ row: this.drawRow(run, index), value: value(run, index) }));
    const rows = all.sort((a, b) => (a.value === b.value ? 0 : a.value - b.value)).map(({ row }) => row);
    const caption = html("caption", { class: "visually-hidden" }, "Training runs");
    table.replaceChildren(html("table", {}, caption, html("thead", {}, head), html("tbody", {}, ...rows)));
    this.markBest(rows);
    this.showCurrent();
    this.markShown();
    this.showSweep(runs);
  }

  /** Compare the rates of a sweep above the table. @param {Run[]} runs */
  async showSweep(runs) {
    const sweep = readSweep(runs);
    if (!sweep) return;
    const { drawSweep } = await receive(import("./sweep.js"));
    const { race } = this.elements;
    if (this.store.runs !== runs) return;
    race.querySelector(".sweep")?.remove();
    race.prepend(drawSweep(sweep));
  }

  /** @param {typeof COLUMNS[number]} column */
  createHead({ title, key }) {
    if (!key || this.store.runs.length < 2) return html("th", { scope: "col" }, title);
    const sort = () => {
      this.sortKey = key;
      this.draw();
      this.elements.race.querySelector(`[data-sort="${key}"]`)?.focus();
    };
    const button = createButton(title, sort, { class: "sort", "data-sort": key, title: "Sort by this column" });
    return html("th", { scope: "col", "aria-sort": this.sortKey === key ? "ascending" : null }, button);
  }

  /** Mark the run with the lowest final cost, if there is one. @param {Element[]} rows */
  markBest(rows) {
    const costs = this.store.runs.map(SORT_VALUES.cost);
    const lowest = Math.min(...costs);
    if (costs.length < 2 || lowest === Infinity || costs.filter((cost) => cost === lowest).length > 1) return;
    const row = rows.find((each) => each.getAttribute("data-index") === String(costs.indexOf(lowest)));
    row?.querySelector("[data-title=final] .cost")?.before(html("span", { class: "best" }, "lowest "));
  }

  /** @param {number} index @param {string} name */
  createChip(index, name) {
    const chip = createButton("", () => this.toggle(index), { class: "chip", "data-index": index, "data-name": name });
    chip.append(createSwatch(index), `${name} `, html("span", { class: "icon" }), " ", html("span", { class: "word" }));
    return chip;
  }

  /** Show in its chip where a run is, and at its end what came of it. @param {Run} run @param {number} index */
  showChip({ trajectory }, index) {
    const chip = this.elements["runs-legend"].children[index];
    const { iteration } = this.store.state;
    const isOver = iteration >= (trajectory.iteration.at(-1) ?? 0);
    const { icon, word } = isOver
      ? this.ends[index]
      : { icon: "…", word: `iteration ${iteration.toLocaleString("en")}` };
    const label = `Run ${index + 1}, ${chip.dataset.name}: ${word}`;
    setText(chip.querySelector(".icon"), icon);
    setText(chip.querySelector(".word"), word);
    setAttributes(chip, { "aria-label": label, title: label });
  }

  /** @param {Run} run @param {number} index */
  drawRow(run, index) {
    const { result } = run;
    const title = this.race.describe(result.request);
    const settings = this.race.listSettings(result.request).slice(2).filter(Boolean);
    const current = createCell("current", "now");
    this.currentCells.push(current);
    const final = createCell("final", "at the end");
    showResult(final, { ...result.final.weights, ...result.final });
    const gap = html("td", { "data-title": "gap", "data-label": "gap" });
    // The gap has more digits than the cost, so it may exceed a cost that is 0 within its accuracy.
    const { gap_to_optimum } = result;
    const excess = gap_to_optimum === null ? null : Math.min(gap_to_optimum, result.final.cost ?? Infinity);
    showNumber(gap, formatNumber(excess, 3), excess);
    const { icon, word } = this.ends[index];
    const after = `after ${count(result.iterations, "iteration")}`;
    const small = html("small", {}, settings.join(", "));
    return html(
      "tr",
      { "data-run": result.id, "data-outcome": result.outcome, "data-index": index },
      html("th", { scope: "row" }, createSwatch(index), `${index + 1}. ${title}`, small),
      current.cell,
      final.cell,
      gap,
      html("td", { class: "outcome" }, `${icon} ${word} ${after}`),
      html("td", { class: "buttons" }, ...this.createButtons(run, title, index)),
    );
  }

  /** Let the readouts follow a run, or again the start. @param {number} index */
  toggle(index) {
    this.store.set({ show: this.store.state.show === index + 1 ? 0 : index + 1 });
  }

  /** @param {Run} run @param {string} title @param {number} index */
  createButtons(run, title, index) {
    const use = () => {
      const { w_in, w_rec } = readRun(run, this.store.state.iteration);
      this.store.set({ w_in, w_rec, show: 0 });
    };
    const remove = () => {
      this.race.handlers.problem(null);
      this.race.replace(this.store.runs.filter((each) => each !== run));
      this.elements.add.focus();
    };
    // Weights that are not finite have no place on the surface.
    const isDiverged = run.result.outcome === "diverged";
    return [
      createButton("Show", () => this.toggle(index), { "aria-label": `Show ${title}` }),
      createButton("Use these weights", use, { "aria-label": `Use these weights of ${title}`, disabled: isDiverged }),
      createButton("×", remove, { class: "quiet", "aria-label": `Remove ${title}` }),
    ];
  }

  /** Show the weights and costs at the current iteration. */
  showCurrent() {
    this.store.runs.forEach((run, index) => {
      if (!this.currentCells[index]) return;
      showResult(this.currentCells[index], readRun(run, this.store.state.iteration));
      this.showChip(run, index);
    });
  }

  /** Mark the run that the readouts follow. */
  markShown() {
    const { race: table, "runs-legend": legend } = this.elements;
    const number = this.store.state.show;
    for (const row of table.querySelectorAll("tbody tr")) {
      row.classList.toggle("shown", Number(row.getAttribute("data-index")) + 1 === number);
    }
    [...legend.children].forEach((chip, index) => chip.setAttribute("aria-pressed", String(index + 1 === number)));
  }
}

/**
 * Let the run under the pointer or with the focus stand out everywhere.
 * @param {HTMLElement} root contains the elements with the number of their run in data-index
 */
function highlightRuns(root) {
  const follow = (/** @type {Event} */ event) => {
    const target = /** @type {Element | null} */ (event.target);
    const index = target?.closest("[data-index]")?.getAttribute("data-index") ?? "";
    for (const element of root.querySelectorAll("[data-index]")) {
      element.classList.toggle("dimmed", index !== "" && element.getAttribute("data-index") !== index);
    }
  };
  for (const name of ["pointerover", "focusin"]) root.addEventListener(name, follow);
}

/** @param {number} index */
function createSwatch(index) {
  const line = svg("line", { x1: 1, x2: 25, y1: 6, y2: 6 });
  return svg("svg", { class: `swatch ${seriesClass(index)}`, "aria-hidden": "true" }, line);
}

/** @param {string} name @param {string} label for narrow screens */
function createCell(name, label) {
  const [weights, cost] = [html("small", { class: "weights" }), html("span", { class: "cost" })];
  return { cell: html("td", { "data-title": name, "data-label": label }, cost, weights), weights, cost };
}

/**
 * Show the weights and the cost of a run.
 * @param {{weights: Element, cost: Element}} cell
 * @param {{w_in: number | null, w_rec: number | null, cost?: number | null, log10_cost?: number | null}} result
 */
function showResult(cell, { w_in, w_rec, cost, log10_cost }) {
  showNumber(cell.cost, formatCost(cost, log10_cost), cost);
  setText(cell.weights, w_in === null || w_rec === null ? OVERFLOW : formatPoint(w_in, w_rec));
}
