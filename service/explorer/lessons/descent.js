/** @type {Step} */
export const descent = {
  title: "Gradient descent leaves the plot",
  text:
    "Gradient descent subtracts the gradient times the learning rate, here 0.001. " +
    "From (−1.5, 2), the run leaves the plot at its first iteration and overflows at its third.",
  question: "Set 500 iterations. Which learning rate keeps the run inside the plot? What else could help?",
  hint: "the derivative with respect to w_rec after Rewind; gradient clipping is under More",
  figure: "network",
  answer:
    "∂cost/∂w_rec is 4.96×10⁶, so the first iteration changes w_rec by 4,964. " +
    "A rate of 10⁻⁷ is small enough there, but too small later: after 500 iterations, the cost is still 329. " +
    "With the rate 0.01 and the gradient clipped to the norm 1, each iteration moves at most 0.01, " +
    "and the run ends at the cost 0.074. " +
    "Even near the star, a rate above 2/1051 = 0.0019 jumps from wall to wall of the valley: " +
    "1051 is the largest curvature there.",
  state: { w_in: -1.5, w_rec: 2, speed: 5 },
  runs: [{ optimizer: "gradient_descent", parameters: { learning_rate: 0.001 }, n_iterations: 10 }],
};
