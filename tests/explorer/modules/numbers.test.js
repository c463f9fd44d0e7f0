// How numbers are read and written, and where axes have ticks.
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatCost, formatNumber, parseNumber } from "../../../service/explorer/lib/format.js";
import { makeTicks, zoomView } from "../../../service/explorer/lib/scales.js";

test("numbers are short", () => {
  const numbers = /** @type {[number | null, string][]} */ ([
    [0, "0"],
    [12.5, "12.5"],
    [-2333, "−2333"],
    [615689.775, "6.16×10⁵"],
    [-1.8e-6, "−1.80×10⁻⁶"],
    [Infinity, "> 10³⁰⁸"],
    [-Infinity, "< −10³⁰⁸"],
    [null, "–"],
  ]);
  for (const [value, text] of numbers) assert.equal(formatNumber(value), text);
});

test("a cost that overflows is shown by its logarithm", () => {
  assert.equal(formatCost(21.89, 1.34), "21.89");
  assert.equal(formatCost(null, 400.4), "≈ 10⁴⁰⁰");
  assert.equal(formatCost(Infinity), "> 10³⁰⁸");
  assert.equal(formatCost(null, null), "–");
});

test("a comma is a decimal mark, unless it may separate thousands", () => {
  assert.equal(parseNumber("0,5"), 0.5);
  assert.equal(parseNumber("-1,25"), -1.25);
  assert.equal(parseNumber("0,125"), 0.125);
  assert.equal(parseNumber("1e-3"), 0.001);
  for (const text of ["1,234", "1,2,3", "1.2,3", "", " ", "x"]) assert.equal(parseNumber(text), NaN);
});

test("ticks are round", () => {
  const ticks = /** @type {[number, number, string][]} */ ([
    [-3, 3, "−3 −2 −1 0 1 2 3"],
    [-0.5, 0.6, "−0.4 −0.2 0.0 0.2 0.4 0.6"],
    [99.9, 100.1, "99.90 99.95 100.00 100.05 100.10"],
  ]);
  for (const [low, high, labels] of ticks) {
    assert.equal(
      makeTicks(low, high, 6)
        .map(({ label }) => label)
        .join(" "),
      labels,
    );
  }
});

test("ticks between neighbors are few", () => {
  // At 2^60, two numbers differ by 256 or more, so that adding a step may change nothing.
  const { length } = makeTicks(2 ** 60, 2 ** 60 + 256, 6);
  assert.ok(length >= 1 && length <= 8);
});

test("zooming stops at the limits", () => {
  const widths = [10, 0.1].map((factor) => {
    let view = [-3, 3, -3, 3];
    for (let k = 0; k < 20; k++) view = zoomView(view, factor, { w_in: 0, w_rec: 0 });
    return view[1] - view[0];
  });
  assert.ok(widths[0] >= 1e-3 && widths[0] < 1e-2);
  assert.ok(widths[1] > 20 && widths[1] <= 200);
});
