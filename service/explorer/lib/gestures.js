// Pointer and wheel gestures on an element: drag, pan, pinch, click and zoom. The page scrolls as usual
// until the user means the element: the wheel zooms with Ctrl or after a click, and a finger acts
// after some distance, because it may be the first of two or swipe to scroll.

const CLICK_DISTANCE = 3;
const TOUCH_DISTANCE = 6;
const MIN_PINCH = 20;
const WHEEL_LINE = 16; // pixels
const MAX_WHEEL = 120;
const WHEEL_RATE = 0.0022;
const PINCH_RATE = 0.01; // a trackpad reports a pinch as small wheel events with Ctrl
const MAX_PINCH_WHEEL = 40;

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/**
 * Return the direction of an arrow key, and the factor of its step: ten times with Shift, a tenth with Alt.
 * @param {KeyboardEvent} event
 */
export function readArrow({ key, shiftKey, altKey }) {
  const [right, up] = ARROWS[/** @type {keyof typeof ARROWS} */ (key)] ?? [];
  return right === undefined ? null : { right, up, factor: shiftKey ? 10 : altKey ? 0.1 : 1 };
}

/** @param {HTMLElement} element @param {Gestures} gestures */
export function trackGestures(element, gestures) {
  /** @type {Map<number, Position>} */ const pointers = new Map();
  /** @type {"" | "drag" | "pan" | "pinch" | "swipe"} */ let mode = "";
  let origin = { x: 0, y: 0 };
  let distance = 0;
  let threshold = 0; // a shorter distance is a click
  let is_active = false; // whether the wheel zooms

  /** @param {MouseEvent} event */
  const locate = (event) => {
    const box = element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !gestures.accepts(/** @type {Element} */ (event.target))) return;
    const position = locate(event);
    pointers.set(event.pointerId, position);
    origin = position;
    element.setPointerCapture(event.pointerId);
    distance = 0;
    threshold = event.pointerType === "touch" ? TOUCH_DISTANCE : CLICK_DISTANCE;
    is_active = true;
    mode = pointers.size > 1 ? "pinch" : gestures.start(position, event.pointerType);
    event.preventDefault();
  });

  element.addEventListener("pointermove", (event) => {
    const last = pointers.get(event.pointerId);
    if (!last) return;
    const position = locate(event);
    const before = measurePinch(pointers);
    pointers.set(event.pointerId, position);
    distance += Math.hypot(position.x - last.x, position.y - last.y);
    if (mode === "swipe" && distance > threshold) {
      mode = Math.abs(position.x - origin.x) > Math.abs(position.y - origin.y) ? "drag" : "";
    }
    if (mode === "drag" && (event.pointerType !== "touch" || distance > threshold)) gestures.drag(position);
    if (mode === "pan" && distance > threshold) {
      element.classList.add("panning");
      gestures.pan(position.x - last.x, position.y - last.y);
    }
    if (mode === "pinch" && pointers.size > 1) {
      const after = measurePinch(pointers);
      gestures.pan(after.center.x - before.center.x, after.center.y - before.center.y);
      gestures.zoom(after.spread / before.spread, after.center);
    }
  });

  /** @param {PointerEvent} event */
  function end(event) {
    if (!pointers.delete(event.pointerId)) return;
    if (mode && mode !== "pinch" && distance <= threshold && event.type === "pointerup") gestures.click(locate(event));
    element.classList.remove("panning");
    mode = ""; // after a pinch, the remaining finger does nothing
  }
  element.addEventListener("pointerup", end);
  element.addEventListener("pointercancel", end);

  element.addEventListener("pointerleave", () => (is_active = false));
  // Browsers report two fingers here first, and would scroll or zoom the page.
  const keepPinch = (/** @type {TouchEvent} */ event) => {
    if (event.touches.length > 1 && event.cancelable) event.preventDefault();
  };
  element.addEventListener("touchstart", keepPinch, { passive: false });
  element.addEventListener("touchmove", keepPinch, { passive: false });

  element.addEventListener(
    "wheel",
    (event) => {
      if (!gestures.accepts(/** @type {Element} */ (event.target))) return;
      if (!event.ctrlKey && !event.metaKey && !is_active) {
        gestures.scroll();
        return;
      }
      event.preventDefault();
      const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? WHEEL_LINE : 1);
      const bounded = Math.max(-MAX_WHEEL, Math.min(MAX_WHEEL, pixels));
      const is_pinch = event.ctrlKey && Math.abs(pixels) < MAX_PINCH_WHEEL;
      gestures.zoom(Math.exp(-bounded * (is_pinch ? PINCH_RATE : WHEEL_RATE)), locate(event));
    },
    { passive: false },
  );
}

/**
 * Return the center of the first two pointers and the distance between them.
 * @param {Map<number, Position>} pointers
 */
function measurePinch(pointers) {
  const [a, b = a] = pointers.values();
  return {
    center: { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 },
    spread: Math.max(MIN_PINCH, Math.hypot(a.x - b.x, a.y - b.y)),
  };
}
