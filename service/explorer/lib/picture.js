// A figure of the page as a picture of its own, with its legend: SVG, PNG or a printed page.
import { setAttributes, svg } from "./dom.js";

const STYLES = [
  ...[
    "fill",
    "fill-opacity",
    "stroke",
    "stroke-width",
    "stroke-opacity",
    "stroke-dasharray",
    "stroke-linejoin",
    "stroke-linecap",
  ],
  ...[
    "opacity",
    "display",
    "visibility",
    "font-family",
    "font-size",
    "font-style",
    "font-weight",
    "text-anchor",
    "paint-order",
  ],
];
/** Pixels of a PNG file per unit of a picture. */
export const SCALE = 3;
const LEGEND_HEIGHT = 24;
const TITLE_HEIGHT = 30;
const HEADER_BYTES = 33; // of a PNG file: its signature and the first chunk
const CRC_POLYNOMIAL = 0xedb88320; // of PNG, with the lowest power first
const SWATCH_WIDTH = 34;
const CHARACTER = 7.4; // mean width in the legend
const BEYOND_ASCII = /[À-Þßý-ſ]/; // letters that files of their own have

/**
 * Return a picture of a figure as it is drawn, with its title above, its legend below and the pixels of canvases behind
 * it.
 * @param {Plot} plot @param {HTMLCanvasElement[]} canvases from the lowest to the highest
 * @param {HTMLElement[]} legend entries, each with a swatch
 * @param {{ground: string, title: string, margin: number}} options where the ground is page, white or transparent
 * @returns {SVGSVGElement}
 */
export function drawPicture({ figure, rect, size: { width, height } }, canvases, legend, { ground, title, margin }) {
  const copy = copyStyled(figure);
  for (const element of copy.querySelectorAll("[tabindex]")) element.removeAttribute("tabindex");
  const { left: x, top: y, ...size } = rect;
  const images = canvases.map((canvas) => createImage(canvas, { x, y, ...size }));
  const entries = placeLegend(legend, width, height);
  const top = margin + (title ? TITLE_HEIGHT : 0);
  const [full_width, full_height] = [width + 2 * margin, top + height + LEGEND_HEIGHT * entries.length + margin];
  const place = { x: -margin, y: -top };
  const fill = ground === "white" ? "#ffffff" : getComputedStyle(document.body).backgroundColor;
  const background = svg("rect", { ...place, width: full_width, height: full_height, fill });
  copy.prepend(...(ground === "transparent" ? [] : [background]), ...images);
  copy.append(
    ...(title ? [createText(title, 0, -14, 18, getComputedStyle(document.body).color)] : []),
    ...entries.flat(),
  );
  setAttributes(copy, {
    viewBox: `${-margin} ${-top} ${full_width} ${full_height}`,
    width: full_width,
    height: full_height,
  });
  return copy;
}

/** @param {string} text @param {number} x @param {number} y @param {number} size @param {string} color */
function createText(text, x, y, size, color) {
  const element = svg("text", { x, y }, text);
  element.style.font = `${size}px "Explorer Sans", sans-serif`;
  element.style.fill = color;
  return element;
}

/**
 * Return the fonts of the page that a text needs as rules, because a picture has no access to files.
 * @param {string} text
 */
async function readFonts(text) {
  const rules = [...document.styleSheets].flatMap(({ cssRules, href }) =>
    [...cssRules].flatMap((rule) => (rule instanceof CSSFontFaceRule ? { css: rule.cssText, href } : [])),
  );
  const fonts = rules.slice(0, BEYOND_ASCII.test(text) ? undefined : 1).map(async ({ css, href }) => {
    const [, address] = /url\("(.*?)"\)/.exec(css) ?? [];
    const reader = new FileReader();
    reader.readAsDataURL(await (await fetch(new URL(address, href ?? ""))).blob());
    await new Promise((resolve) => reader.addEventListener("load", resolve));
    return css.replace(/url\(".*?"\)/, `url(${reader.result})`);
  });
  return (await Promise.all(fonts)).join("\n");
}

/** Return the text of an SVG file. @param {SVGSVGElement} picture */
export async function writeSvg(picture) {
  picture.prepend(svg("style", {}, await readFonts(picture.textContent ?? "")));
  return new XMLSerializer().serializeToString(picture);
}

