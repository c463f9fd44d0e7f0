// Drawers beside the figures: a button in the header opens one, and the same button, Escape or its cross closes it.
import { createButton } from "../lib/dom.js";

const narrow = matchMedia("(max-width: 700px)"); // where a drawer covers the page
/** @type {HTMLElement | null} */ let shown = null;
/** @type {HTMLElement | null} */ let opener = null;

/** @param {HTMLElement} drawer @param {HTMLElement | null} [button] gets the focus back */
export function openDrawer(drawer, button = null) {
  closeDrawer();
  shown = drawer;
  opener = button;
  drawer.hidden = false;
  setBackground(narrow.matches);
  button?.setAttribute("aria-expanded", "true");
  drawer.dispatchEvent(new CustomEvent("open"));
  /** @type {HTMLElement | null} */ (drawer.querySelector("input, select, textarea, button:not(.close), a"))?.focus({
    preventScroll: true,
  });
}

/** @param {boolean} inert whether nothing behind the drawer can be used */
function setBackground(inert) {
  for (const part of document.querySelectorAll("body > header, main")) part.toggleAttribute("inert", inert);
}

export function closeDrawer() {
  if (!shown) return;
  const hadFocus = shown.contains(document.activeElement);
  shown.hidden = true;
  setBackground(false);
  opener?.setAttribute("aria-expanded", "false");
  if (hadFocus) opener?.focus();
  shown = opener = null;
}

/** Let the buttons with the id of a drawer open it. @param {ParentNode} root */
export function enableDrawers(root) {
  for (const element of root.querySelectorAll("[data-opens]")) {
    const button = /** @type {HTMLElement} */ (element);
    const drawer = /** @type {HTMLElement} */ (root.querySelector(`#${button.dataset.opens}`));
    button.setAttribute("aria-expanded", "false");
    button.setAttribute("aria-controls", drawer.id);
    button.addEventListener("click", () => (shown === drawer ? closeDrawer() : openDrawer(drawer, button)));
    drawer.prepend(createButton("×", closeDrawer, { class: "close quiet", "aria-label": "Close" }));
  }
  document.addEventListener("keydown", (event) => event.key === "Escape" && closeDrawer());
}
