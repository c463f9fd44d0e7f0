/** @type {Step} */
export const remembering = {
  title: "Where vanishing blocks training",
  text:
    "Another task: remember the first input through 29 zeros. Only the first step has an input, " +
    "so everything training learns must travel back through 29 steps. " +
    "At w_rec = 0.5, gradient descent with the rate 0.01 hardly moves.",
  question:
    "How large is the gradient here? Why did a small w_rec not stop the training of the counter? Train with Rprop.",
  hint: "the derivatives next to the weights. The length of the arrow is logarithmic",
  figure: "network",
  answer:
    "The gradient has the length 2.7×10⁻⁷: after 2,000 iterations, the weights have moved by 5×10⁻⁶, " +
    "and the cost is still 1.227. When the network counts, every step has an input, " +
    "and the gradient reaches the last inputs after few steps. " +
    "Rprop uses only the sign: its cost is below 10⁻¹² after 56 iterations. " +
    "So training fails in three ways: the step is too large for a steep valley, the gradient explodes, " +
    "or it vanishes where only early inputs matter.",
  state: { task: "remember", w_in: 1, w_rec: 0.5, n_steps: 30, view: [-2, 2, -2, 2], speed: 200 },
  runs: [{ optimizer: "gradient_descent", parameters: { learning_rate: 0.01 }, n_iterations: 2000 }],
};
