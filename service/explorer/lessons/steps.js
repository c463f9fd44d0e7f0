// The lesson: five steps, each with the state that it starts from. Tests compute the numbers.

/** @type {Step[]} */
export const STEPS = [
  {
    title: "A network that counts",
    text:
      "Both weights are 1. The network adds each bit to its state and forgets nothing, so its output is the number " +
      "of ones. The Prediction chart shows the state after each bit.",
    question: "Set the start w_rec to 0.5. What is the output now, and which ones still count?",
    hint: "The line in the Prediction chart, and the numbers above the cells of the unrolled network.",
    answer:
      "The output is 1.565 instead of 5. A one that is m steps before the end counts 0.5ᵐ: the last bit counts in full, " +
      "and the first one, ten steps before the end, only 0.001.",
    state: { w_in: 1, w_rec: 1 },
    runs: [],
  },
  {
    title: "A narrow valley",
    text:
      "Each point of the plot is a network. Its color is the cost, the mean squared error over 20 sequences. The dashed line " +
      "is the best w_in for each w_rec. The star is the exact optimum.",
    question: "Drag the point along the dashed line. Why does the best w_in fall while w_rec rises?",
    hint: "The cost on the line, and how fast it grows beside the line, at w_rec = 0.9 and at 1.1.",
    answer:
      "A network that forgets makes up for it with a larger w_in, and one that grows with a smaller one: 1.465 at w_rec = 0.9 " +
      "and 0.646 at w_rec = 1.1. There, the cost is 0.17 and 0.16. With w_in = 1, it is 3.0 and 8.6. Only (1, 1) has the cost 0.",
    state: { w_in: 1.465, w_rec: 0.9, view: [0, 2, 0, 2], valley: true },
    runs: [],
  },
  {
    title: "The gradient on its way back",
    text:
      "Training needs the gradient of the cost with respect to each state. It starts at the output and flows back in time. " +
      "Each step multiplies it by w_rec.",
    question: "By which factor does it change over ten steps if w_rec is 0.5, 2 or −2?",
    hint: "The slope of the line under Gradient through time, and the widths of the lower arrows in the unrolled network.",
    answer:
      "It vanishes: 0.5¹⁰ is 0.000977. It explodes: 2¹⁰ is 1024. With −2 it explodes as well, and its sign changes at " +
      "each step. Only |w_rec| near 1 keeps it steady.",
    state: { w_in: 1, w_rec: 0.5 },
    runs: [],
  },
  {
    title: "Gradient descent leaves the plot",
    text:
      "Gradient descent subtracts the gradient times the learning rate 0.01. From (−1.5, 2), the run leaves the plot at its first " +
      "iteration and never returns.",
    question: "Which learning rate keeps the run inside the plot? What else could help?",
    hint: "∂cost/∂w_rec at the start. Press Rewind, then Step. Gradient clipping is under More settings.",
    answer:
      "∂cost/∂w_rec is 4.96×10⁶, so the first iteration changes w_rec by 49,637. The rate 10⁻⁷ is small enough, but too " +
      "small later on: after 500 iterations, the cost is still 329. Clipping the gradient to the norm 1 limits each iteration " +
      "to a distance of 0.01, and the run ends at the cost 0.074.",
    state: { w_in: -1.5, w_rec: 2, speed: 5 },
    runs: [{ optimizer: "gradient_descent", n_iterations: 10 }],
  },
  {
    title: "Only the sign",
    text:
      "Rprop starts at the same point with the same gradient and reaches the valley. Levenberg-Marquardt uses the fact that the cost " +
      "is a mean of squares.",
    question: "Why does Rprop arrive where gradient descent fails? How many iterations does each run need?",
    hint: "The cost against the iteration, and the length of Rprop's steps when its path turns.",
    answer:
      "Rprop uses only the sign of each derivative. Its step grows by the factor 1.2 while the sign stays, and is halved when the sign " +
      "changes, so large and small gradients make no difference. It needs 526 iterations for a cost below 10⁻⁶. " +
      "Levenberg-Marquardt needs 18.",
    state: { w_in: -1.5, w_rec: 2, n_iterations: 600, speed: 60 },
    runs: [{ optimizer: "levenberg_marquardt" }, { optimizer: "rprop" }],
  },
];
