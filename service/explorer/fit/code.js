// The same fit with curl and with Python, and the links to its files.
import { createBlock } from "../views/code_block.js";
import { hasKey } from "../lib/credentials.js";
import { byId, html } from "../lib/dom.js";
import { quoteForShell, toPython, writeCurl } from "../lib/snippets.js";
import { absoluteUrl } from "../model/api.js";
import { seriesPath, toFit } from "./service.js";

const blocks = () => ({ curl: createBlock("curl", "the curl commands"), python: createBlock("Python", "the Python code") });
/** @type {ReturnType<typeof blocks> | null} */ let shown = null;

/** @param {import("./service.js").Answer} answer */
export function showCode({ question: { table, columns, options }, dataset, fit }) {
  const file = table.name || "table.csv";
  if (!shown) {
    shown = blocks();
    byId("code").append(shown.curl.element, shown.python.element);
  }
  const [store, ask] = [absoluteUrl(seriesPath(columns)), absoluteUrl("v1/fits")];
  const request = toFit(dataset.id, options);
  const key = hasKey ? ' -H "Authorization: Bearer $RNN_KEY"' : "";
  shown.curl.code.textContent = `curl --data-binary ${quoteForShell(`@${file}`)} -H 'Content-Type: text/csv'${key} \\\n  ${quoteForShell(store)}\n${writeCurl(
    ask,
    request,
    hasKey,
  )}`;
  const headers = hasKey ? ['headers = {"Authorization": "Bearer " + os.environ["RNN_KEY"]}', ", headers=headers"] : ["", ""];
  shown.python.code.textContent = [
    hasKey ? "import os\n" : "",
    "import httpx\n",
    headers[0],
    `table = open(${toPython(file)}, "rb").read()`,
    `httpx.post(${toPython(store)}, content=table${hasKey ? ', headers=headers | {"Content-Type": "text/csv"}' : ', headers={"Content-Type": "text/csv"}'})`,
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
