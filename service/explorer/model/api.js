// The service, and what it answers when something is wrong.
// @ts-check

const ROOT = new URL("../..", import.meta.url);

/** What the service says is wrong (problem+json), or that it did not answer. */
export class Problem extends Error {
  /** @param {string} title @param {string} detail @param {{pointer: string, detail: string}[]} errors */
  constructor(title, detail, errors = [], status = 0) {
    super(detail);
    this.title = title;
    this.errors = errors;
    this.status = status;
  }
}

/** The whole address of a path such as v1/predict. @param {string} path */
export function address(path) {
  return new URL(path.replace(/^\//, ""), ROOT).href;
}

/**
 * @param {string} path @param {RequestInit} [options]
 * @returns {Promise<Response>}
 */
async function send(path, options) {
  let response;
  try {
    response = await fetch(address(path), options);
  } catch (error) {
    if (options?.signal?.aborted) throw error;
    throw new Problem("The service does not answer", "Is it running? Try again in a moment.");
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  throw new Problem(
    problem.title ?? `The service answered ${response.status}`,
    problem.detail ?? response.statusText,
    problem.errors,
    response.status,
  );
}

/** @param {string} path @param {AbortSignal} [signal] @returns {Promise<any>} */
export async function get(path, signal) {
  return (await send(path, { signal })).json();
}

/** @param {string} path @param {AbortSignal} [signal] */
export async function text(path, signal) {
  return (await send(path, { signal })).text();
}

/** @param {string} path @param {object} body @param {AbortSignal} [signal] @returns {Promise<any>} */
export async function post(path, body, signal) {
  const headers = { "Content-Type": "application/json" };
  return (await send(path, { method: "POST", headers, body: JSON.stringify(body), signal })).json();
}

/**
 * Ask the newest question only: one request at a time, and those that were overtaken are dropped.
 * @template Q, A
 * @param {(question: Q, signal: AbortSignal) => Promise<A>} ask
 * @param {(answer: A, question: Q) => void} use
 * @param {(problem: Problem | null) => void} report null when all is well again
 */
export function latest(ask, use, report) {
  /** @type {{question: Q} | null} */ let waiting = null;
  /** @type {AbortController | null} */ let running = null;

  async function work() {
    while (waiting) {
      const { question } = waiting;
      waiting = null;
      running = new AbortController();
      try {
        const answer = await ask(question, running.signal);
        if (running.signal.aborted) continue;
        report(null);
        use(answer, question);
      } catch (error) {
        if (running.signal.aborted) continue;
        if (!(error instanceof Problem)) throw error;
        report(error);
      } finally {
        running = null;
      }
    }
  }

  return {
    /** @param {Q} question */
    ask(question) {
      waiting = { question };
      if (!running) work();
    },
    drop() {
      waiting = null;
      running?.abort();
    },
  };
}
