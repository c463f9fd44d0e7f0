/** @type {Step} */
export const gradient = {
  title: "The gradient on its way back",
  text:
    "Training needs the gradient with respect to each state. It starts at the output and flows back in time, " +
    "to the left. Each step multiplies it by w_rec.",
  question: "By what factor does it change over all twelve steps if w_rec is 0.5, 2 or −2?",
  hint: "the slope of the orange line",
  figure: "trace",
  answer:
    "It vanishes: 0.5¹² is 0.000244. It explodes: 2¹² is 4096. With −2 it explodes as well, and its sign changes at " +
    "each step. Only |w_rec| near 1 keeps it steady.",
  state: { w_in: 1, w_rec: 0.5 },
  runs: [],
};
