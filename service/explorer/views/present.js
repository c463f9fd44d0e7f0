// Presentation (?present): large text, and keys to play, to step and to go on in the lesson.

/** @param {Record<string, HTMLElement>} elements */
export function enablePresentation({ play, step, "start-lesson": start, lesson }) {
  const find = (/** @type {string} */ name) => /** @type {HTMLElement | null} */ (lesson.hidden ? null : lesson.querySelector(name));
  /** @type {Record<string, () => void>} */
  const actions = {
    " ": () => play.click(),
    ".": () => step.click(),
    PageDown: () => (find(".next") ?? start).click(),
    PageUp: () => find(".back")?.click(),
  };
  document.addEventListener("keydown", (event) => {
    const isTyped = /** @type {Element} */ (event.target).closest("input, select, textarea, button, summary, [tabindex]");
    const action = actions[event.key];
    if (!action || (isTyped && !event.key.startsWith("Page"))) return;
    event.preventDefault();
    action();
  });
}
