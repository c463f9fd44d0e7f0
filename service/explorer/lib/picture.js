// A figure of the page as a picture of its own, with its legend: SVG, PNG or a printed page.
import { setAttributes, svg } from "./dom.js";

const STYLES = [
  ...["fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "stroke-linejoin", "stroke-linecap"],
  ...["opacity", "display", "visibility", "font-family", "font-size", "font-style", "font-weight", "text-anchor", "paint-order"],
];
const PNG_SCALE = 2;
const LEGEND_HEIGHT = 24;
const SWATCH_WIDTH = 34;
const CHARACTER = 7.4; // mean width in the legend

/**
 * Return a picture of a figure, with its legend below and the pixels of canvases behind it.
 * @param {SVGSVGElement} figure @param {HTMLCanvasElement[]} canvases from the lowest to the highest
 * @param {HTMLElement[]} legend entries, each with a swatch @param {string} ground page, white or transparent
 * @returns {SVGSVGElement}
 */
export function drawPicture(figure, canvases, legend, ground) {
  const { theme } = document.documentElement.dataset;
  if (ground === "white") document.documentElement.dataset.theme = "light"; // for dark lines
  const { left, top, width, height } = figure.getBoundingClientRect();
  const copy = copyStyled(figure);
  for (const element of copy.querySelectorAll("[tabindex]")) element.removeAttribute("tabindex");
  const images = canvases.map((canvas) => {
    const box = canvas.getBoundingClientRect();
    return createImage(canvas, { x: box.left - left, y: box.top - top, width: box.width, height: box.height });
  });
  const entries = placeLegend(legend, width, height);
  const total = height + LEGEND_HEIGHT * entries.length;
  const fill = ground === "white" ? "#ffffff" : getComputedStyle(document.body).backgroundColor;
  const background = svg("rect", { x: 0, y: 0, width, height: total, fill });
  copy.prepend(...(ground === "transparent" ? [] : [background]), ...images);
  copy.append(...entries.flat());
  setAttributes(copy, { viewBox: `0 0 ${width} ${total}`, width, height: total });
  if (ground === "white") setAttributes(document.documentElement, { "data-theme": theme });
  return copy;
}

/** Return the font of the page as a rule, because a picture has no access to files. */
async function readFont() {
  const response = await fetch(new URL("../fonts/explorer-sans.woff2", import.meta.url));
  const reader = new FileReader();
  reader.readAsDataURL(await response.blob());
  await new Promise((resolve) => reader.addEventListener("load", resolve));
  return `@font-face { font-family: "Explorer Sans"; font-weight: 400 700; src: url(${reader.result}) format("woff2"); }`;
}

/** Return the text of an SVG file. @param {SVGSVGElement} picture */
export async function writeSvg(picture) {
  picture.prepend(svg("style", {}, await readFont()));
  return new XMLSerializer().serializeToString(picture);
}

/** @param {SVGSVGElement} picture @returns {Promise<Blob>} a PNG file */
export async function makePng(picture) {
  const image = new Image();
  image.src = `data:image/svg+xml,${encodeURIComponent(await writeSvg(picture))}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  setAttributes(canvas, { width: image.naturalWidth * PNG_SCALE, height: image.naturalHeight * PNG_SCALE });
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no PNG")))));
}

/** Print a picture alone. @param {SVGSVGElement} picture */
export function printPicture(picture) {
  const root = document.documentElement;
  setAttributes(picture, { id: "print-picture" });
  document.body.append(picture);
  root.dataset.printing = "";
  const restore = () => {
    picture.remove();
    delete root.dataset.printing;
  };
  addEventListener("afterprint", restore, { once: true });
  print();
}

/** Return the entries of a legend in rows. @param {HTMLElement[]} entries @param {number} width @param {number} top */
function placeLegend(entries, width, top) {
  /** @type {Element[][]} */ const rows = [];
  let x = width;
  for (const entry of entries) {
    const text = (entry.textContent ?? "").trim();
    const swatch = entry.querySelector("svg, canvas");
    const indent = swatch ? SWATCH_WIDTH : 0;
    const size = indent + CHARACTER * text.length + 16;
    if (x + size > width) {
      rows.push([]);
      x = 8;
    }
    const y = top + LEGEND_HEIGHT * (rows.length - 0.5);
    const label = svg("text", { x: x + indent, y: y + 5 }, text);
    const font_size = 14 * Math.min(1, (width - x) / size); // smaller where a narrow picture has no room
    label.style.font = `${font_size}px "Explorer Sans", sans-serif`;
    label.style.fill = getComputedStyle(entry).color;
    const sample = { x, y: y - 6, width: 26, height: 12 };
    if (swatch instanceof HTMLCanvasElement) rows[rows.length - 1].push(createImage(swatch, sample));
    else if (swatch) rows[rows.length - 1].push(copyStyled(/** @type {SVGElement} */ (swatch), sample));
    rows[rows.length - 1].push(label);
    x += size;
  }
  return rows;
}

/** @param {HTMLCanvasElement} canvas @param {Record<string, number>} place */
const createImage = (canvas, place) => svg("image", { ...place, href: canvas.toDataURL(), preserveAspectRatio: "none" });

/** Return a copy with the styles that the page gives the original. @param {SVGElement} element @param {Record<string, number>} [place] @returns {any} */
function copyStyled(element, place = {}) {
  const copy = element.cloneNode(true);
  const copyStyles = (/** @type {Element} */ from, /** @type {SVGElement} */ to) => {
    const style = getComputedStyle(from);
    for (const name of STYLES) to.style.setProperty(name, style.getPropertyValue(name));
    [...from.children].forEach((child, index) => copyStyles(child, /** @type {SVGElement} */ (to.children[index])));
  };
  copyStyles(element, /** @type {SVGElement} */ (copy));
  setAttributes(/** @type {SVGElement} */ (copy), place);
  return copy;
}
