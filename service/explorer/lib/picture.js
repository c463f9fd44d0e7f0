// A figure of the page as a picture of its own: SVG with the styles of the page, or PNG.

const STYLES = [
  ...["fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "stroke-linejoin", "stroke-linecap"],
  ...["opacity", "display", "visibility", "font-family", "font-size", "font-style", "font-weight", "text-anchor"],
];
const PNG_SCALE = 2;
const NAMESPACE = "http://www.w3.org/2000/svg";

/**
 * Return a figure as the text of an SVG file, with its background and the pixels of canvases behind it.
 * @param {SVGSVGElement} figure @param {HTMLCanvasElement[]} canvases from the lowest to the highest
 */
export function writeSvg(figure, canvases) {
  const { left, top, width, height } = figure.getBoundingClientRect();
  const copy = /** @type {SVGSVGElement} */ (figure.cloneNode(true));
  copyStyles(figure, copy);
  for (const element of copy.querySelectorAll("[tabindex]")) element.removeAttribute("tabindex");
  const background = document.createElementNS(NAMESPACE, "rect");
  setAll(background, { x: 0, y: 0, width: "100%", height: "100%", fill: getComputedStyle(document.body).backgroundColor });
  copy.prepend(background);
  for (const canvas of [...canvases].reverse()) {
    const box = canvas.getBoundingClientRect();
    const image = document.createElementNS(NAMESPACE, "image");
    const place = { x: box.left - left, y: box.top - top, width: box.width, height: box.height };
    setAll(image, { ...place, href: canvas.toDataURL(), preserveAspectRatio: "none" });
    background.after(image);
  }
  if (!copy.hasAttribute("viewBox")) copy.setAttribute("viewBox", `0 0 ${width} ${height}`);
  setAll(copy, { xmlns: NAMESPACE, width, height });
  return new XMLSerializer().serializeToString(copy);
}

/** @param {string} text of an SVG file @returns {Promise<Blob>} a PNG file */
export async function makePng(text) {
  const image = new Image();
  image.src = `data:image/svg+xml,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  setAll(canvas, { width: image.naturalWidth * PNG_SCALE, height: image.naturalHeight * PNG_SCALE });
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no PNG")))));
}

/** @param {Element} from @param {SVGElement} to */
function copyStyles(from, to) {
  const style = getComputedStyle(from);
  for (const name of STYLES) to.style.setProperty(name, style.getPropertyValue(name));
  [...from.children].forEach((child, index) => copyStyles(child, /** @type {SVGElement} */ (to.children[index])));
}

/** @param {Element} element @param {Record<string, any>} attributes */
function setAll(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
}
