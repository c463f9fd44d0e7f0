// Ahead: the next steps with two plans of the inputs, and the input that reaches a goal. The service predicts and words
// the answer.
import { byId, html } from "../lib/dom.js";
import { formatPercent } from "../lib/format.js";
import { typeset } from "../lib/typeset.js";
import { LatestRequest, Problem, postJson } from "../model/api.js";
import { showProblem } from "../views/problems.js";
import { createBars, createDifferenceChart, createForecastChart } from "./ahead_charts.js";
import { readPeriod } from "./controls.js";
import { fetchInputs, fillPlan, readPlan, writePlan } from "./plans.js";
import { pluralize } from "./units.js";

const MAX_STEPS = 400;

/** @typedef {import("./ahead_charts.js").Change} Change */

/** @param {FitStore} store */
export function createAhead(store) {
  const { ahead, steps, fill, sequence, numbers, goal, input, at } = findFields();
  /** The inputs of a dataset. @type {{dataset: Series, sequences: number[][][]} | null} */ let data = null;
  /** @type {{of: Answer, forecast: Forecast} | null} */ let latest = null;
  /** @type {Plan[]} */ let plans = [];
  /** @type {(() => void)[]} */ let drawBars = [];

  /** @returns {Outlook | null} */
  const look = () => {
    const { answer } = store;
    if (!answer || answer.dataset.id !== data?.dataset.id) return null;
    const isPair = plans[1].fill !== "same";
    const shown = plans.slice(0, isPair ? 2 : 1).map(({ rows }) => rows);
    // That of other plans, before theirs arrives, may have another number of steps.
    const known = latest?.of === answer ? latest.forecast : null;
    const forecast = known?.outputs[0].length === shown[0].length ? known : null;
    return { answer, sequence: Number(sequence.value), past: data.sequences[sequence.value], plans: shown, forecast };
  };
  const drawCharts = [createForecastChart(look), createDifferenceChart(look)];

  const tables = new LatestRequest(
    async (/** @type {Series} */ dataset, signal) => ({ dataset, sequences: await fetchInputs(dataset, signal) }),
    (found) => {
      data = found;
      start(found);
      update();
    },
    (problem, retry) => showProblem("ahead-problem", problem, retry),
  );
  const forecasts = new LatestRequest(
    async (/** @type {{of: Answer, body: object}} */ { of, body }, signal) => ({
      of,
      forecast: await postJson("v1/predict", body, signal),
    }),
    (found) => {
      latest = found;
      showWords(found.of, found.forecast);
      [...drawCharts, ...drawBars].forEach((draw) => draw());
    },
    (problem, retry) => showProblem("ahead-problem", problem && describe(problem), retry),
  );

  /** Begin with the plans of another dataset. @param {{dataset: Series, sequences: number[][][]}} found */
  function start({ dataset, sequences }) {
    plans = [
      { fill: "average", rows: [] },
      { fill: "same", rows: [] },
    ];
    const names = dataset.sequence_names ?? sequences.map((_, i) => `${i}`);
    sequence.replaceChildren(...names.map((name, i) => html("option", { value: i }, name)));
    byId("ahead-after").hidden = names.length < 2;
    input.replaceChildren(...dataset.inputs.map((name) => html("option", {}, name)));
    byId("ahead-aim").hidden = !dataset.inputs.length;
    goal.value = "";
    const bars = dataset.inputs.map((name, j) => {
      const change = (/** @type {Change} */ to) =>
        edit((rows) => rows.map((row, k) => row.map((each, column) => (column === j ? to(each, k) : each))));
      return createBars({ name, j, range: findRange(sequences, j), look, change });
    });
    byId("ahead-inputs").replaceChildren(...bars.map(({ figure }) => figure));
    drawBars = bars.map(({ draw }) => draw);
  }

  /** Change the inputs of the plan that is chosen. @param {(rows: number[][]) => number[][]} change */
  function edit(change) {
    const plan = plans[findChosen()];
    Object.assign(plan, { fill: "own", rows: change(plan.rows) });
    update();
  }

  /** Show the plans, and request their predictions. */
  function update() {
    const { answer } = store;
    if (!answer || answer.dataset.id !== data?.dataset.id) return;
    const { season, trend, step } = answer.fit.request;
    const n_steps = Math.round(Math.min(MAX_STEPS, Math.max(1, Number(steps.value) || 1)));
    const past = data.sequences[sequence.value];
    for (const plan of plans) {
      const source = plan.fill === "same" ? plans[0] : plan;
      plan.rows = fillPlan(source, past, n_steps, readPeriod(season) ?? n_steps);
    }
    const chosen = plans[findChosen()];
    steps.value = n_steps;
    fill.value = chosen.fill;
    fill.querySelector("[value=same]").disabled = chosen === plans[0];
    fill.querySelector("[value=repeated]").textContent = season
      ? "as in the last season"
      : `as in the last ${n_steps} ${pluralize(step.unit)}`;
    showProblem("ahead-unread", null);
    numbers.value = writePlan(data.dataset.inputs, chosen.rows);
    at.options[0].disabled = Boolean(season || trend); // without a long run
    if (at.options[0].disabled) at.value = "last";
    drawBars.forEach((draw) => draw());
    forecasts.send({ of: answer, body: writeBody(answer, n_steps) });
  }

  /** Return the request of predictions. @param {Answer} answer @param {number} n_steps */
  function writeBody({ fit }, n_steps) {
    const aim = { output: goal.valueAsNumber, input: input.value, at: at.value === "last" ? n_steps : null };
    return {
      model: { kind: "fit", id: fit.id },
      continue: { sequence: Number(sequence.value) },
      plans: look()?.plans.map((inputs, i) => ({ name: "AB"[i], inputs })),
      ...(Number.isFinite(aim.output) && aim.input && { goal: aim }),
    };
  }

  const open = () => {
    const { answer } = store;
    tables.cancel();
    forecasts.cancel();
    if (!answer || !ahead.open) return;
    if (answer.dataset.id === data?.dataset.id) update();
    else tables.send(answer.dataset);
  };
  store.watch(["answer"], open);
  ahead.addEventListener("toggle", open);
  for (const field of [steps, sequence, goal, input, at, byId("ahead-plans")]) field.addEventListener("change", update);
  fill.addEventListener("change", () => {
    plans[findChosen()].fill = fill.value;
    update();
  });
  numbers.addEventListener("change", () => {
    try {
      const rows = readPlan(numbers.value, data?.dataset.inputs ?? []);
      steps.value = rows.length;
      edit(() => rows);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      showProblem("ahead-unread", error);
    }
  });
}

