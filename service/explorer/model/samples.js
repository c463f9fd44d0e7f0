// The sequence that is predicted: bits that the user types, or one sequence of the user's data.

/**
 * Return the sequence that is predicted, or null if there is none.
 * @param {State} state @param {Dataset | null} dataset @returns {Sample | null}
 */
export function findSample(state, dataset) {
  if (state.dataset || state.task === "remember") {
    if (!dataset) return null;
    const at = Math.min(dataset.inputs.length, Math.max(1, Math.round(state.sequence))) - 1;
    return { inputs: [...dataset.inputs[at]], target: dataset.targets[at], targets: null };
  }
  if (!/^[01]+$/.test(state.bits)) return null;
  const targets = [0];
  for (const bit of state.bits) targets.push(targets[targets.length - 1] + Number(bit));
  return { inputs: [...state.bits].map(Number), target: targets[targets.length - 1], targets };
}
