// A table that the explorer hands to the page of fits.

const NAME = "table";

/** @param {string | ArrayBuffer} body */
export function saveTable(body) {
  try {
    const text = typeof body === "string" ? body : new TextDecoder("utf-8", { fatal: true }).decode(body);
    sessionStorage.setItem(NAME, text);
  } catch {
    // storage is disabled or too small, or it is no text in UTF-8: the table is loaded by hand
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
