// The steps of the lesson in their order. Each is a file of its own, and tests compute its numbers.
import { counting } from "./counting.js";
import { descent } from "./descent.js";
import { gradient } from "./gradient.js";
import { remembering } from "./remembering.js";
import { sign } from "./sign.js";
import { valley } from "./valley.js";

/** @type {Step[]} */
export const STEPS = [counting, valley, gradient, descent, sign, remembering];
