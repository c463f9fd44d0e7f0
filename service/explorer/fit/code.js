// The same fit with curl and with Python, and the links to its files.
import { createBlock } from "../views/code_block.js";
import { hasKey } from "../lib/credentials.js";
import { byId, html } from "../lib/dom.js";
import { quoteForShell, toPython, writeCurl } from "../lib/snippets.js";
import { absoluteUrl } from "../model/api.js";
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
function show({ question: { table, columns, options }, dataset, fit }, curl, python) {
  const file = table.name || "table.csv";
  const [store, ask] = [absoluteUrl(seriesPath(columns)), absoluteUrl("v1/fits")];
  const request = toFit(dataset.id, options);
  const key = hasKey ? ' -H "Authorization: Bearer $LINEAR_RNN_API_KEY"' : "";
  const upload = `curl --data-binary ${quoteForShell(`@${file}`)} -H 'Content-Type: text/csv'${key}`;
  // The stored table is enough where the user has no file of its text.
  const first = table.isRewritten ? "" : `${upload} \\\n  ${quoteForShell(store)}\n`;
  curl.textContent = first + writeCurl(ask, request, hasKey);
  const headers = hasKey
    ? ['headers = {"Authorization": "Bearer " + os.environ["LINEAR_RNN_API_KEY"]}', ", headers=headers"]
    : ["", ""];
  const type = `${hasKey ? "headers | " : ""}{"Content-Type": "text/csv"}`;
  python.textContent = [
    hasKey ? "import os\n" : "",
    "import httpx\n",
    headers[0],
    table.isRewritten ? "" : `table = open(${toPython(file)}, "rb").read()`,
    table.isRewritten ? "" : `httpx.post(${toPython(store)}, content=table, headers=${type}).raise_for_status()`,
    `fit = httpx.post(${toPython(ask)}, json=${toPython(request)}${headers[1]}, timeout=60).json()`,
    'print(fit["time_constant"], fit["trust"])',
  ]
    .filter(Boolean)
    .join("\n");
  const { png, svg, pdf, csv, self, profile_png, profile_csv } = fit.links;
  const links = {
    "Fit PNG": png,
    "Fit SVG": svg,
    "Fit PDF": pdf,
    "Fit CSV": csv,
    "Profile PNG": profile_png,
    "Profile CSV": profile_csv,
    "Fit JSON": self,
  };
  byId("links").replaceChildren(
    ...Object.entries(links).map(([text, path]) => {
      const theme = document.documentElement.dataset.scheme === "dark" && !/csv|JSON/i.test(text) ? "?theme=dark" : "";
      return html("a", { href: absoluteUrl(path) + theme }, text);
    }),
  );
}
