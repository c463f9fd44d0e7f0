// The roles of the columns of a table.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assignRole } from "../../../service/explorer/model/tables.js";

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