/** Return the fields of the section by their short names. @returns {Record<string, any>} */
function findFields() {
  const names = ["steps", "fill", "sequence", "numbers", "goal", "input", "at"];
  const fields = names.map((name) => [name, byId(`ahead-${name}`)]);
  return { ahead: byId("ahead"), ...Object.fromEntries(fields) };
}

/** Return the index of the plan that the fields change. */
const findChosen = () => Number(document.querySelector("#ahead-plans :checked")?.getAttribute("value"));

/** Return the lowest and the highest value of an input. @param {number[][][]} sequences @param {number} j */
function findRange(sequences, j) {
  const values = sequences.flatMap((rows) => rows.map((row) => row[j]));
  const extend = (/** @type {number[]} */ [low, high], /** @type {number} */ x) => [
    Math.min(low, x),
    Math.max(high, x),
  ];
  return values.reduce(extend, [Infinity, -Infinity]);
}

/** @param {Answer} answer @param {Forecast} forecast */
function showWords({ fit, dataset }, { summary: { level, sentences }, differences }) {
  const [verdict, ...notes] = sentences;
  byId("ahead-verdict").className = `verdict ${level}`;
  byId("ahead-verdict").replaceChildren(...typeset(verdict));
  byId("ahead-notes").replaceChildren(...notes.map((note) => html("li", {}, ...typeset(note))));
  byId("ahead-target").textContent = fit.target;
  byId("ahead-confidence").textContent = formatPercent(fit.request.confidence);
  byId("ahead-legend").hidden = byId("difference-view").hidden = !differences?.length;
  byId("ahead-unit").textContent = pluralize(dataset.step.unit);
}

/** Return a refusal in the words of the page. @param {Problem} problem */
function describe(problem) {
  if (!problem.errors.length) return problem;
  const reasons = problem.errors.map(({ detail }) => detail).join("; ");
  return new Problem("This cannot be predicted", `${reasons}.`, [], problem.status);
}
