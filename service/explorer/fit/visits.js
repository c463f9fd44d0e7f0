// The history of the page: each fit and each problem has an entry, and Back shows the one before without a request.

export class Visits {
  /** @param {(visit: Visit) => void} show called with what an entry shows, when the user goes to it */
  constructor(show) {
    /** What the entries show, by their states. @type {Map<string, Visit>} */
    this.visits = new Map();
    this.number = 0;
    addEventListener("popstate", ({ state }) => {
      const visit = this.visits.get(state);
      if (visit) show(visit);
    });
  }

  /** Give a fit or a problem an entry, or the present one if that has none. @param {Visit} visit */
  add(visit) {
    const { fit } = visit.answer ?? {};
    const address = fit ? `#${fit.id}` : location.pathname;
    this.number += 1;
    const key = `${performance.timeOrigin} ${this.number}`; // entries outlive the page
    if (this.visits.has(history.state)) history.pushState(key, "", address);
    else history.replaceState(key, "", address);
    this.visits.set(key, visit);
  }

  /** Forget the fits, whose data are deleted. */
  clear() {
    this.visits.clear();
  }
}
