// The training form, made from the registry of optimizers.
import { html } from "../lib/dom.js";
import { formatNumber } from "../lib/format.js";
import { readWithin } from "../model/limits.js";
import { RATES, nameParameter } from "../model/optimizers.js";
import { bindField, enableEditing } from "./fields.js";

const POWER = /\d[\d.]*e-?\d+/g; // a number as programs write it

/** Where they differ from the defaults of the service: with its rate, gradient descent diverges even beside the optimum. @type {Record<string, State["parameters"]>} */
const START_PARAMETERS = { gradient_descent: { learning_rate: 0.001 } };

/**
 * @param {Store} store @param {Optimizer[]} optimizers
 * @param {{optimizer: any, clip: any, threshold: any, texts: Record<"formula" | "variant" | "source", Element>, parameters: Element[]}} elements
 */
export function createTrainingForm(store, optimizers, { optimizer: select, clip: clipping, threshold, texts, parameters: places }) {
  select.replaceChildren(...optimizers.map(({ name, title }) => html("option", { value: name }, title)));
  select.addEventListener("change", () => store.set({ optimizer: select.value, parameters: { ...START_PARAMETERS[select.value] } }));
  for (const key of /** @type {const} */ (["n_iterations", "target_cost", "clip", "threshold"])) bindField(store, key);
  const current = () => optimizers.find(({ name }) => name === store.state.optimizer) ?? optimizers[0];

  store.watch(["optimizer"], ({ optimizer }) => {
    select.value = optimizer;
    for (const key of /** @type {const} */ (["formula", "variant", "source"])) {
      texts[key].textContent = current()[key].replace(POWER, (power) => formatNumber(Number(power), 2));
    }
    places.forEach((place, k) => {
      const fields = current().parameters.filter(({ name }) => RATES.includes(name) === (k === 0));
      place.replaceChildren(...fields.map((parameter) => createParameterField(store, parameter)));
    });
  });
  store.watch(["parameters"], (state) => {
    for (const field of places.flatMap((place) => [...place.querySelectorAll("input")])) {
      const parameter = current().parameters.find(({ name }) => name === field.name);
      const value = state.parameters[field.name] ?? parameter?.default;
      if (field.type === "checkbox") field.checked = Boolean(value);
      else if (document.activeElement !== field) field.value = String(value);
    }
  });
  store.watch(["optimizer", "clip"], ({ clip }) => {
    const { accepts_clip } = current(); // otherwise the request would be refused
    clipping.disabled = !accepts_clip;
    threshold.disabled = !accepts_clip || !clip;
    if (clip && !accepts_clip) store.set({ clip: "" });
  });
}

/** @param {Store} store @param {Parameter} parameter */
function createParameterField(store, parameter) {
  const { name, type, description } = parameter;
  const input = createParameterInput(parameter, store.state.parameters[name] ?? parameter.default);
  const accept = (/** @type {number | boolean} */ value) => {
    const { [name]: _, ...others } = store.state.parameters;
    store.set({ parameters: value === parameter.default ? others : { ...others, [name]: value } });
  };
  const show = () => (input.value = String(store.state.parameters[name] ?? parameter.default));
  if (type === "boolean") input.addEventListener("change", () => accept(input.checked));
  else enableEditing(input, { ...readWithin(parameter), accept, show });
  const title = nameParameter(parameter);
  return type === "boolean"
    ? html("label", { class: "check", title: description }, input, title)
    : html("label", { title: description }, title, input);
}

/** @param {Parameter} parameter @param {number | boolean} value */
function createParameterInput({ name, type, description }, value) {
  const kind = type === "boolean" ? { type: "checkbox", checked: Boolean(value) } : { type: "text", inputmode: "decimal", value };
  return html("input", { name, title: description, "data-pointer": `/optimizer/${name}`, ...kind });
}
