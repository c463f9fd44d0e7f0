// A table that the explorer hands to the page of fits.

const NAME = "table";

/** @param {string} text */
export function saveTable(text) {
  try {
    sessionStorage.setItem(NAME, text);
  } catch {
    // storage is disabled or too small: the table is loaded by hand
  }
}

/** Return the table once, or "". */
export function takeTable() {
  try {
    const text = sessionStorage.getItem(NAME) ?? "";
    sessionStorage.removeItem(NAME);
    return text;
  } catch {
    return "";
  }
}
