// Where tables come from: files, examples and the fit of an address; and how they leave the server again.
import { byId, createButton, html } from "../lib/dom.js";
import { Problem, getJson, receive, send } from "../model/api.js";
import { readTable } from "../model/table.js";
import { showProblem } from "../views/problems.js";
import { deleteStored, fetchStored } from "./service.js";

/**
 * The examples by name: their titles, the options that they need, and what is true of them.
 * @type {Record<string, {title: string, options: Partial<FitOptions>, truth: string}>}
 */
export const EXAMPLES = await getJson(findFile("index.json"));

/** Return the address of a file of the examples, which has the digest of this module. @param {string} name */
function findFile(name) {
  return new URL(`../fit_examples/${name}`, import.meta.url).href;
}

/** @type {FitOptions} */
export const DEFAULTS = { initial_state: "each", offset: true, delay: 0, noise: "white", w_rec: { low: 0, high: 1 } };

/** @typedef {(table: Table, options: Partial<FitOptions>, columns?: Columns) => void} Use */

const PASTED = "pasted.csv"; // the name of a table that is no file

export class Loader {
  /**
   * @param {{store: FitStore, use: Use, clear: (name: string) => void, forget: () => void}} page
   *   `clear` shows no table and no result, and a text instead of a table; `forget` removes the earlier fits
   */
  constructor({ store, use, clear, forget }) {
    this.store = store;
    this.use = use;
    this.clear = clear;
    this.forget = forget;
    store.watch(["answer"], () => this.showStored());
  }

  /**
   * Run a function; a problem is shown instead of a table.
   * @param {() => any} task
   * @param {() => void} [retry]
   * @param {string} [name]
   */
  async attempt(task, retry, name = "") {
    try {
      await task();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.clear(name);
      showProblem("fit-problem", error, retry);
    }
  }

  /**
   * @param {string} name
   * @param {string} text
   * @param {Partial<FitOptions>} [options]
   * @param {string} [example] its name
   */
  loadOwn(name, text, options = {}, example = "") {
    this.store.example = byId("example").value = example;
    return this.attempt(() => this.use(readTable(name, text), options), undefined, name);
  }

  /** @param {string} text */
  loadPasted(text) {
    this.store.example = byId("example").value = "";
    return this.attempt(() => this.use({ ...readTable(PASTED, text), isRewritten: true }, {}), undefined, PASTED);
  }

  /** @param {string} name */
  loadExample(name) {
    const load = async () => {
      const text = await receive((await send(findFile(`${name}.csv`))).text());
      await this.loadOwn(`${name}.csv`, text, EXAMPLES[name].options, name);
    };
    return this.attempt(load, () => this.loadExample(name));
  }

  /** Show a fit of the address again. @param {string} id */
  restore(id) {
    const load = async () => {
      if (!/^fit_[0-9a-f]{32}$/.test(id)) {
        throw new Problem("This link is not complete", "It does not end with the id of a fit.", [], 404);
      }
      const { request, name, text } = await fetchStored(id).catch((error) => {
        const advice = "It has been deleted, or it was made on another server. Load its table again, if you have it.";
        throw error.status === 404
          ? new Problem("This server does not have the fit of this link", advice, [], 404)
          : error;
      });
      const { dataset: _, keep: _keep, step: _step, ...options } = request;
      this.store.example = byId("example").value = "";
      const table = { ...readTable(name, text), isRewritten: true };
      const names = table.columns.map((column) => column.name);
      const [sequence, time, ...inputs] = names.slice(0, -1); // as the service writes them
      this.use(table, options, { sequence, time, inputs, target: names[names.length - 1] });
    };
    return this.attempt(load, () => this.restore(id));
  }

  /** Show the location of the data, and offer to delete uploads of the user. */
  showStored() {
    const { answer, example } = this.store;
    const own = () => [
      `The table is stored on this server as ${answer?.dataset.id}. `,
      createButton("Delete it", () => this.remove(), { class: "small-button", id: "delete" }),
    ];
    const reveal = createButton("Show the truth", () => reveal.replaceWith(html("b", {}, EXAMPLES[example].truth)), {
      class: "small-button",
    });
    byId("stored").replaceChildren(
      ...(!answer ? [] : example ? ["Simulated data with a known answer. ", reveal] : own()),
    );
  }

  /** Delete the table from the server, with its fits. */
  async remove() {
    if (!confirm("Delete this table and all fits of it, including other people's?")) return;
    try {
      await deleteStored(this.store.stored);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      showProblem("fit-problem", error);
      return;
    }
    this.forget();
    this.store.upload = { path: "", text: "", dataset: null };
    this.clear("The table and its fits are deleted.");
  }
}
