// The registry of optimizers, as the service describes it.
// @ts-check
import { getJson } from "./api.js";

/**
 * @typedef {object} Parameter
 * @property {string} name
 * @property {"number" | "boolean"} type
 * @property {number | boolean} default
 * @property {number | null} minimum
 * @property {number | null} maximum
 * @property {number | null} exclusive_minimum
 * @property {number | null} exclusive_maximum
 * @property {string} description
 *
 * @typedef {object} Optimizer
 * @property {string} name
 * @property {string} title
 * @property {string} formula
 * @property {string} source
 * @property {string} dialect
 * @property {boolean} uses_magnitude
 * @property {boolean} accepts_clip
 * @property {Parameter[]} parameters
 */

/** @returns {Promise<Optimizer[]>} */
export async function fetchOptimizers() {
  return (await getJson("v1/optimizers")).items;
}
