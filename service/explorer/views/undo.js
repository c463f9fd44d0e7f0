// An offer to return to the data whose runs were removed.
import { byId, createButton, html } from "../lib/dom.js";

/** @type {(() => void) | null} */ let undo = null;
let strip = html("p", {});

/**
 * Say what was removed and offer to restore it, or withdraw the offer.
 * @param {string} text @param {(() => void) | null} restore
 */
export function offerUndo(text, restore) {
  if (!strip.isConnected) strip = createStrip();
  undo = restore;
  strip.hidden = !restore;
  strip.firstElementChild.textContent = text;
}

function createStrip() {
  const button = createButton("Undo", () => {
    const restore = undo;
    offerUndo("", null);
    restore?.();
  });
  const element = html("p", { id: "undo", class: "undo", role: "status" }, html("span"), button);
  byId("undo-place").append(element);
  return element;
}
