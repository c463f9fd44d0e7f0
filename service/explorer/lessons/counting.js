/** @type {Step} */
export const counting = {
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
};
