// Explanations of terms: a text with a dotted line shows one on hover, focus, click or tap.
import { byId, html } from "../lib/dom.js";

/** @type {Record<string, string>} */
const TERMS = {
  cost: "The cost is the mean of the squared errors: for each sequence, the difference between the output and the target, squared. It is 0 if every count is right.",
  gradient:
    "The gradient holds the derivative of the cost with respect to each weight: how much the cost changes if the weight changes a little. Training moves the weights against it.",
  valley: "The valley is the curve of the best input weight for each recurrent weight. Its lowest point is the optimum.",
  BPTT: "Backpropagation through time (BPTT) computes the gradient. It starts at the output and goes back over the inputs. Each step back multiplies by the recurrent weight.",
  Rprop:
    "Rprop uses only the sign of each derivative. A step grows by the factor 1.2 while the sign stays the same, and is halved when the sign changes.",
  momentum: "Momentum adds a part of the previous step to each step. This speeds up a descent in one direction and damps oscillation.",
  clipping: "Clipping limits the gradient before the optimizer uses it: its length (by norm) or each derivative (by value).",
};
const MARGIN = 8; // pixels

/** Replace the elements with a term by buttons that explain it. */
export function createGlossary() {
  const tip = html("div", { id: "tip", class: "tip", role: "tooltip", hidden: true });
  document.body.append(tip);
  /** @type {Element | null} */ let shown = null;
  const hide = () => {
    tip.hidden = true;
    shown?.removeAttribute("aria-describedby");
  };
  for (const element of document.querySelectorAll("[data-term]")) {
    const term = element.getAttribute("data-term") ?? "";
    const button = html("button", { type: "button", class: "term" }, ...element.childNodes);
    element.replaceChildren(button);
    const show = () => {
      tip.textContent = TERMS[term];
      tip.hidden = false;
      shown = button;
      button.setAttribute("aria-describedby", "tip");
      place(tip, button.getBoundingClientRect());
    };
    for (const name of ["pointerenter", "focus", "click"]) button.addEventListener(name, show);
    for (const name of ["pointerleave", "blur"]) button.addEventListener(name, hide);
  }
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  byId("tip").addEventListener("pointerdown", hide);
}

/** Put the tip below a box, or above it at the end of the window. @param {HTMLElement} tip @param {DOMRect} box */
function place(tip, { left, top, bottom }) {
  const { width, height } = tip.getBoundingClientRect();
  const x = Math.min(left, document.documentElement.clientWidth - width - MARGIN);
  const y = bottom + MARGIN + height > innerHeight ? top - height - MARGIN : bottom + MARGIN;
  tip.style.left = `${Math.max(MARGIN, x)}px`;
  tip.style.top = `${y + scrollY}px`;
}
