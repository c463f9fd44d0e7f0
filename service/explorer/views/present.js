// Presentation (?present): large text, and keys to play, to step and to go on in the lesson.

/**
 * Where a key types or presses what has the focus. Train and the player are for the mouse, so that the keys always
 * play.
 */
const OWN_KEYS = "input:not([type=range]), select, textarea, summary, [tabindex], button:not(.run button)";

/** @param {Record<string, any>} elements */
export function enablePresentation({ play, step, "start-lesson": start, lesson }) {
  const find = (/** @type {string} */ name) => (lesson.hidden ? null : lesson.querySelector(`${name}:not([hidden])`));
  /** @type {Record<string, () => any>} */
  const buttons = {
    " ": () => play,
    ".": () => step,
    PageDown: () => find(".next") ?? start,
    PageUp: () => find(".back"),
  };
  document.addEventListener("keydown", (event) => {
    const button = buttons[event.key]?.();
    const isOther = /** @type {Element} */ (event.target).closest(OWN_KEYS);
    if (!button || button.disabled || (isOther && !event.key.startsWith("Page"))) return;
    event.preventDefault();
    button.click();
  });
}
