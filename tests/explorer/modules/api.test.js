// Requests while the service is busy, and responses that are lost on the way.
import assert from "node:assert/strict";
import { test } from "node:test";
import { getJson, postJson } from "../../../service/explorer/model/api.js";

test("a busy service is asked again", async (t) => {
  const busy = () => Response.json({}, { status: 503, headers: { "Retry-After": "2" } });
  const answers = [busy(), busy(), Response.json({ done: true })];
  const fetched = t.mock.method(globalThis, "fetch", async () => answers.shift());
  t.mock.method(globalThis, "setTimeout", (/** @type {() => void} */ run) => run());
  assert.deepEqual(await getJson("v1/x"), { done: true });
  assert.equal(fetched.mock.callCount(), 3);
});

test("a body that ends early is a problem", async (t) => {
  const start = (/** @type {ReadableStreamDefaultController} */ body) => body.error(new TypeError("lost"));
  t.mock.method(globalThis, "fetch", async () => new Response(new ReadableStream({ start })));
  for (const answer of [getJson("v1/x"), postJson("v1/x", {})]) {
    await assert.rejects(answer, { title: "The service is unavailable" });
  }
});
