// The training form, made from the registry of optimizers.
// @ts-check
import { byId, html, set } from "../lib/dom.js";
import { bind, number, optional } from "./fields.js";
import { datasetOf, networkOf, pointOf } from "../model/data.js";

/**
 * @typedef {import("../model/state.js").State} State
 * @typedef {import("../model/data.js").Optimizer} Optimizer
 */

const MAX_RECORDS = 2000;

/** The training run that the state describes, as the service takes it. @param {State} state */
export function runQuestion(state) {
  return {
    dataset: datasetOf(state),
    network: networkOf(state),
    initial_weights: pointOf(state),
    optimizer: { name: state.optimizer, ...state.parameters },
    n_iterations: state.n_iterations,
    target_cost: state.target_cost,
    record_every: Math.max(1, Math.ceil(state.n_iterations / MAX_RECORDS)),
    clip: state.clip ? { by: state.clip, threshold: state.threshold } : null,
  };
}

/**
 * @param {import("../model/state.js").Store} store @param {Optimizer[]} optimizers
 */
export function startForm(store, optimizers) {
  const choice = byId("optimizer");
  choice.replaceChildren(...optimizers.map(({ name, title }) => html("option", { value: name }, title)));
  choice.addEventListener("change", () => store.set({ optimizer: choice.value, parameters: {} }));
  bind(store, "n_iterations", number);
  bind(store, "target_cost", optional);
  bind(store, "clip", (field) => field.value);
  bind(store, "threshold", number);
  const known = () => optimizers.find(({ name }) => name === store.state.optimizer) ?? optimizers[0];

  store.watch(["optimizer"], ({ optimizer }) => {
    choice.value = optimizer;
    const { formula, dialect, source, parameters } = known();
    byId("rule").textContent = formula;
    byId("dialect").textContent = dialect;
    byId("source").textContent = source;
    byId("parameters").replaceChildren(...parameters.map((each) => parameterField(store, each)));
  });
  store.watch(["parameters"], (state) => {
    for (const field of byId("parameters").querySelectorAll("input")) {
      const parameter = known().parameters.find(({ name }) => name === field.name);
      const value = state.parameters[field.name] ?? parameter?.default;
      if (field.type === "checkbox") field.checked = Boolean(value);
      else if (document.activeElement !== field) field.value = String(value);
    }
  });
  store.watch(["optimizer", "clip"], (state) => {
    const counts = known().uses_magnitude;
    byId("clip").disabled = !counts;
    byId("threshold").disabled = !counts || !state.clip;
  });
}

/** @param {import("../model/state.js").Store} store @param {import("../model/data.js").Parameter} parameter */
function parameterField(store, parameter) {
  const { name, type, description } = parameter;
  const value = store.state.parameters[name] ?? parameter.default;
  const input = html("input", { name, title: description, "data-pointer": `/optimizer/${name}` });
  const words = name.replace(/_/g, " ");
  const title = words[0].toUpperCase() + words.slice(1);
  if (type === "boolean") set(input, { type: "checkbox", checked: Boolean(value) });
  else {
    const low = parameter.minimum ?? parameter.exclusive_minimum;
    const high = parameter.maximum ?? parameter.exclusive_maximum;
    set(input, { type: "number", step: "any", value, min: low, max: high });
  }
  input.addEventListener("input", () => {
    const given = type === "boolean" ? input.checked : number(input);
    input.toggleAttribute("aria-invalid", given === undefined);
    if (given === undefined) return;
    const { [name]: _, ...others } = store.state.parameters;
    store.set({ parameters: given === parameter.default ? others : { ...others, [name]: given } });
  });
  const label = html("span", {}, title);
  return type === "boolean"
    ? html("label", { class: "check", title: description }, input, label)
    : html("label", { title: description }, label, input);
}
