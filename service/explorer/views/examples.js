// Places to begin, each with what to notice there.
// @ts-check
import { byId, html } from "../lib/dom.js";
import { WHOLE } from "../lib/scales.js";
import { DEFAULTS } from "../model/state.js";

/**
 * @typedef {import("../model/state.js").State} State
 * @typedef {{key: string, title: string, notice: string, state: Partial<State>, race?: Partial<State>[]}} Example
 */

const HINT = "The star is the exact optimum, the arrow points downhill. Put the point anywhere, press Train and watch.";

/** @type {Example[]} */
export const EXAMPLES = [
  {
    key: "exploding",
    title: "Exploding",
    notice: "The recurrent weight is 2, so each step back in time doubles the gradient: ten steps make a thousandfold. Notice how narrow the bands of colour are here. A small move of the weights changes the cost enormously.",
    state: { w_in: 1, w_rec: 2 },
  },
  {
    key: "vanishing",
    title: "Vanishing",
    notice: "The recurrent weight is one half, so each step back halves the gradient: after ten steps a thousandth is left. Notice how the count forgets the first bits; training cannot feel them either.",
    state: { w_in: 1, w_rec: 0.5 },
  },
  {
    key: "oscillating",
    title: "Oscillating",
    notice: "The recurrent weight is −2, so the gradient changes its sign at each step back, and doubles. Notice the states under the bits: they swing from one side of zero to the other, farther each time.",
    state: { w_in: 1, w_rec: -2 },
  },
  {
    key: "good",
    title: "Good start",
    notice: "From (0.5, 0.5) the slope is gentle and leads into the valley. Notice that even plain gradient descent walks down to the star; momentum, at the same rate, gets there in far fewer steps.",
    state: { w_in: 0.5, w_rec: 0.5, view: [0, 2, 0, 2], speed: 60 },
    race: [
      { optimizer: "gradient_descent", parameters: { learning_rate: 0.001 } },
      { optimizer: "momentum", parameters: { learning_rate: 0.001 } },
    ],
  },
  {
    key: "bad",
    title: "Bad start",
    notice: "At (−1.5, 2) the gradient is in the millions. Notice that the first step of gradient descent leaves the picture for good; Rprop looks at nothing but the gradient's sign and comes down to the star.",
    state: { w_in: -1.5, w_rec: 2, speed: 60 },
    race: [{ optimizer: "gradient_descent" }, { optimizer: "rprop" }],
  },
];

/**
 * @param {import("../model/state.js").Store} store
 * @param {(states: State[]) => void} begin where an example trains; none: away with old runs
 */
export function startExamples(store, begin) {
  const buttons = EXAMPLES.map((example) => {
    const button = html("button", { type: "button", "aria-pressed": "false" }, example.title);
    button.addEventListener("click", () => {
      const { speed, bits, valley } = store.state;
      const fresh = { ...DEFAULTS, parameters: {}, view: [...WHOLE], bits, speed, valley };
      store.set({ ...fresh, runs: [], ...example.state, ...example.race?.at(-1), example: example.key });
      begin((example.race ?? []).map((run) => ({ ...store.state, parameters: {}, ...run })));
    });
    return button;
  });
  byId("examples").append(...buttons);
  store.watch(["example"], (state) => {
    EXAMPLES.forEach(({ key }, i) => buttons[i].setAttribute("aria-pressed", String(key === state.example)));
    const notice = EXAMPLES.find(({ key }) => key === state.example)?.notice;
    byId("notice").textContent = notice ?? HINT;
  });
}
