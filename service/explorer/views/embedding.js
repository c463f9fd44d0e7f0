// A view of this page for other places: the code that embeds it in a page, and pictures of it.
import { byId, saveFile, setText } from "../lib/dom.js";
import { writeIframe } from "../lib/snippets.js";
import { throttle } from "../lib/throttle.js";
import { createBlock } from "./code_block.js";

/** The element with the figure, a title, and the height of a frame in pixels. */
const VIEWS = /** @type {Record<string, {root: string, title: string, height: number}>} */ ({
  surface: { root: "surface", title: "Cost surface of a recurrent network", height: 560 },
  network: { root: "unrolled", title: "A recurrent network unrolled in time", height: 400 },
  trace: { root: "trace", title: "Gradient of a recurrent network through time", height: 560 },
});
const WIDTH = 720;

/** @param {Store} store @param {AddressBar} addressBar */
export function createEmbedding(store, addressBar) {
  const { element, code } = createBlock("HTML", "HTML code");
  byId("embed-code").append(element);
  byId("embed-ancestors").textContent = describeAncestors(byId("embed-ancestors").dataset.ancestors);

  function show() {
    const view = byId("embed-view").value;
    const { title, height } = VIEWS[view];
    setText(code, writeIframe(addressBar.href(`?embed=${view}`), title, WIDTH, height));
    byId("full-page").href = addressBar.href("");
  }

  byId("embed-view").addEventListener("change", show);
  byId("save-svg").addEventListener("click", () => save("svg"));
  byId("save-png").addEventListener("click", () => save("png"));
  store.watch(/** @type {(keyof State)[]} */ (Object.keys(store.state)), throttle(150, show));
  show();
}

/** Save a picture of the view. @param {"png" | "svg"} suffix */
async function save(suffix) {
  const { makePng, writeSvg } = await import("../lib/picture.js");
  const view = byId("embed-view").value;
  const root = byId(VIEWS[view].root);
  const canvases = [...root.querySelectorAll("canvas")].filter((canvas) => canvas.checkVisibility());
  const text = writeSvg(root.querySelector("svg:not(.zoom svg)"), canvases);
  saveFile(`${view}.${suffix}`, suffix === "png" ? await makePng(text) : new Blob([text], { type: "image/svg+xml" }));
}

/** @param {string} ancestors as in a content security policy */
function describeAncestors(ancestors) {
  const setting = "The operator changes that with RNN_FRAME_ANCESTORS.";
  if (ancestors === "*") return "Any page may embed this one.";
  if (ancestors === "'none'") return `This service does not let any page embed it. ${setting}`;
  if (ancestors === "'self'") return `Only pages of this service's own origin may embed this page. ${setting}`;
  return `Pages of these origins may embed this page: ${ancestors.replace("'self'", location.origin)}.`;
}
