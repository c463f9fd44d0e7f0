// Functions that limit how often another function runs.

/**
 * Return a function that calls `run` after `ms` milliseconds without a call.
 * @param {number} ms
 * @param {() => void} run
 */
export function debounce(ms, run) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(run, ms);
  };
}

/**
 * Return a function that calls `run` once per `ms` milliseconds with calls.
 * @param {number} ms
 * @param {() => void} run
 */
export function throttle(ms, run) {
  let timer = 0;
  return () => {
    timer ||= setTimeout(() => {
      timer = 0;
      run();
    }, ms);
  };
}
