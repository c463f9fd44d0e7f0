// The bands of color of a window.
import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseBands } from "../../../service/explorer/charts/color_bands.js";

/** Return numbers with equal distances. @type {(low: number, high: number, n: number) => number[]} */
const spread = (low, high, n) => Array.from({ length: n }, (_none, k) => low + ((high - low) * k) / (n - 1));

/** Return the edges of the bands. @param {number[]} log10_costs */
const edges = (log10_costs) => chooseBands(Float64Array.from(log10_costs)).edges;

test("the lowest band follows the window", () => {
  assert.ok(edges([...spread(0, 9, 4000), -6])[0] >= -0.3); // a single deep point does not take the colors of others
  const deep = edges(spread(-9, -3, 4000));
  assert.ok(Math.abs(deep[0] + 9) < 0.2);
  assert.ok(Math.abs(deep[deep.length - 1] + 3) < 0.2);
  const noise = edges([...spread(0, 2, 990), ...spread(-40, -30, 10)]);
  assert.ok(noise[0] > -18); // costs that float64 does not resolve
});
