// A JSON request as a shell command and as Python code, and a frame as HTML. All text is quoted.

/** @param {string} text @returns {string} one word for a POSIX shell */
export const quoteForShell = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** The variable of the environment from which the code takes the API key, if it needs one. */
const KEY = "RNN_KEY";

/** @param {string} url @param {object} body @param {boolean} needsKey */
export function writeCurl(url, body, needsKey) {
  const key = needsKey ? ` -H "Authorization: Bearer $${KEY}"` : "";
  return `curl ${quoteForShell(url)} -H 'Content-Type: application/json'${key} \\\n  -d ${quoteForShell(JSON.stringify(body))}`;
}

/**
 * @param {string} url @param {object} body
 * @param {(string | number)[]} keys of the result in the response
 * @param {boolean} needsKey
 */
export function writePython(url, body, keys, needsKey) {
  const result = keys.map((key) => `[${toPython(key)}]`).join("");
  const imports = needsKey ? "import os\n\nimport httpx" : "import httpx";
  const headers = needsKey ? `, headers={"Authorization": "Bearer " + os.environ["${KEY}"]}` : "";
  return `${imports}\n\nprint(httpx.post(${toPython(url)}, json=${toPython(body)}${headers}).json()${result})`;
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
