// Examples to start with. Each has a note on what to look at.
import { byId, createButton } from "../lib/dom.js";
import { FULL_VIEW } from "../lib/scales.js";
import { DEFAULTS } from "../model/state.js";

const HINT = "The arrow shows gradient descent. Drag the point, then press Train. All numbers and charts follow the run.";
const STAR = "The star marks the exact optimum. ";

/** @type {Example[]} */
const EXAMPLES = [
  {
    key: "exploding",
    title: "Exploding",
    note:
      "The recurrent weight is 2, so the gradient doubles with each step back in time and grows about a thousandfold " +
      "in ten steps. Notice how narrow the color bands are here: a small change of the weights changes the cost enormously.",
    state: { w_in: 1, w_rec: 2 },
  },
  {
    key: "vanishing",
    title: "Vanishing",
    note:
      "The recurrent weight is 0.5, so the gradient halves with each step back in time. After ten steps, about a " +
      "thousandth remains. Notice that the network forgets the first bits, so training cannot learn from them.",
    state: { w_in: 1, w_rec: 0.5 },
  },
  {
    key: "oscillating",
    title: "Oscillating",
    note:
      "The recurrent weight is −2, so the gradient doubles and changes its sign with each step back in time. Notice the " +
      "states in the Prediction chart: they alternate around zero, with growing amplitude.",
    state: { w_in: 1, w_rec: -2 },
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
    runs: [{ optimizer: "gradient_descent" }, { optimizer: "rprop" }],
  },
];

/** @param {Store} store @param {(change: Partial<State>, runs: Partial<State>[]) => void} visit show a state and train from it */
export function createExamples(store, visit) {
  const buttons = EXAMPLES.map((example) => {
    const show = () => {
      const { speed, bits, valley } = store.state;
      const initial = { ...DEFAULTS, parameters: {}, view: [...FULL_VIEW], bits, speed, valley };
      const { key, state, runs = [] } = example;
      visit({ ...initial, ...state, ...runs.at(-1), example: key }, runs);
    };
    return createButton(example.title, show, { "aria-pressed": "false" });
  });
  byId("examples").prepend(...buttons);
  store.watch(["example", "activation"], ({ example, activation }) => {
    EXAMPLES.forEach(({ key }, i) => buttons[i].setAttribute("aria-pressed", String(key === example)));
    byId("note").textContent = EXAMPLES.find(({ key }) => key === example)?.note ?? (activation === "identity" ? STAR : "") + HINT;
  });
}
