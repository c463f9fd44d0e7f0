// Times with handy units, and ranges in words.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { chooseUnit, describeRanges, nameUnit, pluralize, splitUnit, toTimes, withUnit } from "../../../service/explorer/fit/units.js";

test("a time has the unit in which its number is handy", () => {
  const times = /** @type {[number | null, string, string][]} */ ([
    [4.2, "day", "4.2 days"],
    [1, "hour", "1 hour"],
    [254, "minute", "4.23 hours"],
    [3 * 86_400, "second", "3 days"],
    [0.01, "hour", "0.6 minutes"],
    [800, "day", "2.19 years"],
    [12, "week", "12 weeks"],
    [null, "week", "– weeks"],
  ]);
  for (const [value, unit, text] of times) assert.equal(withUnit(value, unit), text);
  assert.deepEqual(chooseUnit(0, "hour"), { length: 1, unit: "hour" });
});

test("a range has words for ends that are open", () => {
  assert.equal(describeRanges([{ low: 1.5, high: 2 }], "week"), "1.5 to 2 weeks");
  assert.equal(describeRanges([{ low: null, high: 90 }], "minute", 80), "at most 90 minutes");
  assert.equal(describeRanges([{ low: 0.5, high: 0.6, high_open: true }]), "at least 0.5");
  assert.equal(describeRanges([{ low: null, high: null }]), "anything");
  assert.equal(
    describeRanges([
      { low: 1, high: 2 },
      { low: 5, high: 6 },
    ]),
    "1 to 2, or 5 to 6",
  );
});

test("units are named as in the pictures", () => {
  // test_modules.py compares the file with the names in pictures.
  const names = JSON.parse(readFileSync(new URL("units.json", import.meta.url), "utf8"));
  for (const [unit, [one, many]] of Object.entries(names)) assert.deepEqual([nameUnit(unit), pluralize(unit)], [one, many]);
});

test("the unit of a column is in brackets", () => {
  assert.deepEqual(splitUnit("heating (kW)"), { name: "heating", unit: "kW" });
  assert.deepEqual(splitUnit("heating [kW]"), { name: "heating", unit: "kW" });
  assert.deepEqual(splitUnit("heating"), { name: "heating", unit: "" });
});

test("an interval of w_rec that reaches 0 or 1 has no such end in time", () => {
  const w_rec = Math.exp(-0.2);
  const times = (/** @type {number} */ low, /** @type {number} */ high) =>
    toTimes([{ low, high, low_open: false, high_open: false }], 2).map((range) => [range.low, range.high]);
  const [[start, high]] = times(0, w_rec);
  assert.equal(start, null);
  assert.ok(Math.abs(Number(high) - 10) < 1e-12);
  assert.deepEqual(times(w_rec, 1), [[high, null]]);
  assert.deepEqual(times(-0.5, -0.1), []);
});
