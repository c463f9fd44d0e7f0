// The steps of the lesson in their order. Tests compute the numbers in their texts.

/** @type {Step[]} */
export const STEPS = [
  {
    title: "A network that counts",
    text:
      "Both weights are 1. The network adds each bit to its state and forgets nothing, " +
      "so its output is the number of ones.",
    question: "Drag w_rec to 0.5 in the network. What is the output now, and which ones still count?",
    hint: "the numbers in the cells",
    figure: "network unrolled",
    answer:
      "The output is 1.565 instead of 5. A one that is m steps before the end counts 0.5ᵐ: " +
      "the last bit counts in full, and the first one, ten steps before the end, only 0.001.",
    state: { w_in: 1, w_rec: 1 },
    runs: [],
  },
  {
    title: "A narrow valley",
    text:
      "Each point of the plot is a network. Its color is the cost, the mean squared error over 20 sequences. " +
      "The dashed line is the best w_in for each w_rec. The star is the exact optimum.",
    question: "Drag the point along the dashed line. Why does the best w_in fall as w_rec rises?",
    hint: "the output against the target at w_rec = 0.9 and at 1.1",
    figure: "fit",
    answer:
      "A network that forgets compensates with a larger w_in; one that amplifies, with a smaller w_in: 1.465 at " +
      "w_rec = 0.9 and 0.646 at w_rec = 1.1. The cost there is 0.17 and 0.16; with w_in = 1 it is 3.0 and 8.6. " +
      "Only at (1, 1) is the cost 0.",
    state: { w_in: 1.465, w_rec: 0.9, view: [0, 2, 0, 2], valley: true },
    runs: [],
  },
  {
    title: "The gradient on its way back",
    text:
      "Training needs the gradient with respect to each state. It starts at the output and flows back in time, " +
      "to the left. Each step multiplies it by w_rec.",
    question: "By what factor does it change over all twelve steps if w_rec is 0.5, 2 or −2?",
    hint: "the slope of the orange line",
    figure: "trace",
    answer:
      "At 0.5 the gradient vanishes: 0.5¹² is 0.000244. At 2 it explodes: 2¹² is 4096. At −2 it explodes as well, " +
      "and its sign alternates. Only if |w_rec| is near 1 does it stay steady.",
    state: { w_in: 1, w_rec: 0.5 },
    runs: [],
  },
  {
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
      "With the rate 0.01 and the gradient clipped to norm 1, no iteration moves by more than 0.01, " +
      "and the run ends at the cost 0.074. " +
      "Even near the star, a rate above 2/1051 = 0.0019 overshoots further with every iteration; " +
      "1051 is the largest curvature there.",
    state: { w_in: -1.5, w_rec: 2, speed: 5 },
    runs: [{ optimizer: "gradient_descent", parameters: { learning_rate: 0.001 }, n_iterations: 10 }],
  },
  {
    title: "Only the sign",
    text:
      "Rprop starts at the same point, with the same gradient, and reaches the valley. " +
      "So does Levenberg-Marquardt, which exploits that the cost is a mean of squares.",
    question:
      "Why does Rprop succeed where gradient descent fails? " +
      "How many iterations does each run need to reach a cost below 10⁻⁶?",
    hint: "the lines in the chart, which end below the dashed line. Drag along the chart to read the iteration",
    figure: "cost",
    answer:
      "Rprop uses only the sign of each derivative, so the size of the gradient makes no difference. The step of a " +
      "weight grows by a factor of 1.2 while the sign stays the same, and is halved when it changes. " +
      "Rprop needs 526 iterations for a cost below 10⁻⁶. Levenberg-Marquardt needs 18.",
    state: { w_in: -1.5, w_rec: 2, n_iterations: 600, speed: 60 },
    runs: ["levenberg_marquardt", "rprop"].map((optimizer) => ({ optimizer, target_cost: 1e-6 })),
  },
  {
    title: "A vanishing gradient stops training",
    text:
      "Another task: remember the first input through 29 zeros. Only the first step has an input, " +
      "so everything training learns must travel back through 29 steps. " +
      "At w_rec = 0.5, gradient descent with the rate 0.01 hardly moves.",
    question:
      "How large is the gradient here? Why did a small w_rec not stop the training of the counter? Train with Rprop.",
    hint: "the derivatives next to the weights. The length of the arrow is logarithmic",
    figure: "network",
    answer:
      "The norm of the gradient is 2.7×10⁻⁷: after 2,000 iterations, the weights have moved by 5×10⁻⁶, " +
      "and the cost is still 1.227. When the network counts, the last inputs matter too, " +
      "and the gradient reaches them in few steps. " +
      "Rprop uses only the sign: its cost is below 10⁻¹² after 56 iterations. " +
      "So training fails in four ways: the step is too large for a steep valley, or too small outside of it; " +
      "the gradient explodes, or it vanishes where only early inputs matter.",
    state: { task: "remember", w_in: 1, w_rec: 0.5, n_steps: 30, view: [-2, 2, -2, 2], speed: 200 },
    runs: [{ optimizer: "gradient_descent", parameters: { learning_rate: 0.01 }, n_iterations: 2000 }],
  },
];