/**
 * @param {SVGSVGElement} picture
 * @param {number} [pixelsPerMeter] on paper, if it is known
 * @returns {Promise<Blob>} a PNG file
 */
export async function makePng(picture, pixelsPerMeter) {
  const image = new Image();
  image.src = `data:image/svg+xml,${encodeURIComponent(await writeSvg(picture))}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  setAttributes(canvas, { width: image.naturalWidth * SCALE, height: image.naturalHeight * SCALE });
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((/** @type {(blob: Blob | null) => void} */ resolve) => canvas.toBlob(resolve));
  if (!blob) throw new Error("no PNG");
  return pixelsPerMeter ? setResolution(blob, pixelsPerMeter) : blob;
}

/**
 * Insert the chunk with the physical size of pixels, which comes before the image data (PNG, section 11.3.4.3).
 * @param {Blob} blob of a PNG @param {number} pixelsPerMeter
 */
function setResolution(blob, pixelsPerMeter) {
  const chunk = new DataView(new ArrayBuffer(21));
  chunk.setUint32(0, 9); // the length of the data
  [..."pHYs"].forEach((character, i) => chunk.setUint8(4 + i, character.charCodeAt(0)));
  for (const offset of [8, 12]) chunk.setUint32(offset, Math.round(pixelsPerMeter));
  chunk.setUint8(16, 1); // per meter
  chunk.setUint32(17, checksum(new Uint8Array(chunk.buffer, 4, 13)));
  return new Blob([blob.slice(0, HEADER_BYTES), chunk.buffer, blob.slice(HEADER_BYTES)], { type: blob.type });
}

/** Return the CRC-32 of a chunk. @param {Uint8Array} bytes */
function checksum(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? CRC_POLYNOMIAL : 0);
  }
  return ~crc >>> 0;
}

/** Print a picture alone, on a page of its size. @param {SVGSVGElement} picture */
export function printPicture(picture) {
  const root = document.documentElement;
  const sheet = new CSSStyleSheet();
  const [width, height] = ["width", "height"].map((side) => Math.ceil(Number(picture.getAttribute(side))));
  sheet.replaceSync(`@page { size: ${width}px ${height}px; margin: 0 }`);
  setAttributes(picture, { id: "print-picture" });
  document.body.append(picture);
  document.adoptedStyleSheets.push(sheet);
  root.dataset.printing = "";
  const restore = () => {
    picture.remove();
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((each) => each !== sheet);
    delete root.dataset.printing;
  };
  addEventListener("afterprint", restore, { once: true });
  print();
}

/** Return the entries of a legend in rows. @param {HTMLElement[]} entries @param {number} width @param {number} top */
function placeLegend(entries, width, top) {
  /** @type {Element[][]} */ const rows = [];
  const places = entries.map((entry) => {
    const text = (entry.textContent ?? "").trim();
    const swatch = entry.querySelector("svg, canvas");
    const indent = swatch ? SWATCH_WIDTH : 0;
    return { text, swatch, indent, size: indent + CHARACTER * text.length + 16, color: getComputedStyle(entry).color };
  });
  // Of all, where a picture has no room for one.
  const scale = Math.min(1, ...places.map(({ size }) => (width - 8) / size));
  let x = width;
  for (const { text, swatch, indent, size, color } of places) {
    if (x + scale * size > width) {
      rows.push([]);
      x = 8;
    }
    const y = top + LEGEND_HEIGHT * (rows.length - 0.5);
    const sample = { x, y: y - 6, width: 26, height: 12 };
    if (swatch instanceof HTMLCanvasElement) rows[rows.length - 1].push(createImage(swatch, sample));
    else if (swatch) rows[rows.length - 1].push(copyStyled(/** @type {SVGElement} */ (swatch), sample));
    rows[rows.length - 1].push(createText(text, x + indent, y + 5, 14 * scale, color));
    x += scale * size;
  }
  return rows;
}

/** @param {HTMLCanvasElement} canvas @param {Record<string, number>} place */
const createImage = (canvas, place) =>
  svg("image", { ...place, href: canvas.toDataURL(), preserveAspectRatio: "none" });

/**
 * Return a copy with the styles that the page gives the original.
 * @param {SVGElement} element
 * @param {Record<string, number>} [place]
 * @returns {any}
 */
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
