// Hands on the surface: drag, pan, pinch, wheel and keys.
// @ts-check
import { html, svg } from "../lib/dom.js";
import { rounded } from "../lib/format.js";
import { WHOLE, moved, placing, round, zoomed } from "../lib/scales.js";

const NEAR = 26;
const STEP = 1 / 120;

/** @param {import("./surface.js").Surface} surface @param {import("../model/state.js").Store} store */
export function attachGestures(surface, store) {
  /** @type {Map<number, {x: number, y: number}>} */ const fingers = new Map();
  let mode = "";
  let travelled = 0;

  /** @param {PointerEvent | WheelEvent | MouseEvent} event */
  const at = (event) => {
    const box = surface.root.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  /** @param {{x: number, y: number}} where @param {{x: number, y: number}} [hold] */
  function put({ x, y }, hold = { x: 0, y: 0 }) {
    const { left, top, width, height } = surface.rect;
    const inside = {
      x: Math.min(left + width, Math.max(left, x + hold.x)),
      y: Math.min(top + height, Math.max(top, y + hold.y)),
    };
    store.set({
      w_in: rounded(surface.place.w_in(inside.x), surface.place.pixel.w_in),
      w_rec: rounded(surface.place.w_rec(inside.y), surface.place.pixel.w_rec),
      example: "",
    });
  }

  /** @param {number} factor @param {{x: number, y: number}} where */
  function zoom(factor, { x, y }) {
    const about = { w_in: surface.place.w_in(x), w_rec: surface.place.w_rec(y) };
    view(zoomed(store.state.view, factor, about));
  }

  /** @param {number[]} next */
  function view(next) {
    store.set({ view: next });
    surface.place = placing(next, surface.rect); // the next event comes before the next frame
  }

  let hold = { x: 0, y: 0 };

  surface.root.addEventListener("pointerdown", (event) => {
    const target = /** @type {Element} */ (event.target);
    if (event.button !== 0 || !target.closest("svg .panel, svg .point")) return;
    const where = at(event);
    fingers.set(event.pointerId, where);
    surface.root.setPointerCapture(event.pointerId);
    const point = { x: surface.place.x(store.state.w_in), y: surface.place.y(store.state.w_rec) };
    const near = Math.hypot(point.x - where.x, point.y - where.y) < NEAR;
    hold = near ? { x: point.x - where.x, y: point.y - where.y } : { x: 0, y: 0 };
    travelled = 0;
    if (fingers.size > 1) mode = "pinch";
    else if (near || event.pointerType === "touch") mode = "drag";
    else mode = "pan";
    if (mode === "drag" && !near) put(where);
    if (mode === "drag") surface.point.focus({ preventScroll: true });
    event.preventDefault();
  });

  surface.root.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const where = at(event);
    travelled += Math.hypot(where.x - before.x, where.y - before.y);
    if (mode === "pinch") pinch(event.pointerId, where);
    fingers.set(event.pointerId, where);
    if (mode === "drag") put(where, hold);
    if (mode === "pan" && travelled > 3) {
      surface.root.classList.add("panning");
      const { pixel } = surface.place;
      view(moved(store.state.view, (before.x - where.x) * pixel.w_in, (where.y - before.y) * pixel.w_rec));
    }
  });

  /** Two fingers keep hold of the weights under them. @param {number} id @param {{x: number, y: number}} where */
  function pinch(id, where) {
    const before = [...fingers.values()];
    const after = [...fingers].map(([each, place]) => (each === id ? where : place));
    const [was, is] = [before, after].map(([a, b]) => ({
      x: (a.x + b.x) / 2,
      y: (a.y + b.y) / 2,
      apart: Math.max(20, Math.hypot(a.x - b.x, a.y - b.y)),
    }));
    const { pixel } = surface.place;
    view(moved(store.state.view, (was.x - is.x) * pixel.w_in, (is.y - was.y) * pixel.w_rec));
    zoom(is.apart / was.apart, is);
  }

  /** @param {PointerEvent} event */
  function lift(event) {
    if (!fingers.delete(event.pointerId)) return;
    if (mode === "pan" && travelled <= 3 && event.type === "pointerup") {
      put(at(event));
      surface.point.focus({ preventScroll: true });
    }
    surface.root.classList.remove("panning");
    mode = fingers.size ? "rest" : "";
  }
  surface.root.addEventListener("pointerup", lift);
  surface.root.addEventListener("pointercancel", lift);

  surface.root.addEventListener(
    "wheel",
    (event) => {
      if (!(/** @type {Element} */ (event.target).closest("svg .panel, svg .point, svg .path"))) return;
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 16 : 1;
      zoom(Math.exp(-Math.max(-120, Math.min(120, event.deltaY * lines)) * (event.ctrlKey ? 0.01 : 0.0022)), at(event));
    },
    { passive: false },
  );

  surface.point.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const { w_in, w_rec, view: now } = store.state;
    const directions = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const direction = directions[/** @type {keyof typeof directions} */ (event.key)];
    if (direction) {
      const size = event.shiftKey ? 10 : event.altKey ? 0.1 : 1;
      const [step, up] = [now[1] - now[0], now[3] - now[2]].map((span) => size * round(span * STEP));
      store.set({
        w_in: rounded(w_in + direction[0] * step, step),
        w_rec: rounded(w_rec + direction[1] * up, up),
        example: "",
      });
    } else if (event.key === "+" || event.key === "=") view(zoomed(now, 1.5, { w_in, w_rec }));
    else if (event.key === "-") view(zoomed(now, 1 / 1.5, { w_in, w_rec }));
    else if (event.key === "0") view([...WHOLE]);
    else return;
    event.preventDefault();
  });

  surface.root.append(zoomButtons(surface, (factor) => {
    const { left, top, width, height } = surface.rect;
    if (factor) zoom(factor, { x: left + width / 2, y: top + height / 2 });
    else view([...WHOLE]);
  }));
}

/** @param {import("./surface.js").Surface} surface @param {(factor: number) => void} zoom 0: all of it */
function zoomButtons(surface, zoom) {
  const group = html("div", { class: "zoom", role: "group", "aria-label": "Zoom" });
  for (const [label, d, factor] of [
    ["Zoom in", "M8 2v12M2 8h12", 1.6],
    ["Zoom out", "M2 8h12", 1 / 1.6],
    ["Whole surface", "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4", 0],
  ]) {
    const icon = svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d }));
    const button = html("button", { type: "button", "aria-label": label, title: label }, icon);
    button.addEventListener("click", () => zoom(Number(factor)));
    group.append(button);
  }
  return group;
}
