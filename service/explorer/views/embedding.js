// A figure of this page for other places: pictures of it, the code that embeds it in a page, and a step of a lesson.
// The elements of the page say which views can be embedded, and how.
import { enableCopy } from "../lib/clipboard.js";
import { byId, createButton, html, listValues, saveFile, setText } from "../lib/dom.js";
import { writeIframe } from "../lib/snippets.js";
import { throttle } from "../lib/throttle.js";
import { OWN_STEP } from "../model/state.js";
import { createBlock } from "./code_block.js";
import { bindField } from "./fields.js";

const WIDTH = 720;
const QUERIES =
  "For a lecture, add ?present to the address, before the #: large text, Page Down and Page Up for the lesson, the space bar to play. " +
  "Add ?hide=data,code to hide parts of the page. These are";

/** @param {Store} store @param {AddressBar} addressBar */
export function createEmbedding(store, addressBar) {
  const [select, ground, ancestors] = ["embed-view", "ground", "embed-ancestors"].map(byId);
  const views = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-embed][data-title]")]);
  const figures = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("figure[data-view]")]);
  const all = [...views, ...figures.filter((figure) => !views.includes(figure))];
  const find = () => all[select.selectedIndex];
  select.append(...all.map((root) => html("option", { value: root.dataset.embed ?? root.dataset.view }, nameOf(root))));
  const { element, code } = createBlock("HTML", "HTML code");
  byId("embed-code").append(element);
  byId("queries").textContent = `${QUERIES} ${listValues("data-part")}.`;
  ancestors.textContent = describeAncestors(ancestors.dataset.ancestors);

  function show() {
    const { embed, title, height } = find().dataset;
    byId("embed-code").hidden = ancestors.hidden = !embed;
    // A figure that is not shown is not drawn, and a hint stands where there are no data.
    const isDrawn = find().checkVisibility() && !find().querySelector(".chart .hint");
    for (const button of byId("save-buttons").children) button.disabled = !isDrawn;
    byId("not-drawn").hidden = isDrawn;
    if (embed) setText(code, writeIframe(addressBar.href(`?embed=${embed}`), title ?? "", WIDTH, Number(height)));
  }

  select.addEventListener("change", show);
  const formats = { png: "PNG", svg: "SVG", pdf: "PDF" };
  byId("save-buttons").append(
    ...Object.entries(formats).map(([suffix, name]) =>
      createButton(`Save as ${name}`, () => save(find(), select.value, /** @type {keyof typeof formats} */ (suffix), ground.value)),
    ),
  );
  store.watch(/** @type {(keyof State)[]} */ (Object.keys(store.state)), throttle(150, show));
  show();
  byId("step_figure").append(...figures.map((figure) => html("option", { value: figure.dataset.view }, nameOf(figure))));
  for (const key of OWN_STEP) bindField(store, key);
  enableCopy(
    byId("copy-step"),
    () => addressBar.href(""),
    () => addressBar.save(),
    "Copy the address",
  );
}

/** @param {HTMLElement} root */
function nameOf(root) {
  return root.querySelector("h2, figcaption b")?.textContent ?? "";
}

/** Save a picture of a view. @param {HTMLElement} root @param {string} name @param {"png" | "svg" | "pdf"} suffix @param {string} ground */
async function save(root, name, suffix, ground) {
  const { drawPicture, makePng, printPicture, writeSvg } = await import("../lib/picture.js");
  const canvases = [...root.querySelectorAll("canvas")].filter((canvas) => canvas.checkVisibility() && !canvas.closest(".basin-legend"));
  const figure = /** @type {SVGSVGElement} */ (root.querySelector(".chart > svg, .surface > svg"));
  const hasRuns = root.querySelector("[data-index]") !== null;
  const legend = document.querySelectorAll(
    `${hasRuns ? "#runs-legend > *, " : ""}${name === "surface" ? "#basin-legend > :not(button)" : "none"}`,
  );
  const picture = drawPicture(figure, canvases, /** @type {HTMLElement[]} */ ([...legend]), ground);
  if (suffix === "pdf") return printPicture(picture);
  const file = suffix === "png" ? await makePng(picture) : new Blob([await writeSvg(picture)], { type: "image/svg+xml" });
  saveFile(`${name}.${suffix}`, file);
}

/** @param {string} ancestors as in a content security policy */
function describeAncestors(ancestors) {
  const setting = "Its operator can allow your site (RNN_FRAME_ANCESTORS).";
  if (ancestors === "*") return "Any page may embed this one.";
  if (ancestors === "'none'") return `The frame works on no page. ${setting}`;
  if (ancestors === "'self'") return `The frame works only on pages of this server. ${setting}`;
  return `Pages of these origins may embed this page: ${ancestors.replace("'self'", location.origin)}.`;
}
