// A JSON request as a shell command and as Python code, and a frame as HTML. All text is quoted.

/** @param {string} text @returns {string} one word for a POSIX shell */
export const quoteForShell = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** The variable of the environment from which the code and the Python client take the API key, if they need one. */
export const KEY = "LINEAR_RNN_API_KEY";
const MAX_LINE = 72;

/** @param {string} url @param {object} body @param {boolean} needsKey */
export function writeCurl(url, body, needsKey) {
  const key = needsKey ? ` -H "Authorization: Bearer $${KEY}"` : "";
  return `curl ${quoteForShell(url)} -H 'Content-Type: application/json'${key} \\\n  -d ${quoteForShell(toJson(body))}`;
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
  const size = `width="${width}" height="${height}"`;
  return `<iframe src="${escape(url)}" title="${escape(title)}" ${size} loading="lazy" allow="fullscreen"></iframe>`;
}

/**
 * Write a JSON value, with a line for each entry of what is long.
 * @param {any} value
 * @param {(scalar: any) => string} write
 * @param {string} [indent]
 * @returns {string}
 */
function layOut(value, write, indent = "") {
  if (typeof value !== "object" || value === null) return write(value);
  const inner = `${indent}  `;
  const isList = Array.isArray(value);
  const entries = Object.entries(value).map(
    ([key, each]) => (isList ? "" : `${write(key)}: `) + layOut(each, write, inner),
  );
  const [open, close] = isList ? "[]" : "{}";
  const line = `${open}${entries.join(", ")}${close}`;
  const isShort = line.length < MAX_LINE || (isList && typeof value[0] !== "object");
  return isShort ? line : `${open}\n${inner}${entries.join(`,\n${inner}`)}\n${indent}${close}`;
}

/** @param {any} value */
const toJson = (value) => layOut(value, JSON.stringify);

/** @type {Record<string, string>} */ const PYTHON = { null: "None", true: "True", false: "False" };

/** Return a Python literal. JSON strings are Python strings, with the same escapes. @param {any} value */
export const toPython = (value) =>
  layOut(
    value,
    (scalar) => (typeof scalar === "string" ? undefined : PYTHON[String(scalar)]) ?? JSON.stringify(scalar),
  );
