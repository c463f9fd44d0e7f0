// HTTP requests to the service, and its errors.
import { authorization, refusals } from "../lib/credentials.js";

const MAX_TRIES = 6;
const MAX_WAIT_SECONDS = 10;
const ROOT = new URL("../../..", import.meta.url); // of the service: the address of a file has a digest

/** An error that the service returned (RFC 9457), or that occurred on the way to it. */
export class Problem extends Error {
  /**
   * @param {string} title
   * @param {string} detail
   * @param {{pointer?: string, parameter?: string, detail: string}[]} [errors]
   * @param {number} [status] of the response, 0 without one
   * @param {Record<string, any>} [members] further members of the problem, such as the ids of referrers
   */
  constructor(title, detail, errors = [], status = 0, members = {}) {
    super(detail);
    this.title = title;
    this.errors = errors;
    this.status = status;
    this.members = members;
  }

  /** Whether the same request may succeed later. */
  get isTemporary() {
    return !this.status || this.status === 429 || this.status >= 500;
  }
}

/** Return the absolute address of a path such as v1/predict. @param {string} path */
export function absoluteUrl(path) {
  return new URL(path.replace(/^\//, ""), ROOT).href;
}

/**
 * Wait for a part of a response, and report a failure as a problem.
 * @template R @param {Promise<R>} part @param {AbortSignal | null} [signal]
 */
export async function receive(part, signal) {
  try {
    return await part;
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem("The service is unavailable", "Check that it is running, then try again.");
  }
}

/** @param {string} path @param {RequestInit} options @returns {Promise<Response>} */
function request(path, options) {
  return receive(
    fetch(absoluteUrl(path), { ...options, headers: { ...authorization(), ...options.headers } }),
    options.signal,
  );
}

/**
 * Send a request. While the service is busy, wait as long as it says, and send it again.
 * @param {string} path @param {RequestInit} [options] @returns {Promise<Response>} which has succeeded
 */
export async function send(path, options = {}, n_tries = MAX_TRIES) {
  const response = await request(path, options);
  if (response.ok) return response;
  const seconds = Number(response.headers.get("Retry-After"));
  if (response.status === 503 && seconds && n_tries > 1) {
    await new Promise((resolve) =>
      setTimeout(resolve, 1000 * Math.min(MAX_WAIT_SECONDS, seconds * (1 + Math.random()))),
    );
    options.signal?.throwIfAborted();
    return send(path, options, n_tries - 1);
  }
  if (response.status === 401) refusals.dispatchEvent(new Event("refused"));
  const problem = await response.json().catch(() => ({}));
  throw new Problem(
    problem.title ?? `The service returned status ${response.status}`,
    problem.detail ?? response.statusText,
    problem.errors,
    response.status,
    problem,
  );
}

/** Return true if the service accepts a key. @param {string} key */
export async function acceptsKey(key) {
  const headers = authorization(key);
  return (await request("v1/optimizers", { headers })).status !== 401;
}

/** @param {string} path @param {AbortSignal} [signal] @returns {Promise<any>} */
export async function getJson(path, signal) {
  return receive((await send(path, { signal })).json(), signal);
}

/** @param {string} path @param {object} body @param {AbortSignal} [signal] @returns {Promise<any>} */
export function postJson(path, body, signal) {
  return postBody(path, JSON.stringify(body), "application/json", signal);
}

/**
 * @param {string} path
 * @param {string | ArrayBuffer} body
 * @param {string} type
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export async function postBody(path, body, type, signal) {
  return receive(
    (await send(path, { method: "POST", headers: { "Content-Type": type }, body, signal })).json(),
    signal,
  );
}

/** Delete resources in order; missing ones are ignored. @param {string[]} paths */
export async function deleteAll(paths) {
  for (const path of paths) {
    await send(path, { method: "DELETE" }).catch((error) => {
      if (error.status !== 404) throw error;
    });
  }
}

const PATIENCE_MS = 400; // for the answer to an outdated query, so that the numbers follow a slow drag

/**
 * Send one request at a time. While it is pending, only the newest of the next ones is kept, and the
 * outdated one is aborted if it takes long.
 * @template Q, R
 */
export class LatestRequest {
  /**
   * @param {(query: Q, signal: AbortSignal) => Promise<R>} fetch
   * @param {(result: R) => void} onResult
   * @param {(problem: Problem | null, retry?: () => void) => void} onProblem null after a success
   */
  constructor(fetch, onResult, onProblem) {
    this.fetch = fetch;
    this.onResult = onResult;
    this.onProblem = onProblem;
    /** @type {{query: Q} | null} */ this.next = null;
    /** @type {AbortController | null} */ this.pending = null;
    this.timer = 0;
  }

  /** @param {Q} query */
  send(query) {
    this.next = { query };
    if (!this.pending) this.run();
    else this.timer ||= setTimeout(() => this.pending?.abort(), PATIENCE_MS);
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
        this.onProblem(error, () => this.send(query));
      } finally {
        this.pending = null;
        clearTimeout(this.timer);
        this.timer = 0;
      }
    }
  }
}
