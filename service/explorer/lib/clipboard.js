// Buttons that copy text.
import { byId } from "./dom.js";

const COPIED_MS = 1500;

/**
 * Let a button copy text. If the clipboard is not available, the text is shown for the user to copy.
 * @param {HTMLElement} button @param {() => string} getText
 * @param {() => void} show @param {string} shown what the button says then
 */
export function enableCopy(button, getText, show, shown) {
  const label = button.textContent;
  button.addEventListener("click", async () => {
    // It is missing without HTTPS, and may be denied.
    const failed = await (navigator.clipboard?.writeText(getText()) ?? Promise.reject()).catch(() => true);
    const result = failed ? shown : "Copied";
    button.textContent = byId("announcement").textContent = result;
    if (result === shown) show();
    setTimeout(() => {
      button.textContent = label;
      byId("announcement").textContent = ""; // so that the same text is announced again
    }, COPIED_MS);
  });
}
