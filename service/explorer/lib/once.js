/**
 * Return a function that calls another one only the first time.
 * @template R
 * @param {() => R} create
 * @returns {() => R}
 */
export function once(create) {
  /** @type {{value: R} | null} */ let made = null;
  return () => (made ??= { value: create() }).value;
}
