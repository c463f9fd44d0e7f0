// The progress of jobs, each with a button that cancels it.
import { byId, createButton, html } from "../lib/dom.js";

/** Return a watcher that shows a job in a list while it runs. @param {string} name @returns {Watcher} */
export function showProgress(name) {
  const bar = html("progress", { "aria-label": name });
  const text = html("span", { class: "number" });
  let cancel = () => {};
  const onClick = () => {
    button.disabled = true;
    cancel();
  };
  const button = createButton("Cancel", onClick, { "aria-label": `Cancel ${name}` });
  const row = html("li", {}, html("span", {}, name), bar, text, button);
  return {
    onProgress({ done, total }, cancelJob) {
      cancel = cancelJob;
      if (!row.isConnected) byId("jobs").append(row);
      bar.max = Math.max(1, total);
      if (done) bar.value = done; // until the first step, the bar moves back and forth
      text.textContent = done ? `${done.toLocaleString("en")} of ${total.toLocaleString("en")} iterations` : "Waiting…";
    },
    onLost: () => (text.textContent = "No connection. Trying again…"),
    onEnd: () => row.remove(),
  };
}
