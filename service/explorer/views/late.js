// The parts of the page that are loaded when they are first needed.
import { byId } from "../lib/dom.js";
import { OBJECTIVE_KEYS } from "../model/requests.js";

/** @typedef {(change: Partial<State>, runs: Partial<State>[]) => void} Visit shows a state and trains from it */

/** Return a function that calls another one only the first time. @template R @param {() => R} create @returns {() => R} */
function once(create) {
  /** @type {{value: R} | null} */ let made = null;
  return () => (made ??= { value: create() }).value;
}

/** Call a function when a drawer is first opened. @param {string} id @param {() => void} create */
export function onceOpened(id, create) {
  byId(id).addEventListener("open", create, { once: true });
}

/** Load the unrolled network when it is first visible. @param {Store} store @returns {(prediction: Prediction | null, sample: Sample | null) => void} shows a prediction */
export function connectUnrolled(store) {
  const root = byId("unrolled");
  const toggle = byId("unrolled-toggle");
  toggle.addEventListener("click", () => store.set({ unrolled: !store.state.unrolled }));
  store.watch(["unrolled"], ({ unrolled }) => {
    toggle.setAttribute("aria-pressed", String(unrolled));
    document.documentElement.toggleAttribute("data-unrolled", unrolled);
  });
  /** @type {import("../charts/unrolled.js").Unrolled | null} */ let figure = null;
  let last = /** @type {[Prediction | null, Sample | null]} */ ([null, null]);
  const observer = new ResizeObserver(async () => {
    if (!root.clientWidth) return;
    observer.disconnect();
    const { Unrolled } = await import("../charts/unrolled.js");
    figure = new Unrolled(root);
    figure.show(...last);
  });
  observer.observe(root);
  return (...shown) => {
    last = shown;
    figure?.show(...shown);
  };
}

/** Show the limits of the learning rate while gradient descent is chosen. @param {Store} store @param {import("./result.js").Result} result */
export function followRateLimits(store, result) {
  const load = once(async () => {
    const { RateLimits } = await import("../model/rate_limit.js");
    return new RateLimits(store, (limits) => {
      result.limits = store.state.optimizer === "gradient_descent" ? limits : null;
      result.explain();
    });
  });
  store.watch(["optimizer", "w_in", "w_rec", ...OBJECTIVE_KEYS], async ({ optimizer }) => {
    if (optimizer === "gradient_descent") (await load()).update();
    else if (result.limits) {
      result.limits = null;
      result.explain();
    }
  });
}

/** Load the code of the drawers when they are first opened. @param {Store} store @param {AddressBar} addressBar */
export function loadPanels(store, addressBar) {
  onceOpened("code-drawer", async () => (await import("./code.js")).createCodePanel(store));
  onceOpened("embed-drawer", async () => (await import("./embedding.js")).createEmbedding(store, addressBar));
  store.watch(/** @type {(keyof State)[]} */ (Object.keys(store.state)), () => (byId("full-page").href = addressBar.href("")));
  const ownData = once(async () => (await import("./own_data.js")).createOwnData(store));
  onceOpened("data-drawer", ownData);
  document.documentElement.addEventListener("dragover", ownData);
  document.addEventListener("paste", async (event) => {
    const { clipboardData } = event; // which is empty after this event
    const [file, text] = [clipboardData?.files[0], clipboardData?.getData("text/plain") ?? ""];
    (await ownData()).acceptPaste(event, file, text);
  });
  store.watch(["dataset"], ({ dataset }) => {
    if (dataset) ownData();
  });
}

/** @param {Store} store @param {import("./result.js").Result} result @param {Visit} visit */
export function loadExamples(store, result, visit) {
  const load = once(async () => {
    const { createExamples } = await import("./examples.js");
    createExamples(store, byId("examples"), visit, (note) => {
      result.exampleNote = note;
      result.explain();
    });
  });
  onceOpened("examples-drawer", load);
  if (store.state.example) load();
}

/** @param {Store} store @param {Visit} visit */
export function loadLesson(store, visit) {
  const load = once(async () => (await import("./lesson.js")).createLesson(store, visit));
  byId("start-lesson").addEventListener("click", async () => (await load()).toggle());
  document.documentElement.dataset.lesson = "";
  store.watch(["lesson"], ({ lesson }) => {
    if (lesson) load();
  });
}
