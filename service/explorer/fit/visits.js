// The history of the page: each fit has an entry, and Back shows the one before without a request.

export class Visits {
  /** @param {(visit: Visit) => void} show called with the fit of an entry, when the user goes to it */
  constructor(show) {
    /** The fits by the states of their entries. @type {Map<string, Visit>} */
    this.visits = new Map();
    this.number = 0;
    addEventListener("popstate", ({ state }) => {
      const visit = this.visits.get(state);
      if (visit) show(visit);
    });
  }

  /** Give a fit an entry, or the present one if that has none. @param {Visit} visit */
  add(visit) {
    this.number += 1;
    const key = `${performance.timeOrigin} ${this.number}`; // entries outlive the page
    this.#write(key, `#${visit.answer.fit.id}`);
    this.visits.set(key, visit);
  }

  /** Go on to an address without a fit. */
  leave() {
    this.#write(null, location.pathname);
  }

  /** Forget the fits, whose data are deleted. */
  clear() {
    this.visits.clear();
  }

  /** @param {string | null} key @param {string} address */
  #write(key, address) {
    if (this.visits.has(history.state)) history.pushState(key, "", address);
    else history.replaceState(key, "", address);
  }
}
