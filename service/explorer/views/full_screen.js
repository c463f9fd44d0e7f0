// The surface and its player alone, on the full screen if the browser has one, for a projector.

const root = document.documentElement;
const embedded = root.dataset.embed;
let is_on = false;

/** @param {boolean} on */
function show(on) {
  is_on = on;
  const view = on ? "surface" : embedded;
  if (view) root.dataset.embed = view;
  else delete root.dataset.embed;
  for (const element of document.querySelectorAll("[data-embed]:not(:root)")) {
    element.classList.toggle("embedded", /** @type {HTMLElement} */ (element).dataset.embed === view);
  }
}

/** Show the surface alone, or the page again. */
export function toggleFullScreen() {
  show(!is_on);
  if (is_on) {
    root.requestFullscreen?.().catch(() => {});
  } // some phones and frames have no full screen
  else if (document.fullscreenElement) document.exitFullscreen();
}

export function followFullScreen() {
  document.addEventListener("fullscreenchange", () => document.fullscreenElement || show(false));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && is_on) show(false);
  });
}
