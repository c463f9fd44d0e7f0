// How the page asks the service to store a table.
import assert from "node:assert/strict";
import { test } from "node:test";
import { seriesPath } from "../../../service/explorer/fit/service.js";

test("an input whose name contains a comma is quoted", () => {
  const path = seriesPath({ time: "", sequence: "", target: "flow, l/s", inputs: ["rain, mm", "heat"] });
  const query = new URLSearchParams(path.split("?")[1]);
  assert.deepEqual([query.get("inputs"), query.get("target")], ['"rain, mm",heat', "flow, l/s"]);
});
