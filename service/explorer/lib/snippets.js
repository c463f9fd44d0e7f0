// A JSON request as a shell command and as Python code, and a frame as HTML. All text is quoted, whatever it contains.
// @ts-check

/** @param {string} text @returns {string} one word for a POSIX shell */
const quoteForShell = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** @param {string} url @param {object} body */
export function writeCurl(url, body) {
  return `curl ${quoteForShell(url)} -H 'Content-Type: application/json' \\\n  -d ${quoteForShell(JSON.stringify(body))}`;
}

/**
 * @param {string} url @param {object} body
 * @param {(string | number)[]} keys of the result in the response
 */
export function writePython(url, body, keys) {
  const result = keys.map((key) => `[${toPython(key)}]`).join("");
  return `import httpx\n\nprint(httpx.post(${toPython(url)}, json=${toPython(body)}).json()${result})`;
}

/** @param {string} url @param {string} title @param {number} width @param {number} height in pixels */
export function writeIframe(url, title, width, height) {
  const escape = (/** @type {string} */ text) => text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
  return `<iframe src="${escape(url)}" title="${escape(title)}" width="${width}" height="${height}" loading="lazy" allow="fullscreen"></iframe>`;
}

/** Return a Python literal. JSON strings are Python strings, with the same escapes. @param {any} value @returns {string} */
export function toPython(value) {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(toPython).join(", ")}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, each]) => `${toPython(key)}: ${toPython(each)}`)
    .join(", ")}}`;
}
