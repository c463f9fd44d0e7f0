// The code that embeds a view of this page in another one.
// @ts-check
import { byId } from "../lib/dom.js";
import { writeIframe } from "../lib/snippets.js";
import { debounce } from "../lib/throttle.js";
import { createBlock } from "./code_block.js";
/** @import { State, Store } from "../model/state.js" */
/** @import { AddressBar } from "./address_bar.js" */

/** Title and height in pixels. @type {Record<string, [string, number]>} */
const VIEWS = {
  surface: ["Cost surface of a recurrent network", 560],
  network: ["A recurrent network unrolled in time", 320],
  trace: ["Gradient of a recurrent network through time", 560],
};
const WIDTH = 720;

/** @param {Store} store @param {AddressBar} addressBar */
export function createEmbedding(store, addressBar) {
  const { element, code } = createBlock("HTML", "HTML code");
  byId("embed-code").append(element);
  byId("embed-ancestors").textContent = describeAncestors(byId("embed-ancestors").dataset.ancestors);

  function show() {
    const view = byId("embed-view").value;
    code.textContent = writeIframe(addressBar.href(`?embed=${view}`), VIEWS[view][0], WIDTH, VIEWS[view][1]);
    byId("full-page").href = addressBar.href("");
  }

  byId("embed-view").addEventListener("change", show);
  store.watch(/** @type {(keyof State)[]} */ (Object.keys(store.state)), debounce(150, show));
  show();
}

/** @param {string} ancestors as in a content security policy */
function describeAncestors(ancestors) {
  const setting = "The operator changes that with RNN_FRAME_ANCESTORS.";
  if (ancestors === "*") return "Any page may embed this one.";
  if (ancestors === "'none'") return `This service does not let any page embed it. ${setting}`;
  if (ancestors === "'self'") return `Only pages of this service's own origin may embed this page. ${setting}`;
  return `Pages of these origins may embed this page: ${ancestors.replace("'self'", location.origin)}.`;
}
