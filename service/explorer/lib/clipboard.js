// Buttons that copy text.

const COPIED_MS = 1500;

/**
 * Let a button copy text. If the clipboard is not available, the text is shown for the user to copy.
 * @param {HTMLElement} button @param {() => string} getText
 * @param {() => void} show @param {string} shown what the button says then
 */
export function enableCopy(button, getText, show, shown) {
  const label = button.textContent;
  button.addEventListener("click", async () => {
    button.textContent = (await writeText(getText())) ? "Copied" : shown;
    if (button.textContent === shown) show();
    setTimeout(() => (button.textContent = label), COPIED_MS);
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
