// The choice of the task, and the fields that belong to it.
import { startTask, taskView } from "../model/tasks.js";

/**
 * @param {Store} store @param {{select: any, bits: HTMLElement, sequence: HTMLElement, generated: HTMLElement, noise: HTMLElement}} elements
 */
export function createTask(store, { select, bits, sequence, generated, noise }) {
  const own = select.querySelector("[value=stored]");
  select.addEventListener("change", () => store.set(startTask(select.value)));
  store.watch(["task", "dataset"], ({ task, dataset }) => {
    const isOwn = dataset !== "";
    if (!isOwn) store.home = taskView(task);
    own.hidden = !isOwn; // another dataset is chosen in its drawer
    select.value = isOwn ? "stored" : task;
    bits.hidden = isOwn || task !== "count_ones";
    sequence.hidden = !bits.hidden;
    generated.hidden = isOwn;
    noise.hidden = task !== "count_ones";
  });
}
