// The parts of the page that are loaded when they are first needed, and the elements that they get.
import { byId } from "../lib/dom.js";
import { onceOpened } from "./drawers.js";

/** Load the code of the drawers when they are first opened, and other code when it is first needed. @param {Store} store @param {AddressBar} addressBar */
export function loadPanels(store, addressBar) {
  const codeElements = { request: byId("request"), code: byId("code"), links: byId("links") };
  onceOpened("code-drawer", async () => (await import("./code.js")).createCodePanel(store, codeElements));
  onceOpened("embed-drawer", async () => (await import("./embedding.js")).createEmbedding(store, addressBar));
  const ownDataElements = {
    root: byId("own-data"),
    problem: byId("upload-problem"),
    drawer: byId("data-drawer"),
    sequence: byId("sequence"),
    count: byId("n_sequences"),
  };
  const loadOwnData = once(async () => new (await import("./own_data.js")).OwnDataPanel(store, ownDataElements));
  onceOpened("data-drawer", loadOwnData);
  document.documentElement.addEventListener("dragover", loadOwnData, { once: true });
  document.addEventListener("paste", async (event) => {
    const { clipboardData } = event; // which is empty after this event
    const [file, text] = [clipboardData?.files[0], clipboardData?.getData("text/plain") ?? ""];
    (await loadOwnData()).acceptPaste(event, file, text);
  });
  store.watch(["dataset"], ({ dataset }) => {
    if (dataset) loadOwnData();
  });
}

/** Load the lesson when it is first shown. @param {Store} store @param {(change: Partial<State>, runs: Partial<State>[]) => void} visit */
export function loadLesson(store, visit) {
  const elements = { root: byId("lesson"), start: byId("start-lesson"), views: [...document.querySelectorAll("[data-view]")] };
  const load = once(async () => (await import("./lesson.js")).createLesson(store, elements, visit));
  elements.start.addEventListener("click", async () => (await load()).toggle());
  document.documentElement.dataset.lesson = "";
  store.watch(["lesson", "step_text", "step_question"], ({ lesson, step_text, step_question }) => {
    if (lesson || step_text || step_question) load();
  });
}

/** Load the code of the basin map when it is first needed. @param {Store} store @param {Surface} surface @param {Optimizer[]} optimizers */
export function loadBasins(store, surface, optimizers) {
  const elements = { legend: byId("basin-legend"), problem: byId("basin-problem") };
  const load = once(async () => (await import("./basins.js")).createBasins(store, surface, optimizers, elements));
  store.watch(["basins"], ({ basins }) => {
    if (basins) load();
  });
}

/** Return a function that calls another one only the first time. @template R @param {() => R} create @returns {() => R} */
export function once(create) {
  /** @type {{value: R} | null} */ let made = null;
  return () => (made ??= { value: create() }).value;
}
