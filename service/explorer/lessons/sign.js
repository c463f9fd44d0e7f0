/** @type {Step} */
export const sign = {
  title: "Only the sign",
  text:
    "Rprop starts at the same point with the same gradient and reaches the valley. " +
    "Levenberg-Marquardt uses the fact that the cost is a mean of squares.",
  question:
    "Why does Rprop succeed where gradient descent fails? " +
    "How many iterations does each run need for a cost below 10⁻⁶?",
  hint:
    "the lines in the chart, which end where the cost is below the dashed line. " +
    "Drag along the chart to read the iteration",
  figure: "cost",
  answer:
    "Rprop uses only the sign of each derivative. Its step grows by the factor 1.2 while the sign stays the same, " +
    "and is halved when the sign changes, so the size of the gradient makes no difference. " +
    "It needs 526 iterations for a cost below 10⁻⁶. " +
    "Levenberg-Marquardt needs 18.",
  state: { w_in: -1.5, w_rec: 2, n_iterations: 600, speed: 60 },
  runs: ["levenberg_marquardt", "rprop"].map((optimizer) => ({ optimizer, target_cost: 1e-6 })),
};
