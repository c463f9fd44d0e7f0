// A figure of this page for other places: pictures of it, the code that embeds it in a page, and a step of a lesson.
import { enableCopy } from "../lib/clipboard.js";
import { plots } from "../charts/plot.js";
import { createButton, html, listValues, saveFile, setAttributes, setText } from "../lib/dom.js";
import { count } from "../lib/format.js";
import { writeIframe } from "../lib/snippets.js";
import { throttle } from "../lib/throttle.js";
import { readHash, toHash } from "../model/address.js";
import { MAX_STEPS, OWN_STEP } from "../model/state.js";
import { createBlock } from "./code_block.js";
import { bindField } from "./fields.js";
import { toggleFullScreen } from "./navigation.js";

const WIDTH = 720;
const MIN_PIXELS = 600; // of the width of a picture
const MAX_PIXELS = 6000;
const SHAPE = 0.56; // height of a chart by its width
/** The heights of other figures. @type {Record<string, (width: number) => number>} */
const HEIGHTS = { surface: (width) => width - 48, network: () => 130, unrolled: () => 132 };
const QUERIES =
  "For a lecture, add ?present to the address, before the #: large text, Page Down and Page Up for the lesson, " +
  "the space bar to play. " +
  "Add ?hide=data,code to hide parts of the page. These are";

/**
 * @param {Store} store
 * @param {AddressBar} addressBar
 * @param {Record<string, any>} elements with all views and legends
 */
export function createEmbedding(store, addressBar, elements) {
  const {
    "embed-view": select,
    ground,
    "save-width": width,
    "own-width": ownWidth,
    "embed-ancestors": ancestors,
    "save-buttons": saveButtons,
    "embed-code": block,
  } = elements;
  const roots = /** @type {HTMLElement[]} */ (elements.views);
  const find = () => roots[select.selectedIndex];
  select.append(
    ...roots.map((root) => html("option", { value: root.dataset.view ?? root.dataset.embed }, nameOf(root))),
  );
  const { element, code } = createBlock("HTML", "HTML code");
  block.append(element);
  elements.queries.textContent = `${QUERIES} ${listValues("data-part")}.`;
  ancestors.textContent = describeAncestors(ancestors.dataset.ancestors);

  function show() {
    const { embed, title, height } = find().dataset;
    block.hidden = ancestors.hidden = !embed;
    // A hint stands where there are no data.
    const isEmpty = find().querySelector(".chart .hint") !== null;
    for (const button of saveButtons.children) button.disabled = isEmpty;
    elements["not-drawn"].hidden = !isEmpty;
    ownWidth.parentElement.hidden = width.value !== "";
    if (embed) setText(code, writeIframe(addressBar.href(`?embed=${embed}`), title ?? "", WIDTH, Number(height)));
  }

  for (const each of [select, width]) each.addEventListener("change", show);
  const readOptions = () => {
    const pixels = Number(width.value || ownWidth.value);
    const [title, margin] = [elements["save-title"].value.trim(), Number(elements.margin.value)];
    const density = Number(width.selectedOptions[0].dataset.perMeter);
    const drawn = Math.min(MAX_PIXELS, Math.max(MIN_PIXELS, pixels));
    return { ground: ground.value, title, margin, density, pixels: drawn };
  };
  saveButtons.append(
    ...["png", "svg", "pdf"].map((format) =>
      createButton(`Save as ${format.toUpperCase()}`, () =>
        save(find(), elements, select.value, format, readOptions()),
      ),
    ),
  );
  const present = createButton("Present", () => location.assign(addressBar.href("?present")));
  elements.queries.before(html("p", { class: "actions" }, present, createButton("Full screen", toggleFullScreen)));
  store.watch(/** @type {(keyof State)[]} */ (Object.keys(store.state)), throttle(150, show));
  show();
  const figures = roots.filter((root) => root.dataset.view);
  elements.step_figure.append(...figures.map((root) => html("option", { value: root.dataset.view }, nameOf(root))));
  for (const key of OWN_STEP) bindField(store, key);
  elements["add-step"].addEventListener("click", () => {
    const { steps, step_number: _, ...step } = store.state;
    if (steps.length < MAX_STEPS) store.set({ steps: [...steps, toHash(step)], step_number: steps.length + 1 });
  });
  elements["remove-step"].addEventListener("click", () => {
    const steps = store.state.steps.slice(0, -1);
    store.set({ steps, step_number: steps.length });
  });
  store.watch(["steps"], ({ steps }) => {
    elements["n_lesson_steps"].textContent = steps.length ? `The link has ${count(steps.length, "step")}.` : "";
    elements["remove-step"].hidden = !steps.length;
  });
  const firstStep = () => {
    const { steps } = store.state;
    return steps.length ? { ...readHash(steps[0]).state, steps, step_number: 1 } : store.state;
  };
  enableCopy(
    elements["copy-step"],
    () => addressBar.href("", firstStep()),
    () => addressBar.save(),
    "Copy the address",
  );
}

/** @param {HTMLElement} root */
function nameOf(root) {
  return root.querySelector("h2, figcaption b")?.textContent ?? "";
}

/**
 * Save a picture of a view in another size, with the legends that belong to it.
 * @param {HTMLElement} root @param {Record<string, HTMLElement>} legends @param {string} name @param {string} format
 * @param {{ground: string, title: string, margin: number, pixels: number, density: number}} options
 */
async function save(root, { "runs-legend": runsLegend, "basin-legend": basinLegend }, name, format, options) {
  const { SCALE, drawPicture, makePng, printPicture, writeSvg } = await import("../lib/picture.js");
  const chart = /** @type {HTMLElement} */ (root.querySelector(".chart, .surface"));
  const canvases = [...chart.querySelectorAll("canvas")].filter((canvas) => !canvas.hidden);
  const runs = root.querySelector("[data-index]") ? [...runsLegend.children] : [];
  const outcomes = root.contains(basinLegend)
    ? [...basinLegend.children].filter((entry) => entry.localName !== "button")
    : [];
  const plot = /** @type {Plot} */ (plots.get(chart));
  const clientWidth = Math.round(options.pixels / SCALE) - 2 * options.margin;
  const clientHeight = Math.round(HEIGHTS[name]?.(clientWidth) ?? SHAPE * clientWidth);
  const { theme } = document.documentElement.dataset;
  if (options.ground === "white") document.documentElement.dataset.theme = "light"; // for dark lines
  const before = plot.drawInSize({ clientWidth, clientHeight, ratio: SCALE });
  const picture = drawPicture(plot, canvases, /** @type {HTMLElement[]} */ ([...runs, ...outcomes]), options);
  plot.drawInSize(before);
  setAttributes(document.documentElement, { "data-theme": theme });
  if (format === "pdf") return printPicture(picture);
  saveFile(
    `${name}.${format}`,
    format === "png"
      ? await makePng(picture, options.density)
      : new Blob([await writeSvg(picture)], { type: "image/svg+xml" }),
  );
}

/** @param {string} ancestors as in a content security policy */
function describeAncestors(ancestors) {
  const setting = "Its operator can allow your site (RNN_FRAME_ANCESTORS).";
  if (ancestors === "*") return "Any page may embed this one.";
  if (ancestors === "'none'") return `The frame works on no page. ${setting}`;
  if (ancestors === "'self'") return `The frame works only on pages of this server. ${setting}`;
  return `Pages of these origins may embed this page: ${ancestors.replace("'self'", location.origin)}.`;
}
