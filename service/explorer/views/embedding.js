// A figure of this page for other places: pictures of it, the code that embeds it in a page, and a step of a lesson.
import { enableCopy } from "../lib/clipboard.js";
import { createButton, html, listValues, saveFile, setText } from "../lib/dom.js";
import { writeIframe } from "../lib/snippets.js";
import { throttle } from "../lib/throttle.js";
import { OWN_STEP } from "../model/state.js";
import { createBlock } from "./code_block.js";
import { bindField } from "./fields.js";

const WIDTH = 720;
const FIGURE = ".chart > svg, .surface > svg"; // of a view
const QUERIES =
  "For a lecture, add ?present to the address, before the #: large text, Page Down and Page Up for the lesson, the space bar to play. " +
  "Add ?hide=data,code to hide parts of the page. These are";

/** @param {Store} store @param {AddressBar} addressBar @param {Record<string, any>} elements with all views and legends */
export function createEmbedding(store, addressBar, elements) {
  const { "embed-view": select, ground, "embed-ancestors": ancestors, "save-buttons": saveButtons, "embed-code": block } = elements;
  const roots = /** @type {HTMLElement[]} */ (elements.views);
  const find = () => roots[select.selectedIndex];
  select.append(...roots.map((root) => html("option", { value: root.dataset.view ?? root.dataset.embed }, nameOf(root))));
  const { element, code } = createBlock("HTML", "HTML code");
  block.append(element);
  elements.queries.textContent = `${QUERIES} ${listValues("data-part")}.`;
  ancestors.textContent = describeAncestors(ancestors.dataset.ancestors);

  function show() {
    const { embed, title, height } = find().dataset;
    block.hidden = ancestors.hidden = !embed;
    // A figure that is not shown is not drawn, and a hint stands where there are no data.
    const isDrawn = find().querySelector(FIGURE)?.checkVisibility() && !find().querySelector(".chart .hint");
    for (const button of saveButtons.children) button.disabled = !isDrawn;
    elements["not-drawn"].hidden = isDrawn;
    if (embed) setText(code, writeIframe(addressBar.href(`?embed=${embed}`), title ?? "", WIDTH, Number(height)));
  }

  select.addEventListener("change", show);
  saveButtons.append(
    ...["png", "svg", "pdf"].map((format) =>
      createButton(`Save as ${format.toUpperCase()}`, () => save(find(), elements, select.value, format, ground.value)),
    ),
  );
  store.watch(/** @type {(keyof State)[]} */ (Object.keys(store.state)), throttle(150, show));
  show();
  const figures = roots.filter((root) => root.dataset.view);
  elements.step_figure.append(...figures.map((root) => html("option", { value: root.dataset.view }, nameOf(root))));
  for (const key of OWN_STEP) bindField(store, key);
  const showAddress = () => addressBar.save();
  enableCopy(elements["copy-step"], () => addressBar.href(""), showAddress, "Copy the address");
}

/** @param {HTMLElement} root */
function nameOf(root) {
  return root.querySelector("h2, figcaption b")?.textContent ?? "";
}

/** Save a picture of a view, with the legends that belong to it. @param {HTMLElement} root @param {Record<string, HTMLElement>} legends @param {string} name @param {string} format @param {string} ground */
async function save(root, { "runs-legend": runsLegend, "basin-legend": basinLegend }, name, format, ground) {
  const { drawPicture, makePng, printPicture, writeSvg } = await import("../lib/picture.js");
  const canvases = [...root.querySelectorAll("canvas")].filter((canvas) => canvas.checkVisibility() && !canvas.closest(".basin-legend"));
  const figure = /** @type {SVGSVGElement} */ (root.querySelector(FIGURE));
  const runs = root.querySelector("[data-index]") ? [...runsLegend.children] : [];
  const outcomes = root.contains(basinLegend) ? [...basinLegend.children].filter((entry) => entry.localName !== "button") : [];
  const picture = drawPicture(figure, canvases, /** @type {HTMLElement[]} */ ([...runs, ...outcomes]), ground);
  if (format === "pdf") return printPicture(picture);
  saveFile(`${name}.${format}`, format === "png" ? await makePng(picture) : new Blob([await writeSvg(picture)], { type: "image/svg+xml" }));
}

/** @param {string} ancestors as in a content security policy */
function describeAncestors(ancestors) {
  const setting = "Its operator can allow your site (RNN_FRAME_ANCESTORS).";
  if (ancestors === "*") return "Any page may embed this one.";
  if (ancestors === "'none'") return `The frame works on no page. ${setting}`;
  if (ancestors === "'self'") return `The frame works only on pages of this server. ${setting}`;
  return `Pages of these origins may embed this page: ${ancestors.replace("'self'", location.origin)}.`;
}
