// Navigation on the cost surface: move the point, pan and zoom, by pointer, keys and buttons.
import { createButton, createIcon, html } from "../lib/dom.js";
import { roundToStep } from "../lib/format.js";
import { readArrow, trackGestures } from "../lib/gestures.js";
import { niceStep, panView, zoomView } from "../lib/scales.js";

const GRAB_DISTANCE = 26; // pixels from the point
const HINT = "To zoom, hold Ctrl or click first";
const HINT_MS = 1500;
const KEY_STEP = 1 / 120; // of the view
const KEY_ZOOM = 1.5;
const BUTTON_ZOOM = 1.6;

/** @param {Surface} surface @param {Store} store @param {HTMLElement} toolbar for the buttons */
export function enableNavigation(surface, store, toolbar) {
  const { state } = store;
  const { plot } = surface;
  let grab = { x: 0, y: 0 }; // from the pointer to the point while dragging
  let is_near = false; // whether the pointer went down near the point
  let timer = 0;
  const hint = html("p", { class: "wheel-hint", "aria-hidden": "true", hidden: true }, HINT);
  surface.root.append(hint);

  /** Return the size of a pixel in both weights. */
  const measurePixel = () => ({ w_in: plot.invertX(1) - plot.invertX(0), w_rec: plot.invertY(0) - plot.invertY(1) });

  /** Move the point to a position, or to the nearest one inside the plot. @param {Position} position */
  function movePoint({ x, y }) {
    const { left, top, width, height } = plot.rect;
    const inside_x = Math.min(left + width, Math.max(left, x));
    const inside_y = Math.min(top + height, Math.max(top, y));
    const pixel = measurePixel();
    store.set({
      w_in: roundToStep(plot.invertX(inside_x), pixel.w_in),
      w_rec: roundToStep(plot.invertY(inside_y), pixel.w_rec),
      show: 0,
    });
    surface.point.focus({ preventScroll: true });
  }

  /** @param {number[]} view */
  function setView(view) {
    store.set({ view });
    surface.updateDomain(); // the next event may arrive before the next animation frame
  }

  /** @param {number} factor @param {Position} position stays where it is */
  function zoom(factor, { x, y }) {
    setView(zoomView(state.view, factor, { w_in: plot.invertX(x), w_rec: plot.invertY(y) }, store.home));
  }

  trackGestures(surface.root, {
    accepts: (target) => target.closest("svg .plot") !== null,
    start(position, type) {
      const point = { x: plot.x(state.w_in), y: plot.y(state.w_rec) };
      grab = { x: point.x - position.x, y: point.y - position.y };
      is_near = Math.hypot(grab.x, grab.y) < GRAB_DISTANCE;
      if (is_near) surface.point.focus({ preventScroll: true });
      else grab = { x: 0, y: 0 };
      return is_near ? "drag" : type === "touch" ? "swipe" : "pan";
    },
    drag: ({ x, y }) => movePoint({ x: x + grab.x, y: y + grab.y }),
    pan(x, y) {
      const pixel = measurePixel();
      setView(panView(state.view, -x * pixel.w_in, y * pixel.w_rec));
    },
    click: (position) => is_near || movePoint(position),
    zoom,
    scroll() {
      hint.hidden = false;
      clearTimeout(timer);
      timer = setTimeout(() => (hint.hidden = true), HINT_MS);
    },
  });

  surface.point.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const { w_in, w_rec, view } = state;
    const arrow = readArrow(event);
    if (arrow) {
      const [w_in_step, w_rec_step] = [view[1] - view[0], view[3] - view[2]].map((size) =>
        niceStep(size * KEY_STEP * arrow.factor),
      );
      store.set({
        w_in: roundToStep(w_in + arrow.right * w_in_step, w_in_step),
        w_rec: roundToStep(w_rec + arrow.up * w_rec_step, w_rec_step),
        show: 0,
      });
    } else if (event.key === "+" || event.key === "=") setView(zoomView(view, KEY_ZOOM, { w_in, w_rec }, store.home));
    else if (event.key === "-") setView(zoomView(view, 1 / KEY_ZOOM, { w_in, w_rec }, store.home));
    else if (event.key === "0") setView([...store.home]);
    else return;
    event.preventDefault();
  });

  /** Zoom around the point where it is visible, so that a click chooses where. @param {number} factor */
  function zoomByButton(factor) {
    const { rect } = plot;
    const [x, y] = [plot.x(state.w_in), plot.y(state.w_rec)];
    const center = { x: rect.left + rect.width / 2, y: rect.top + rect.height / 2 };
    const is_visible = Math.abs(x - center.x) <= rect.width / 2 && Math.abs(y - center.y) <= rect.height / 2;
    zoom(factor, is_visible ? { x, y } : center);
  }

  toolbar.append(
    createIconButton("Zoom in", "M8 2v12M2 8h12", () => zoomByButton(BUTTON_ZOOM)),
    createIconButton("Zoom out", "M2 8h12", () => zoomByButton(1 / BUTTON_ZOOM)),
    createIconButton("Reset view", "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4", () => setView([...store.home])),
    createIconButton("Full screen", "M9 7l5-5M10 2h4v4M7 9l-5 5M2 10v4h4", toggleFullScreen),
  );
}

/** @param {string} label @param {string} d of the icon @param {() => void} onClick */
const createIconButton = (label, d, onClick) =>
  createButton(createIcon(d), onClick, { "aria-label": label, title: label });

export function toggleFullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen?.().catch(() => {}); // some phones and frames have no full screen
}
