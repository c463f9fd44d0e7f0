// Examples to start with. Each has a note on what to look at.
import { createButton, html } from "../lib/dom.js";
import { FULL_VIEW } from "../lib/scales.js";
import { DEFAULTS } from "../model/state.js";
import { closeDrawer } from "./drawers.js";

/** @type {Example[]} */
const EXAMPLES = [
  {
    key: "exploding",
    title: "Exploding",
    note:
      "The recurrent weight is 2, so the gradient doubles with each step back in time and grows about a thousandfold " +
      "in ten steps. Notice how narrow the bands of color are here: a small change of the weights changes the cost enormously.",
    state: { w_in: 1, w_rec: 2 },
  },
  {
    key: "vanishing",
    title: "Vanishing",
    note:
      "The recurrent weight is 0.5, so the gradient halves with each step back in time: after ten steps, about a " +
      "thousandth remains. Notice that training succeeds all the same. All steps share the weights, so the last bits teach enough.",
    state: { w_in: 1, w_rec: 0.5 },
  },
  {
    key: "oscillating",
    title: "Oscillating",
    note:
      "The recurrent weight is −2, so the gradient doubles and changes its sign with each step back in time. Notice the " +
      "states: they alternate around zero, with growing amplitude.",
    state: { w_in: 1, w_rec: -2 },
  },
  {
    key: "remember",
    title: "Remember",
    note:
      "The target is the first of 30 inputs; the others are 0. From w_rec = 0.5, the gradient that arrives at the first step is too small " +
      "for gradient descent. Notice that its run does not move, and that Rprop, which uses only the sign, arrives.",
    state: { task: "remember", w_in: 1, w_rec: 0.5, n_steps: 30, view: [-2, 2, -2, 2] },
    runs: [
      { optimizer: "gradient_descent", parameters: { learning_rate: 0.01 } },
      { optimizer: "rprop", n_iterations: 100 },
    ],
  },
  {
    key: "good",
    title: "Good start",
    note:
      "From (0.5, 0.5), a gentle slope leads to the optimum. Notice that even plain gradient descent arrives there. " +
      "Momentum has the same learning rate and needs far fewer iterations.",
    state: { w_in: 0.5, w_rec: 0.5, view: [0, 2, 0, 2], speed: 60 },
    runs: [
      { optimizer: "gradient_descent", parameters: { learning_rate: 0.001 } },
      { optimizer: "momentum", parameters: { learning_rate: 0.001 } },
    ],
  },
  {
    key: "bad",
    title: "Bad start",
    note:
      "At (−1.5, 2), the gradient is in the millions. Notice that the first step of gradient descent leaves the plot and " +
      "never returns. Rprop uses only the sign of the gradient and reaches the optimum.",
    state: { w_in: -1.5, w_rec: 2, speed: 60 },
    runs: [{ optimizer: "gradient_descent", parameters: { learning_rate: 0.001 } }, { optimizer: "rprop" }],
  },
];

/**
 * @param {Store} store @param {HTMLElement} root
 * @param {(change: Partial<State>, runs: Partial<State>[]) => void} visit show a state and train from it
 * @param {(note: string) => void} explain
 */
export function createExamples(store, root, visit, explain) {
  const buttons = EXAMPLES.map((example) => {
    const show = () => {
      const { speed, bits, valley } = store.state;
      const initial = { ...DEFAULTS, parameters: {}, view: [...FULL_VIEW], bits, speed, valley };
      const { key, state, runs = [] } = example;
      closeDrawer();
      visit({ ...initial, ...state, ...runs.at(-1), example: key }, runs);
    };
    return createButton(example.title, show, { "aria-pressed": "false" });
  });
  root.append(...buttons.map((button, i) => html("div", { class: "example" }, button, html("p", { class: "muted" }, EXAMPLES[i].note))));
  store.watch(["example"], ({ example }) => {
    EXAMPLES.forEach(({ key }, i) => buttons[i].setAttribute("aria-pressed", String(key === example)));
    explain(EXAMPLES.find(({ key }) => key === example)?.note ?? "");
  });
}
