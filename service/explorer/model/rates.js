/** Parameters that decide how far the first step goes. */
export const RATES = ["learning_rate", "initial_step", "damping"];
