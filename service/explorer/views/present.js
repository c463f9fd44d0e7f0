// Presentation (?present): large text, and keys to play, to step and to go on in the lesson.

/**
 * @param {{play: HTMLElement, step: HTMLElement, lesson: HTMLElement, next: () => HTMLElement | null, back: () => HTMLElement | null}} buttons
 */
export function enablePresentation({ play, step, lesson, next, back }) {
  /** @type {Record<string, () => void>} */
  const actions = {
    " ": () => play.click(),
    ".": () => step.click(),
    PageDown: () => (next() ?? lesson).click(),
    PageUp: () => back()?.click(),
  };
  document.addEventListener("keydown", (event) => {
    const isTyped = /** @type {Element} */ (event.target).closest("input, select, textarea, button, summary, [tabindex]");
    const action = actions[event.key];
    if (!action || (isTyped && !event.key.startsWith("Page"))) return;
    event.preventDefault();
    action();
  });
}
