/** @type {Step} */
export const valley = {
  title: "A narrow valley",
  text:
    "Each point of the plot is a network. Its color is the cost, the mean squared error over 20 sequences. " +
    "The dashed line is the best w_in for each w_rec. The star is the exact optimum.",
  question: "Drag the point along the dashed line. Why does the best w_in fall while w_rec rises?",
  hint: "the output against the target at w_rec = 0.9 and at 1.1",
  figure: "fit",
  answer:
    "A network that forgets compensates with a larger w_in; one that amplifies, with a smaller w_in: 1.465 at " +
    "w_rec = 0.9 and 0.646 at w_rec = 1.1. There, the cost is 0.17 and 0.16. With w_in = 1, it is 3.0 and 8.6. " +
    "Only (1, 1) has the cost 0.",
  state: { w_in: 1.465, w_rec: 0.9, view: [0, 2, 0, 2], valley: true },
  runs: [],
};
