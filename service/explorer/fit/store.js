// What the page shows, and who is told when it changes.

export class Store {
  constructor() {
    /** @type {Question | null} */ this.question = null;
    /** @type {Answer | null} */ this.answer = null;
    /** A fit with another w_rec, compared with the best one. @type {Comparison | null} */ this.other = null;
    this.isBusy = true; // while a fit is on its way, as the first one is
    this.example = ""; // the name of the one that is shown
    /** The last table that was sent, as the service has stored it. */
    this.upload = { path: "", text: "", dataset: /** @type {Series | null} */ (null) };
    /**
     * The paths of what was stored for the user's table, to be deleted on request.
     * @type {Set<string>}
     */
    this.stored = new Set();
    /** @type {{keys: string[], listener: () => void}[]} */ this.listeners = [];
  }

  /** Call a function when one of the keys changes. @param {(keyof Store)[]} keys @param {() => void} listener */
  watch(keys, listener) {
    this.listeners.push({ keys, listener });
  }

  /** @param {Partial<Store>} changes */
  set(changes) {
    Object.assign(this, changes);
    for (const { keys, listener } of this.listeners) if (keys.some((key) => key in changes)) listener();
  }
}
