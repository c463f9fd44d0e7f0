// An offer to return to the data whose runs were removed.
import { byId, createButton, html } from "../lib/dom.js";

/**
 * Say what was removed and offer to restore it, or withdraw the offer.
 * @param {string} text @param {(() => void) | null} restore
 */
export function offerUndo(text, restore) {
  const undo = () => {
    offerUndo("", null);
    restore?.();
  };
  byId("undo").replaceChildren(...(restore ? [html("span", {}, text), createButton("Undo", undo)] : []));
}
