// The API key that the service may need: kept until the tab is closed, and sent only as a header.

const NAME = "api-key";

/** Reports that the service refused a request for its key, with the event "refused". */
export const refusals = new EventTarget();

/** @type {string | null} */ let key = null;
try {
  key = sessionStorage.getItem(NAME);
} catch {
  // storage is disabled
}

/** Whether requests have a key. */
export const hasKey = key !== null;

/** @returns {Record<string, string>} */
export const authorization = (secret = key) => (secret === null ? {} : { Authorization: `Bearer ${secret}` });

/** Keep a key for the next time that the page is loaded. @param {string} secret */
export const saveKey = (secret) => sessionStorage.setItem(NAME, secret);
