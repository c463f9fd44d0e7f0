// The repairs that the page offers for a table, and how it names those that were made.
import assert from "node:assert/strict";
import { test } from "node:test";
import { describeRepairs, listRepairs } from "../../../service/explorer/fit/repair.js";
import { recognizeColumns } from "../../../service/explorer/fit/table.js";
import { readTable } from "../../../service/explorer/model/table.js";

const options = /** @type {any} */ ({});

const ask = (/** @type {string} */ text) => {
  const table = readTable("own.csv", text);
  return { table, columns: recognizeColumns(table), options };
};
const repair = (/** @type {string} */ text) => listRepairs(ask(text));

test("a repair changes the text", () => {
  const repairs = [
    ["t,x,y\n1,2,3\n,,\n", "Leave out the empty line at the end", "t,x,y\n1,2,3"],
    ["t,x,y\n1,2,3\n,,\n,,\n", "Leave out the 2 empty lines at the end", "t,x,y\n1,2,3"],
    ["t;x;y\n;[kW];°C\n1;2;3\n2;3;4", "Skip the line of units (kW, °C)", "t;x (kW);y (°C)\n1;2;3\n2;3;4"],
    [
      "t,x,y\n01/02/2024 9:00,1,2\n01/31/2024 9:00,3,4",
      "Read 01/02/2024 as month/day",
      "t,x,y\n2024-01-02 9:00,1,2\n2024-01-31 9:00,3,4",
    ],
    ["t,x,y\n1/2/2024,1,2\n31/1/2024,3,4", "Read 1/2/2024 as day/month", "t,x,y\n2024-02-01,1,2\n2024-01-31,3,4"],
    ["t,x,y\n1,2,NA\n2,3,4\n", "Read NA as a missing target", "t,x,y\n1,2,\n2,3,4"],
  ];
  for (const [before, action, text] of repairs) assert.deepEqual(repair(before), [{ action, text }]);
});

test("a date that can be read in two ways has two buttons", () => {
  assert.deepEqual(repair("date,x,y\n1/2/2024,1,2\n1/3/2024,3,4"), [
    { action: "Read 1/2/2024 as month/day", text: "date,x,y\n2024-01-02,1,2\n2024-01-03,3,4" },
    { action: "Read 1/2/2024 as day/month", text: "date,x,y\n2024-02-01,1,2\n2024-03-01,3,4" },
  ]);
});

test("the decimal mark goes to the service", () => {
  for (const x of ["2", "0.5"]) {
    assert.deepEqual(repair(`t;x;y\n1;${x};1.200\n2;3;950`), [
      { action: "1.200 is 1.2", columns: { decimal: "." } },
      { action: "1.200 is 1200", columns: { decimal: "," } },
    ]); // another column does not decide
  }
  assert.deepEqual(repair("t;x;y\n1;2;1.086,47\n2;3;0,5"), [
    { action: "Read 1.086,47 as 1086.47", columns: { decimal: "," } },
  ]);
});

test("the service fills gaps of inputs", () => {
  const hold = { action: "Fill the gap in an input with the last value", columns: { fill: "hold" } };
  const zero = { action: "Fill the gap in an input with 0", columns: { fill: "zero" } };
  const drop = { action: "Leave out 1 row without an input", columns: { fill: "drop" } };
  for (const gap of ["", "NA", "?"]) {
    assert.deepEqual(repair(`t,x,y\n1,2,3\n2,${gap},4\n3,4,5`), [hold, zero, drop]);
  }
  assert.deepEqual(repair("t,x,y\n1,NaN,3\n2,3,4\n"), [zero, drop]); // nothing comes before the gap
  const [first] = repair("test,t,x,y\na,1,2,3\na,2,,4\na,3,4,5\nb,1,,3\nb,2,5,4"); // nor in b
  assert.equal(first.action, "Fill the gaps in 2 rows with 0");
});

test("a table without errors needs no repair", () => {
  assert.deepEqual(repair("t,x,y\n1,2,3\n2,3,4.5\n"), []);
});

test("repairs are named with the number of rows", () => {
  const question = ask("t,x,z,y\n1,2,1,3\n2,,1,4\n3,,,5");
  const name = (/** @type {Partial<Columns>} */ chosen) =>
    describeRepairs({ ...question, columns: { ...question.columns, ...chosen } });
  assert.deepEqual(name({}), []);
  assert.deepEqual(name({ fill: "hold" }), ["2 rows filled with the last value"]);
  assert.deepEqual(name({ fill: "zero", inputs: ["z"] }), ["1 row filled with 0"]);
  assert.deepEqual(name({ fill: "drop", gaps: "sequences" }), ["2 rows left out", "a new sequence after each gap"]);
});
