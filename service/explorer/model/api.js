// HTTP requests to the service, and its errors.
// @ts-check

const ROOT = new URL("../..", import.meta.url);

/** An error that the service returned (RFC 9457), or that occurred on the way to it. */
export class Problem extends Error {
  /** @param {string} title @param {string} detail @param {{pointer: string, detail: string}[]} [errors] */
  constructor(title, detail, errors = []) {
    super(detail);
    this.title = title;
    this.errors = errors;
  }
}

/** Return the absolute address of a path such as v1/predict. @param {string} path */
export function absoluteUrl(path) {
  return new URL(path.replace(/^\//, ""), ROOT).href;
}

/** @param {string} path @param {RequestInit} options @returns {Promise<Response>} */
async function send(path, options) {
  let response;
  try {
    response = await fetch(absoluteUrl(path), options);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Problem("The service is unavailable", "Check that it is running, then try again.");
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  throw new Problem(
    problem.title ?? `The service returned status ${response.status}`,
    problem.detail ?? response.statusText,
    problem.errors,
  );
}

/** @param {string} path @param {AbortSignal} [signal] @returns {Promise<any>} */
export async function getJson(path, signal) {
  return (await send(path, { signal })).json();
}

/** @param {string} path @param {AbortSignal} [signal] */
export async function getText(path, signal) {
  return (await send(path, { signal })).text();
}

/** Return the first lines of a text, without reading the rest. @param {string} path @param {number} count @param {AbortSignal} signal */
export async function getLines(path, count, signal) {
  const { body } = await send(path, { signal });
  const reader = /** @type {ReadableStream<any>} */ (body).pipeThrough(new TextDecoderStream()).getReader();
  const lines = [""];
  while (lines.length <= count) {
    const { done, value } = await reader.read();
    if (done) break;
    const [end, ...others] = value.split("\n");
    lines.push(lines.pop() + end, ...others);
  }
  reader.cancel();
  return lines.slice(0, count).filter(Boolean);
}

/** @param {string} path @param {AbortSignal} [signal] */
export async function getBytes(path, signal) {
  return (await send(path, { signal })).arrayBuffer();
}

/** @param {string} path @param {object} body @param {AbortSignal} [signal] @returns {Promise<any>} */
export function postJson(path, body, signal) {
  return postText(path, JSON.stringify(body), "application/json", signal);
}

/** @param {string} path @param {string} body @param {string} type @param {AbortSignal} [signal] @returns {Promise<any>} */
export async function postText(path, body, type, signal) {
  return (await send(path, { method: "POST", headers: { "Content-Type": type }, body, signal })).json();
}

/**
 * Send one request at a time. While it is pending, only the latest of the next ones is kept.
 * @template Q, R
 */
export class LatestRequest {
  /**
   * @param {(query: Q, signal: AbortSignal) => Promise<R>} fetch
   * @param {(result: R) => void} onResult
   * @param {(problem: Problem | null) => void} onProblem null after a success
   */
  constructor(fetch, onResult, onProblem) {
    this.fetch = fetch;
    this.onResult = onResult;
    this.onProblem = onProblem;
    /** @type {{query: Q} | null} */ this.next = null;
    /** @type {AbortController | null} */ this.pending = null;
  }

  /** @param {Q} query */
  send(query) {
    this.next = { query };
    if (!this.pending) this.run();
  }

  cancel() {
    this.next = null;
    this.pending?.abort();
  }

  async run() {
    while (this.next) {
      const { query } = this.next;
      this.pending = new AbortController();
      const { signal } = this.pending;
      this.next = null;
      try {
        const result = await this.fetch(query, signal);
        if (signal.aborted) continue;
        this.onProblem(null);
        this.onResult(result);
      } catch (error) {
        if (signal.aborted) continue;
        if (!(error instanceof Problem)) throw error;
        this.onProblem(error);
      } finally {
        this.pending = null;
      }
    }
  }
}
