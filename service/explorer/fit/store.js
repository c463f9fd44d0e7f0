// What the page shows, and who is told when it changes.

export class Store {
  constructor() {
    /** @type {Question | null} */ this.question = null;
    /** @type {Answer | null} */ this.answer = null;
    /** Why there is no answer. @type {Problem | null} */ this.problem = null;
    /** A fit with another w_rec, compared with the best one. @type {Comparison | null} */ this.other = null;
    this.isBusy = true; // while a fit is on its way, as the first one is
    /** The last table that was sent, as the service has stored it. @type {Upload | null} */ this.upload = null;
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
