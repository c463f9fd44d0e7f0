// The run under the pointer or with the focus stands out in the table, the surface and the charts.

/** @param {HTMLElement} root contains the elements with the number of their run in data-index */
export function highlightRuns(root) {
  let current = "";
  const follow = (/** @type {Event} */ event) => {
    const target = /** @type {Element | null} */ (event.target);
    const index = target?.closest("[data-index]")?.getAttribute("data-index") ?? "";
    if (index === current) return;
    current = index;
    for (const element of root.querySelectorAll("[data-index]")) {
      element.classList.toggle("dimmed", index !== "" && element.getAttribute("data-index") !== index);
    }
  };
  for (const name of ["pointerover", "focusin"]) root.addEventListener(name, follow);
}
