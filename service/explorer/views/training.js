// The training form, made from the registry of optimizers.
import { html, setAttributes } from "../lib/dom.js";
import { formatNumber } from "../lib/format.js";
import { throttle } from "../lib/throttle.js";
import { receive } from "../model/api.js";
import { readWithin } from "../model/limits.js";
import { RATES } from "../model/rates.js";
import { OBJECTIVE_KEYS } from "../model/requests.js";
import { bindField, enableEditing } from "./fields.js";

const FORECAST_MS = 120;
const POWER = /\d[\d.]*e-?\d+/g; // a number as programs write it

/**
 * Where they differ from the defaults of the service: with its rate, gradient descent diverges even near the optimum.
 * @type {Record<string, State["parameters"]>}
 */
const START_PARAMETERS = { gradient_descent: { learning_rate: 0.001 } };

/** @param {Store} store @param {Optimizer[]} optimizers @param {Record<string, any>} elements */
export function createTrainingForm(store, optimizers, elements) {
  const { optimizer: select, clip: clipping, threshold } = elements;
  const mark = html("span", { class: "forecast", "aria-hidden": "true" });
  const places = [elements.parameters, elements["more-parameters"]];
  select.replaceChildren(...optimizers.map(({ name, title }) => html("option", { value: name }, title)));
  select.addEventListener("change", () =>
    store.set({ optimizer: select.value, parameters: { ...START_PARAMETERS[select.value] } }),
  );
  for (const key of /** @type {const} */ (["n_iterations", "target_cost", "clip", "threshold", "speed"])) {
    bindField(store, key);
  }
  const current = () => optimizers.find(({ name }) => name === store.state.optimizer) ?? optimizers[0];

  let showParameters = () => {};
  store.watch(["optimizer"], ({ optimizer }) => {
    select.value = optimizer;
    for (const key of /** @type {const} */ (["formula", "variant", "source"])) {
      elements[key].textContent = current()[key].replace(POWER, (power) => formatNumber(Number(power), 2));
    }
    const fields = current().parameters.map((parameter) => createParameterField(store, parameter));
    const isRate = (/** @type {Element} */ { firstElementChild }) =>
      RATES.includes(firstElementChild?.getAttribute("name") ?? "");
    places.forEach((place, k) =>
      place.replaceChildren(...fields.map(({ label }) => label).filter((label) => isRate(label) === (k === 0))),
    );
    showParameters = () => fields.forEach(({ show }) => show());
  });
  store.watch(["parameters"], () => showParameters());
  const forecast = async () => {
    const { forecastDescent } = await receive(import("../model/descent.js"));
    const { optimizer, parameters } = store.state;
    const rate = Number(parameters.learning_rate ?? current().parameters[0].default);
    store.publish({ forecast: optimizer === "gradient_descent" ? forecastDescent(store, rate) : null });
  };
  store.watch(
    [...OBJECTIVE_KEYS, "costs", "w_in", "w_rec", "optimizer", "parameters", "n_iterations", "clip", "threshold"],
    throttle(FORECAST_MS, forecast),
  );
  store.watch(["forecast", "lesson", "optimizer"], ({ lesson }) => {
    const { icon = "", sentence = "" } = (!lesson && store.forecast) || {}; // not in a lesson, which asks it
    const field = elements.parameters.querySelector("[name=learning_rate]");
    field?.after(mark);
    if (field) setAttributes(field, { "aria-description": sentence || null });
    mark.textContent = icon;
    mark.title = sentence;
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
  const kind = type === "boolean" ? { type: "checkbox" } : { type: "text", inputmode: "decimal" };
  const input = html("input", { name, title: description, "data-pointer": `/optimizer/${name}`, ...kind });
  const accept = (/** @type {number | boolean} */ value) => {
    const { [name]: _, ...others } = store.state.parameters;
    store.set({ parameters: value === parameter.default ? others : { ...others, [name]: value } });
  };
  const get = () => store.state.parameters[name] ?? parameter.default;
  const title = name[0].toUpperCase() + name.slice(1).replace(/_/g, " ");
  const [attributes, parts] = type === "boolean" ? [{ class: "check" }, [input, title]] : [{}, [title, input]];
  return {
    label: html("label", { title: description, ...attributes }, ...parts),
    show: enableEditing(input, { ...readWithin(parameter), accept, get }),
  };
}
