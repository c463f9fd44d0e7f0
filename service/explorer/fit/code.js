// The same fit with curl and with Python, and the links to its files.
import { createBlock } from "../views/code_block.js";
import { hasKey } from "../lib/credentials.js";
import { byId, createButton, html, saveFile } from "../lib/dom.js";
import { quoteForShell, toPython, writeCurl } from "../lib/snippets.js";
import { absoluteUrl } from "../model/api.js";
import { findExample } from "./loader.js";
import { seriesPath, toFit } from "./service.js";

/** @param {FitStore} store */
export function createCode(store) {
  const [curl, python] = [createBlock("curl", "the curl commands"), createBlock("Python", "the Python code")];
  byId("code").append(curl.element, python.element);
  const update = () => {
    if (store.answer) return show(store.answer, curl.code, python.code);
    for (const element of [curl.code, python.code, byId("links")]) element.replaceChildren();
  };
  store.watch(["answer"], update);
  document.documentElement.addEventListener("themechange", update); // which the links name
}

/** @param {Answer} answer @param {HTMLElement} curl @param {HTMLElement} python */
function show({ question, dataset, fit }, curl, python) {
  const { source, query, table, options } = question;
  const { name, body, example, isFile } = source;
  const [ask, request] = [absoluteUrl("v1/fits"), toFit(dataset, options)];
  // The stored table is enough where the user has no file of its text.
  const store = (isFile || example) && table ? absoluteUrl(seriesPath(query, table)) : "";
  const from = example ? findExample(example) : name;
  const key = hasKey ? ' -H "Authorization: Bearer $LINEAR_RNN_API_KEY"' : "";
  const upload = (/** @type {string} */ data) =>
    `curl --data-binary ${data} -H 'Content-Type: application/octet-stream'${key} \\\n  ${quoteForShell(store)}\n`;
  const first = example ? `curl ${quoteForShell(from)} | ${upload("@-")}` : upload(quoteForShell(`@${from}`));
  curl.textContent = (store && first) + writeCurl(ask, request, hasKey);
  const headers = hasKey
    ? ['headers = {"Authorization": "Bearer " + os.environ["LINEAR_RNN_API_KEY"]}', ", headers=headers"]
    : ["", ""];
  const type = `${hasKey ? "headers | " : ""}{"Content-Type": "application/octet-stream"}`;
  const load = example ? `httpx.get(${toPython(from)}).content` : `open(${toPython(from)}, "rb").read()`;
  python.textContent = [
    hasKey ? "import os\n" : "",
    "import httpx\n",
    headers[0],
    store && `table = ${load}`,
    store && `httpx.post(${toPython(store)}, content=table, headers=${type}).raise_for_status()`,
    `fit = httpx.post(${toPython(ask)}, json=${toPython(request)}${headers[1]}, timeout=60).json()`,
    'print(fit["time_constant"], fit["trust"])',
  ]
    .filter(Boolean)
    .join("\n");
  const { png, svg, pdf, csv, self, profile_png, profile_csv } = fit.links;
  const { response_png, response_csv, contributions_png, contributions_csv } = fit.links;
  const links = {
    "Fit PNG": png,
    "Fit SVG": svg,
    "Fit PDF": pdf,
    "Fit CSV": csv,
    "Profile PNG": profile_png,
    "Profile CSV": profile_csv,
    "Response PNG": response_png,
    "Response CSV": response_csv,
    "Contributions PNG": contributions_png,
    "Contributions CSV": contributions_csv,
    "Fit JSON": self,
    "Table as read": `v1/datasets/${dataset.id}.csv`,
  };
  byId("links").replaceChildren(
    ...Object.entries(links).map(([text, path]) => {
      const theme = document.documentElement.dataset.scheme === "dark" && /P|SVG/.test(text) ? "?theme=dark" : "";
      return html("a", { href: absoluteUrl(path) + theme }, text);
    }),
    createButton("Table as uploaded", () => saveFile(name || "table.csv", new Blob([body])), { class: "small-button" }),
  );
}
