// The choice of the task, where each starts, and the fields that belong to it.
import { FULL_VIEW } from "../lib/scales.js";
import { TASKS } from "../model/state.js";

const SMALL_VIEW = [-2, 2, -2, 2];

/** Where tasks start that do not start where the page is. @type {Record<string, Partial<State> & {view: View}>} */
const STARTS = {
  count_ones: { w_in: -1.5, w_rec: 2, n_samples: 20, n_steps: 10, view: FULL_VIEW },
  // so long that costs at |w_rec| = 3 are astronomic
  remember: { w_in: 1, w_rec: 0.5, n_samples: 20, n_steps: 30, noise: 0, view: SMALL_VIEW },
};

/** @param {Store} store @param {Record<string, any>} elements */
export function createTask(store, elements) {
  const { task: select, "bits-label": bits, "sequence-label": sequence, generated } = elements;
  const own = select.querySelector("[value=stored]");
  select.addEventListener("change", () => {
    const start = STARTS[select.value] ?? { view: FULL_VIEW };
    if (select.value in TASKS) {
      store.set({ ...start, view: [...start.view], task: select.value, dataset: "", sequence: 1, show: 0 });
    }
  });
  store.watch(["task", "dataset"], ({ task, dataset }) => {
    const isOwn = dataset !== "";
    if (!isOwn) store.home = STARTS[task]?.view ?? FULL_VIEW;
    own.hidden = !isOwn; // another dataset is chosen in its drawer
    select.value = isOwn ? "stored" : task;
    bits.hidden = isOwn || task !== "count_ones";
    sequence.hidden = !bits.hidden;
    generated.hidden = isOwn;
    for (const field of generated.children) field.hidden = !TASKS[task].includes(field.control.id);
  });
  store.watch(["prediction"], () => {
    const n_sequences = store.dataset?.inputs.length ?? 1;
    elements.sequence.max = String(n_sequences);
    elements.n_sequences.textContent = `(1 to ${n_sequences.toLocaleString("en")})`;
  });
}
