// The lesson: one step at a time next to its figure, with a question and an answer to reveal.
// A link may have a step of its own.
import { createButton, html, setAttributes } from "../lib/dom.js";
import { once } from "../lib/once.js";
import { typeset } from "../lib/typeset.js";
import { STEPS } from "../lessons/index.js";
import { fromRunText, readHash, toHash } from "../model/address.js";
import { DEFAULTS, OWN_STEP } from "../model/state.js";

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
  const { lesson, essay } = state;
  const isComplete = !lesson || toHash(state) !== toHash({ ...DEFAULTS, lesson, essay });
  return isComplete ? { state, runs: [] } : { state: { ...startStep(lesson), essay }, runs: STEPS[lesson - 1].runs };
}

/**
 * Return the step that a state shows, if it shows one.
 * @param {State} state
 * @returns {Omit<Step, "state" | "runs"> | undefined}
 */
function findStep({ lesson, step_title, step_text, step_question, step_hint, step_answer, step_figure }) {
  if (lesson) return STEPS[lesson - 1];
  if (!step_text && !step_question) return undefined;
  return {
    title: step_title,
    text: step_text,
    question: step_question,
    hint: step_hint,
    answer: step_answer,
    figure: step_figure,
  };
}

/** @param {Store} store @param {Record<string, any>} elements @param {ShowState} visit */
export function createLesson(store, elements, visit) {
  const { lesson: root, "start-lesson": start, essay: essayRoot, "start-essay": startEssay, views } = elements;
  const { dataset } = document.documentElement;
  const hasEssay = !("embed" in dataset || "present" in dataset);
  const close = {
    lesson: 0,
    essay: false,
    steps: [],
    step_number: 0,
    ...Object.fromEntries(OWN_STEP.map((key) => [key, DEFAULTS[key]])),
  };
  const finish = () => {
    store.set(close);
    start.focus();
  };
  // After the texts of the step.
  const scroll = () => requestAnimationFrame(() => heading.scrollIntoView({ block: "nearest" }));
  const go = (/** @type {number} */ number) => {
    if (number < 1 || number > STEPS.length) return finish();
    visit(startStep(number), STEPS[number - 1].runs);
    scroll();
  };
  const goToOwn = (/** @type {number} */ number) => {
    const { steps } = store.state;
    if (number > steps.length) return finish();
    const { state } = readHash(steps[number - 1]);
    const runs = state.runs.flatMap((text) => fromRunText(text) ?? []);
    visit({ ...state, runs: [], iteration: 0, steps, step_number: number }, runs);
    scroll();
  };
  const move = (/** @type {number} */ by) =>
    store.state.lesson ? go(store.state.lesson + by) : goToOwn(store.state.step_number + by);
  const heading = html("h2");
  const [text, question, hint] = [html("p"), html("p", { class: "question" }), html("p", { class: "muted" })];
  const answer = html("p", { class: "answer", id: "lesson-answer" });
  const reveal = (/** @type {boolean} */ isShown) => {
    answer.hidden = !isShown;
    text.hidden = hint.hidden = isShown; // so that the question and its answer fit on the screen
    show.setAttribute("aria-expanded", String(isShown));
    if (isShown) answer.scrollIntoView({ block: "nearest" });
  };
  const show = createButton("Answer", () => reveal(answer.hidden), { "aria-controls": answer.id });
  const numbers = STEPS.map((step, index) => {
    const title = `Step ${index + 1}: ${step.title}`;
    return createButton(String(index + 1), () => go(index + 1), { title, "aria-label": title });
  });
  const back = createButton("Back", () => move(-1), { class: "back" });
  const next = createButton("Next", () => move(1), { class: "primary next" });
  const readStep = (/** @type {number} */ number, isNew = false) =>
    visit({ ...startStep(number), essay: true }, STEPS[number - 1].runs, isNew);
  const loadEssay = once(async () => (await import("./essay.js")).createEssay(essayRoot, store, readStep, go, finish));
  const buttons = [show, ...numbers, back, next, createButton("Close", finish, { class: "quiet" })];
  const live = html("div", { "aria-live": "polite" }, heading, text, question, hint, answer);
  root.append(live, html("nav", { "aria-label": "Steps of the lesson" }, ...buttons));

  store.watch(["lesson", "essay", "steps", "step_number", ...OWN_STEP], (state) => {
    const { lesson, step_number, steps } = state;
    const essay = state.essay && hasEssay;
    const number = lesson || step_number;
    const total = lesson ? STEPS.length : steps.length;
    const step = findStep(state);
    root.hidden = !step || essay;
    essayRoot.hidden = !essay;
    document.documentElement.toggleAttribute("data-essay", essay);
    if (essay) loadEssay();
    start.setAttribute("aria-pressed", String(lesson > 0 && !essay));
    startEssay.setAttribute("aria-pressed", String(essay));
    dataset.lesson = step?.figure ?? "";
    for (const view of views) {
      view.classList.toggle("spoken-of", step?.figure.split(" ").includes(view.getAttribute("data-view") ?? ""));
    }
    if (!step) return;
    heading.textContent = lesson
      ? `Step ${lesson} of ${total}: ${step.title}`
      : `${number ? `${number}/${total} ` : ""}${step.title}`;
    text.replaceChildren(...typeset(step.text));
    question.replaceChildren(...typeset(step.question));
    hint.replaceChildren(...typeset(lesson ? `Look at ${step.hint}.` : step.hint));
    answer.replaceChildren(...typeset(step.answer));
    show.hidden = !step.answer;
    reveal(false);
    back.disabled = number === 1;
    next.textContent = number === total ? "Finish" : "Next";
    for (const button of numbers) button.hidden = !lesson;
    for (const button of [back, next]) button.hidden = !number;
    numbers.forEach((button, index) => setAttributes(button, { "aria-current": index + 1 === lesson && "step" }));
  });
  return {
    toggle: () => go(store.state.lesson && !store.state.essay ? 0 : store.state.lesson || 1),
    toggleEssay: () => (store.state.essay ? finish() : readStep(store.state.lesson || 1, true)),
  };
}
