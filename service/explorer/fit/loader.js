// Where tables come from: files, examples and the fit of an address; and how they leave the server again.
import { byId, createButton, html } from "../lib/dom.js";
import { Problem, absoluteUrl, getJson, receive, send } from "../model/api.js";
import { readTable, toRoles } from "../model/tables.js";
import { showProblem } from "../views/problems.js";
import { deleteStored, fetchStored, seriesPath } from "./service.js";

/**
 * The examples by name: their titles, the options that they need, and what is true of them.
 * @type {Record<string, {title: string, options: Partial<FitOptions>, truth: string}>}
 */
export const EXAMPLES = await getJson(new URL("../fit_examples/index.json", import.meta.url).href);

/** Return the address of an example, which is that of any version. @param {string} name */
export const findExample = (name) => absoluteUrl(`explorer/fit_examples/${name}.csv`);

/** The service chooses the offset. @type {FitOptions} */
export const DEFAULTS = { initial_state: "each", delay: 0, noise: "white", w_rec: { low: 0, high: 1 } };

/** @typedef {(source: Source, options?: Partial<FitOptions>, read?: {query: Query, table: Table}) => void} Use */

export class Loader {
  /**
   * @param {{store: FitStore, use: Use, fail: (problem: Problem, retry?: () => void) => void, forget: () => void}} page
   *   `use` fits a table, `fail` shows why there is none, and `forget` removes the earlier fits
   */
  constructor({ store, use, fail, forget }) {
    this.store = store;
    this.use = use;
    this.fail = fail;
    this.forget = forget;
    store.watch(["answer"], () => this.showStored());
  }

  /** Run a function; a problem is shown instead of a table. @param {() => Promise<void>} task */
  async attempt(task) {
    try {
      await task();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.fail(error, () => this.attempt(task));
    }
  }

  /** @param {File | undefined} file */
  async loadFile(file) {
    if (file) this.use(createSource(file.name, await file.arrayBuffer(), { isFile: true }));
  }

  /** @param {string} text @param {string} [name] */
  loadText(text, name = "pasted.csv") {
    this.use(createSource(name, text));
  }

  /** @param {string} name */
  loadExample(name) {
    return this.attempt(async () => {
      // An address with the digest of this module is in the cache of the browser.
      const address = new URL(`../fit_examples/${name}.csv`, import.meta.url).href;
      const text = await receive((await send(address)).text());
      this.use(createSource(`${name}.csv`, text, { example: name }), EXAMPLES[name].options);
    });
  }

  /** Show a fit of the address again. @param {string} id */
  restore(id) {
    return this.attempt(async () => {
      if (!/^fit_[0-9a-f]{32}$/.test(id)) {
        throw new Problem("This link is not complete", "It does not end with the id of a fit.", [], 404);
      }
      const { request, dataset, text } = await fetchStored(id).catch((error) => {
        const advice = "It has been deleted, or it was made on another server. Load its table again, if you have it.";
        throw error.status === 404
          ? new Problem("This server does not have the fit of this link", advice, [], 404)
          : error;
      });
      const { dataset: _, keep: _keep, step: _step, ...options } = request;
      const source = createSource(dataset.name ?? "", text);
      const { columns } = await readTable(source, {});
      const last = columns.length - 1; // the service writes the sequence, the time, the inputs and the target
      const roles = (/** @type {number} */ j) =>
        /** @type {Role} */ (j === last ? "target" : (["sequence", "time"][j] ?? "input"));
      const query = toRoles(columns.map(({ name }, j) => ({ name, role: roles(j) })));
      const table = await readTable(source, query);
      this.store.upload = { path: seriesPath(query, table), body: text, dataset };
      this.use(source, options, { query, table });
    });
  }

  /** Show the location of the data, and offer to delete uploads of the user. */
  showStored() {
    const { answer } = this.store;
    const example = answer?.question.source.example ?? "";
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
    const { answer } = this.store;
    if (!answer || !confirm("Delete this table and all fits of it, including other people's?")) return;
    try {
      await deleteStored(answer.question.source.stored);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      showProblem("page-problem", error);
      return;
    }
    this.forget();
  }
}

/** @param {string} name @param {string | ArrayBuffer} body @param {Partial<Source>} [origin] @returns {Source} */
function createSource(name, body, origin) {
  return { name, body, example: "", isFile: false, stored: new Set(), ...origin };
}
