// Times with handy units.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { chooseUnit, nameUnit, pluralize, withUnit } from "../../../service/explorer/fit/units.js";

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

test("units are named as in the pictures", () => {
  // test_modules.py compares the file with the names in pictures.
  const names = JSON.parse(readFileSync(new URL("units.json", import.meta.url), "utf8"));
  for (const [unit, [one, many]] of Object.entries(names)) {
    assert.deepEqual([nameUnit(unit), pluralize(unit)], [one, many]);
  }
});
