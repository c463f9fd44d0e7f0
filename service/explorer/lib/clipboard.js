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
    const result = (await writeText(getText())) ? "Copied" : shown;
    button.textContent = byId("announcement").textContent = result;
    if (result === shown) show();
    setTimeout(() => {
      button.textContent = label;
      byId("announcement").textContent = ""; // so that the same text is announced again
    }, COPIED_MS);
  });
}

/** @param {string} text */
async function writeText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // without HTTPS, or denied
  }
}
