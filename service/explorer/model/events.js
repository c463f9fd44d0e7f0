// Server-sent events, read with fetch, because an EventSource cannot send an API key.
import { Problem, send } from "./api.js";

const RETRY_MS = 1000;

/**
 * Yield the events of a stream. After a lost connection, it is opened again where it was, until the
 * service ends it with the status 204.
 * @param {string} path @param {AbortSignal} signal @param {() => void} onLost called when the connection is lost
 * @returns {AsyncGenerator<ServerEvent>}
 */
export async function* readEvents(path, signal, onLost) {
  /** @type {Record<string, string>} */ const headers = {};
  for (;;) {
    try {
      const response = await send(path, { headers, signal });
      if (response.status === 204) return;
      for await (const event of parseEvents(/** @type {ReadableStream} */ (response.body))) {
        headers["Last-Event-ID"] = event.id;
        yield event;
      }
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Problem && error.status) throw error;
      onLost();
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    signal.throwIfAborted();
  }
}

/** @param {ReadableStream} body @returns {AsyncGenerator<ServerEvent>} */
async function* parseEvents(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (buffer + value).split("\n\n");
      buffer = blocks.pop() ?? "";
      for (const block of blocks) {
        const event = parseEvent(block);
        if (event.data) yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {}); // which fails if the connection is lost
  }
}

/** Parse the lines of an event, as the service writes them. @param {string} block */
function parseEvent(block) {
  const fields = block.split("\n").map((line) => line.split(/: (.*)/s).slice(0, 2));
  const { event = "message", data = "", id = "" } = Object.fromEntries(fields);
  return { event, data, id };
}
