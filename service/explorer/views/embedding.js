// A figure of this page for other places: the code that embeds it in a page, and pictures of it. The elements
// of the page say which views can be embedded, and how.
import { byId, html, saveFile, setText } from "../lib/dom.js";
import { writeIframe } from "../lib/snippets.js";
import { throttle } from "../lib/throttle.js";
import { createBlock } from "./code_block.js";

const WIDTH = 720;

/** @param {Store} store @param {AddressBar} addressBar */
export function createEmbedding(store, addressBar) {
  const select = byId("embed-view");
  const views = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-embed][data-title]")]);
  const figures = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("figure[data-view]")]);
  const others = figures.filter((figure) => !views.includes(figure));
  const find = () => [...views, ...others][select.selectedIndex];
  select.append(...[...views, ...others].map((root) => html("option", { value: root.dataset.embed ?? root.dataset.view }, nameOf(root))));
  const { element, code } = createBlock("HTML", "HTML code");
  byId("embed-code").append(element);
  byId("embed-ancestors").textContent = describeAncestors(byId("embed-ancestors").dataset.ancestors);

  function show() {
    const root = find();
    const { embed, title, height } = root.dataset;
    byId("embed-code").hidden = byId("embed-ancestors").hidden = !embed;
    if (embed) setText(code, writeIframe(addressBar.href(`?embed=${embed}`), title ?? "", WIDTH, Number(height)));
  }

  select.addEventListener("change", show);
  byId("save-svg").addEventListener("click", () => save(find(), select.value, "svg"));
  byId("save-png").addEventListener("click", () => save(find(), select.value, "png"));
  store.watch(/** @type {(keyof State)[]} */ (Object.keys(store.state)), throttle(150, show));
  show();
}

/** @param {HTMLElement} root */
function nameOf(root) {
  return root.querySelector("h2, figcaption b")?.textContent ?? "";
}

/** Save a picture of a view. @param {HTMLElement} root @param {string} name @param {"png" | "svg"} suffix */
async function save(root, name, suffix) {
  const { makePng, writeSvg } = await import("../lib/picture.js");
  const canvases = [...root.querySelectorAll("canvas")].filter((canvas) => canvas.checkVisibility() && !canvas.closest(".basin-legend"));
  const figure = /** @type {SVGSVGElement} */ (root.querySelector(".chart > svg, .surface > svg"));
  const text = writeSvg(figure, canvases);
  saveFile(`${name}.${suffix}`, suffix === "png" ? await makePng(text) : new Blob([text], { type: "image/svg+xml" }));
}

/** @param {string} ancestors as in a content security policy */
function describeAncestors(ancestors) {
  const setting = "The operator changes that with RNN_FRAME_ANCESTORS.";
  if (ancestors === "*") return "Any page may embed this one.";
  if (ancestors === "'none'") return `This service does not let any page embed it. ${setting}`;
  if (ancestors === "'self'") return `Only pages of this service's own origin may embed this page. ${setting}`;
  return `Pages of these origins may embed this page: ${ancestors.replace("'self'", location.origin)}.`;
}
