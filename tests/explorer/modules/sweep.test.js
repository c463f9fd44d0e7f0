// Runs that differ in their rate only, and the sentence about them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { describeSweep, readSweep } from "../../../service/explorer/model/sweep.js";

const run = (learning_rate, cost, outcome = "completed", more = {}) => ({
  result: { request: { optimizer: { name: "gradient_descent", learning_rate }, ...more }, final: { cost }, outcome },
});

test("runs with several rates are ordered by the rate", () => {
  const sweep = readSweep([run(0.1, null, "diverged"), run(0.001, 0.5), run(0.01, 0.02)]);
  assert.deepEqual(
    sweep.points.map(({ rate, cost, index }) => [rate, cost, index]),
    [
      [0.001, 0.5, 1],
      [0.01, 0.02, 2],
      [0.1, null, 0],
    ],
  );
  assert.equal(describeSweep(sweep), "The lowest final cost, 0.02, has the learning rate 0.01. Diverged: 0.1.");
});

test("equal costs and rates at an end are named", () => {
  const rising = readSweep([run(0.1, 3), run(0.01, 2), run(0.001, 1)]);
  assert.match(describeSweep(rising), /A smaller one may be better\.$/);
  const falling = readSweep([run(0.1, 1), run(0.01, 2), run(0.001, 3)]);
  assert.match(describeSweep(falling), /A larger one may be better\.$/);
  const equal = readSweep([run(0.1, 1e-20), run(0.01, 0), run(0.001, 5)]);
  assert.equal(describeSweep(equal), "2 of 3 runs reached the lowest cost, 0: learning rate 0.01, 0.1.");
  const same = readSweep([run(0.1, 2), run(0.01, 2.001), run(0.001, 2)]);
  assert.equal(describeSweep(same), "All 3 runs reached the same cost, 2.");
  const all = readSweep([0.1, 1, 10].map((rate) => run(rate, null, "diverged")));
  assert.equal(describeSweep(all), "All 3 runs diverged.");
});

test("other runs are no sweep", () => {
  assert.equal(readSweep([]), null);
  assert.equal(readSweep([run(0.1, 1), run(0.2, 2)]), null); // too few to compare
  assert.equal(readSweep([run(0.1, 1), run(0.1, 1), run(0.2, 2)]), null);
  const other = run(0.3, 1, "completed", { n_iterations: 7 });
  assert.equal(readSweep([run(0.1, 1), run(0.2, 2), other]), null);
});
