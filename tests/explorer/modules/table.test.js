// What a table is taken for: its marks, its times, its counters, and the columns of a fit.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assignColumn, listInputs, parseTime, recognizeColumns } from "../../../service/explorer/fit/table.js";
import { findMarks, readTable } from "../../../service/explorer/model/table.js";

const read = (/** @type {string[]} */ lines) => readTable("t.csv", lines.join("\n"));
const countTo = (/** @type {number} */ n, first = 1) => Array.from({ length: n }, (_, k) => first + k);

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

test("weeks and quarters are times", () => {
  for (const period of ["2024-W0#", "2024-Q#", "2024Q#", "Q# 2024"]) {
    const rows = countTo(4).map((k) => `a,${period.replace("#", String(k))},${k}`);
    const { time, target, inputs } = recognizeColumns(read(["shop,period,sales", ...rows]));
    assert.deepEqual([time, target, inputs], ["period", "sales", []], period);
  }
});

test("times are read as numbers that differ by equal steps", () => {
  const day = 86_400_000;
  const pairs = [
    ["2024-01-31", "2024-02-01"],
    ["2024/1/31 9:00", "2024/2/1 9:00"],
    ["31.1.2024", "1.2.2024"],
    ["1/31/2024 23:30", "2/1/2024 23:30"],
    ["30/1/2024", "31/1/2024"],
    ["2024-W05-1", "2024-W05-2"],
  ];
  for (const [one, next] of pairs) assert.equal(parseTime(next) - parseTime(one), day, one);
  assert.equal(parseTime("2024-Q3") - parseTime("Q2 2024"), 92 * day);
  assert.equal(parseTime("0,5"), 0.5);
  assert.equal(parseTime("soon"), NaN);
});

test("equally spaced times of the whole table are one recording", () => {
  const days = (/** @type {number[]} */ numbers) => numbers.map((k) => `2024-01-${String(k).padStart(2, "0")}`);
  const one = [
    days(countTo(12)),
    countTo(12).map((k) => `${k}.1.2024 9:00`),
    countTo(12).map((k) => `${k}/1/2024`),
    countTo(12).map((k) => `2024-W${String(k).padStart(2, "0")}`),
    countTo(12).map((k) => `2024-${String(k).padStart(2, "0")}`),
    days([1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 15, 16]), // business days
    countTo(12).map((k) => String(k / 2)),
    days([1, 2, 3, 5, 6, 7, 8, 9, 10, 12, 13, 14]), // two gaps, over which the operators recur
  ];
  const several = [countTo(12).map((k) => String(k % 4)), countTo(12).map((k) => String(Math.floor(k / 3)))];
  const recognize = (/** @type {string[]} */ times) =>
    recognizeColumns(
      read([
        "time,operator,x,y",
        ...times.map((time, k) => `${time},${["Anna", "Bo", "Cy"][k % 3]},${k % 2},${k % 5}`),
      ]),
    );
  const columns = { time: "time", target: "y", inputs: ["x"] };
  for (const times of one) assert.deepEqual(recognize(times), { ...columns, sequence: "", isGuessed: false }, times[0]);
  for (const times of several) {
    assert.deepEqual(recognize(times), { ...columns, sequence: "operator", isGuessed: true }, times.join());
  }
});

test("regions, and patients between each other, are sequences though their times increase", () => {
  const guess = (/** @type {string} */ name, /** @type {(k: number) => number} */ place) =>
    recognizeColumns(
      read([`time,${name},x,y`, ...countTo(12).map((k) => `${k * k},${"ab"[place(k)]},${k % 2},${k % 5}`)]),
    ).sequence;
  assert.equal(
    guess("place", (k) => Number(k > 6)),
    "place",
  );
  assert.equal(
    guess("patient", (k) => k % 2),
    "patient",
  );
  assert.equal(
    guess("place", (k) => k % 2),
    "",
  );
});

test("a sequence that was chosen is not a guess", () => {
  const guessed = { time: "t", target: "y", sequence: "test", inputs: ["x"], isGuessed: true };
  assert.equal(assignColumn(guessed, "time", "x").isGuessed, true);
  assert.equal(assignColumn(guessed, "sequence", "x").isGuessed, false);
  assert.equal(assignColumn(guessed, "sequence", "").isGuessed, false);
});

test("a column that counts rows is offered as an input, but not taken", () => {
  const counters = [
    countTo(20),
    countTo(20, 2001),
    [...countTo(5), ...countTo(15, 8)], // a row is missing
    [...countTo(10), ...countTo(10)], // two sequences
  ];
  const others = [
    countTo(20).map((k) => k % 2),
    countTo(20).map((k) => Number(k % 5 === 1)),
    countTo(20).map(() => 3),
    countTo(20).map((k) => 2 * k),
    countTo(5),
  ];
  const find = (/** @type {number[]} */ numbers) => {
    const table = read(["t,count,y", ...numbers.map((value, k) => `${k / 2},${value},${(k * k) % 7}`)]);
    const columns = recognizeColumns(table);
    assert.deepEqual(listInputs(table, columns), ["count"]);
    return columns.inputs;
  };
  for (const numbers of counters) assert.deepEqual(find(numbers), [], numbers.join());
  for (const numbers of others) assert.deepEqual(find(numbers), ["count"], numbers.join());
});
