// The progress of jobs, each with a button that cancels it.
import { byId, createButton, html } from "../lib/dom.js";

/** Return a watcher that lists a job while it runs. @param {string} name @param {string} unit */
export function showProgress(name, unit = "iterations") {
  const bar = html("progress", { "aria-label": name });
  const text = html("span", { class: "number" });
  let cancel = () => {};
  const button = createButton("Cancel", () => cancel(), { "aria-label": `Cancel ${name}` });
  button.addEventListener("click", () => (button.disabled = true));
  const row = html("li", {}, html("span", {}, name), bar, text, button);
  return {
    /** @param {{id: string, progress: Progress}} job @param {() => void} cancelJob */
    onProgress({ id, progress: { done, total } }, cancelJob) {
      cancel = cancelJob;
      row.id = id;
      if (!document.getElementById(id)) byId("jobs").append(row); // once for all who wait
      bar.max = Math.max(1, total);
      if (done) bar.value = done; // before, the bar moves back and forth
      text.textContent = done ? `${done.toLocaleString("en")} of ${total.toLocaleString("en")} ${unit}` : "Waiting…";
    },
    /** The connection is lost, and is opened again. */
    onLost: () => (text.textContent = "No connection. Trying again…"),
    onEnd: () => row.remove(),
  };
}
