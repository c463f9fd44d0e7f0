// The header of both pages: its buttons open drawers next to the figures, and the page prompts for an API key if
// the service needs one. The same button, Escape or its cross closes a drawer.
import { hasKey, refusals } from "../lib/credentials.js";
import { byId, createButton } from "../lib/dom.js";

const narrow = matchMedia("(max-width: 700px)"); // where a drawer covers the page
/** @type {HTMLElement | null} */ let shown = null;

/** Return the button of a drawer. @param {HTMLElement} drawer @returns {HTMLElement | null} */
const findOpener = (drawer) => document.querySelector(`[data-opens="${drawer.id}"]`);

/** @param {HTMLElement} drawer */
export function openDrawer(drawer) {
  if (shown === drawer) return;
  closeDrawer();
  shown = drawer;
  drawer.hidden = false;
  setBackground(narrow.matches);
  findOpener(drawer)?.setAttribute("aria-expanded", "true");
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
  const hadFocus = shown.contains(document.activeElement) || document.activeElement === document.body;
  const opener = findOpener(shown);
  shown.hidden = true;
  setBackground(false);
  opener?.setAttribute("aria-expanded", "false");
  if (hadFocus) opener?.focus();
  shown = null;
}

/** Let the buttons with the id of a drawer open it, and prompt for a missing key. */
export async function enableHeader() {
  for (const element of document.querySelectorAll("[data-opens]")) {
    const button = /** @type {HTMLElement} */ (element);
    const drawer = byId(button.dataset.opens ?? "");
    button.setAttribute("aria-expanded", "false");
    button.setAttribute("aria-controls", drawer.id);
    button.addEventListener("click", () => (shown === drawer ? closeDrawer() : openDrawer(drawer)));
    drawer.prepend(createButton("×", closeDrawer, { class: "close quiet", "aria-label": "Close" }));
  }
  document.addEventListener("keydown", (event) => event.key === "Escape" && closeDrawer());
  const loadKeyDialog = async () => (await import("./api_key.js")).createKeyDialog();
  if (hasKey) await loadKeyDialog();
  else refusals.addEventListener("refused", async () => (await loadKeyDialog())(), { once: true });
}

/** Call a function when a drawer is first opened. @param {string} id @param {() => void} create */
export function onceOpened(id, create) {
  byId(id).addEventListener("open", create, { once: true });
}
