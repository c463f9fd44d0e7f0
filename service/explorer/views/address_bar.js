// The address of the page: it follows the state and can be copied, and the browser can go back in it.
import { enableCopy } from "../lib/clipboard.js";
import { throttle } from "../lib/throttle.js";
import { readHash, toHash } from "../model/address.js";

const DELAY_MS = 300;

export class AddressBar {
  /** @param {Store} store @param {HTMLElement} copy a button @param {HTMLAnchorElement} fullPage a link */
  constructor(store, copy, fullPage) {
    this.store = store;
    this.fullPage = fullPage;
    const save = () => this.save();
    store.watch(/** @type {any} */ (Object.keys(store.state)), throttle(DELAY_MS, save));
    enableCopy(copy, () => this.href(location.search), save, "Copy the address");
  }

  /**
   * Return the address of the state.
   * @param {string} query what the page shows of it
   * @param {State} [state] another one
   */
  href(query, state = this.store.state) {
    const hash = toHash(state);
    return location.origin + location.pathname + query + (hash && `#${hash}`);
  }

  save() {
    history.replaceState(null, "", this.href(location.search));
    this.fullPage.href = this.href("");
  }

  /** Change the state, so that Back returns to the present one. @param {Partial<State>} change */
  visit(change) {
    this.save();
    this.store.set(change);
    history.pushState(null, "", this.href(location.search));
  }

  /**
   * Call a function when the user goes to another address.
   * @param {(address: ReturnType<typeof readHash>) => void} adopt
   */
  watch(adopt) {
    addEventListener("popstate", () => adopt(readHash(location.hash)));
  }
}
