// The lesson: one step at a time beside the figure that it speaks of, with a question and an answer to reveal.
import { writeWeight } from "../charts/network.js";
import { byId, createButton, html, setAttributes } from "../lib/dom.js";
import { STEPS } from "../lessons/index.js";
import { toHash } from "../model/address.js";
import { DEFAULTS } from "../model/state.js";

/** Return the state that a step starts from. @param {number} number from 1 @returns {State} */
function startStep(number) {
  const { state, runs } = STEPS[number - 1];
  return { ...DEFAULTS, parameters: {}, ...state, ...runs.at(-1), lesson: number };
}

/**
 * Return the state of an address. If it has only the number of a step, that is the start of the step.
 * @param {State} state @returns {{state: State, runs: Partial<State>[]}} runs to train
 */
export function completeLesson(state) {
  const { lesson } = state;
  const isComplete = !lesson || toHash(state) !== toHash({ ...DEFAULTS, lesson });
  return isComplete ? { state, runs: [] } : { state: startStep(lesson), runs: STEPS[lesson - 1].runs };
}

/** @param {Store} store @param {(change: Partial<State>, runs: Partial<State>[]) => void} visit show a state and train from it */
export function createLesson(store, visit) {
  const start = byId("start-lesson");
  const go = (/** @type {number} */ number) => {
    if (number < 1 || number > STEPS.length) store.set({ lesson: 0 });
    else visit(startStep(number), STEPS[number - 1].runs);
    if (!store.state.lesson) start.focus();
  };
  const heading = html("h2");
  const [text, question, hint, answer] = [html("p"), html("p", { class: "question" }), html("p", { class: "muted" }), html("p")];
  const details = html("details", {}, html("summary", {}, "Show the answer"), answer);
  const numbers = STEPS.map((step, index) => {
    const title = `Step ${index + 1}: ${step.title}`;
    return createButton(String(index + 1), () => go(index + 1), { title, "aria-label": title });
  });
  const back = createButton("Back", () => go(store.state.lesson - 1), { class: "back" });
  const next = createButton("Next", () => go(store.state.lesson + 1), { class: "primary next" });
  const close = createButton("Close", () => go(0), { class: "quiet" });
  const navigation = html("nav", { "aria-label": "Steps of the lesson" }, ...numbers, back, next, close);
  const live = html("div", { "aria-live": "polite" }, heading, text, question, hint);
  byId("lesson").append(live, details, navigation);

  store.watch(["lesson"], ({ lesson }) => {
    byId("lesson").hidden = !lesson;
    start.setAttribute("aria-pressed", String(lesson > 0));
    const step = STEPS[lesson - 1];
    document.documentElement.dataset.lesson = step?.figure ?? "";
    for (const view of document.querySelectorAll("[data-view]")) {
      view.classList.toggle("spoken-of", view.getAttribute("data-view") === step?.figure);
    }
    if (!step) return;
    heading.textContent = `Step ${lesson} of ${STEPS.length}: ${step.title}`;
    typeset(text, step.text);
    typeset(question, step.question);
    typeset(hint, `Look at ${step.hint}.`);
    typeset(answer, step.answer);
    details.open = false;
    back.disabled = lesson === 1;
    next.textContent = lesson === STEPS.length ? "Finish" : "Next";
    numbers.forEach((button, index) => setAttributes(button, { "aria-current": index + 1 === lesson && "step" }));
  });
  return { toggle: () => go(store.state.lesson ? 0 : 1) };
}

/** Set a text, with the weights as in a formula. @param {Element} element @param {string} text with w_in and w_rec */
function typeset(element, text) {
  const parts = text.split(/(w_in|w_rec)/).flatMap((part, k) => (k % 2 ? writeWeight(part) : [part]));
  element.replaceChildren(...parts);
}
