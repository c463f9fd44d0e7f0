// Functions that limit how often another function runs.

/**
 * Return a function that calls `run` once no call has arrived for `ms` milliseconds.
 * @param {number} ms @param {() => void} run
 */
export function debounce(ms, run) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(run, ms);
  };
}

/**
 * Return a function that calls `run` at most once per `ms` milliseconds, and after the last call.
 * @param {number} ms @param {() => void} run
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
