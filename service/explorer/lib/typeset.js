// Texts with the weights as symbols.
import { html } from "./dom.js";

/** Return a text as nodes, with w_in and w_rec as in a formula. @param {string} text @returns {(Node | string)[]} */
export const typeset = (text) =>
  text.split(/w_(in|rec)/).flatMap((part, k) => (k % 2 ? [html("var", {}, "w"), html("sub", {}, part)] : [part]));
