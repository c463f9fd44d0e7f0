// The marks of a table, and the roles of its columns.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assignRole } from "../../../service/explorer/fit/tables.js";
import { findMarks, readTable } from "../../../service/explorer/model/table.js";

const read = (/** @type {string[]} */ lines) => readTable("t.csv", lines.join("\n"));

test("the decimal mark follows from the numbers, or is asked for", () => {
  const marks = /** @type {[string, string, boolean, string][]} */ ([
    ["1.5,2", ".", false, ""],
    ["1;2", ".", false, ""],
    ["1,5;2", ",", false, ""],
    ["1,234;2", ".", false, "1,234"],
    ["1.234;2", ".", false, "1.234"],
    ["1.234\t2", ".", false, "1.234"],
    ["0.234;2", ".", false, ""],
    ["1,234,567;2", ".", true, ""],
    ["1,234.5;2", ".", true, ""],
    ["1.234,5;2", ",", true, ""],
    ["1,5;1.234", ",", true, ""],
    ["1,5;1,234", ",", false, ""],
    ["1.5;1,234", ".", true, ""],
    ["2024-01-01;1,234", ".", false, "1,234"],
    ["1.2.2024;2", ".", false, ""],
  ]);
  for (const [line, decimal, hasThousands, unclear] of marks) {
    assert.deepEqual(findMarks(read([line])), { decimal, hasThousands, unclear }, line);
  }
});

test("columns exchange their roles", () => {
  const columns = ["time time", "a input", "b,c input", "y target", "z left_out", "n sequence"].map((each) => {
    const [name, role] = each.split(" ");
    return /** @type {Column} */ ({ name, role });
  });
  const assign = (/** @type {string} */ name, /** @type {Role} */ role) => {
    const { target, inputs, time, sequence } = assignRole(/** @type {Table} */ ({ columns }), name, role);
    return [target, inputs, time, sequence].join(" | ");
  };
  assert.equal(assign("a", "left_out"), 'y | "b,c" | time | n');
  assert.equal(assign("z", "input"), 'y | a,"b,c",z | time | n');
  assert.equal(assign("a", "target"), 'a | "b,c",y | time | n'); // what was the target is an input
  assert.equal(assign("z", "target"), 'z | a,"b,c" | time | n');
  assert.equal(assign("a", "time"), 'y | "b,c" | a | n');
  assert.equal(assign("n", "left_out"), 'y | a,"b,c" | time | ');
  assert.equal(assign("time", "sequence"), 'y | a,"b,c" |  | time');
  assert.equal(assignRole(/** @type {Table} */ ({ columns }), "z", "clock").clock, "z");
});
