// The steps of the lesson as an essay: the step that is being read sets the figures, which stay next to the text.
import { createButton, html } from "../lib/dom.js";
import { typeset } from "../lib/typeset.js";
import { STEPS } from "../lessons/index.js";

const READ_AT = 65; // percent of the height of the window: the line at which a text is read
const LEAD = "Scroll, and the figures follow the text.";

/**
 * Show the essay while the state has it.
 * @param {HTMLElement} root @param {Store} store
 * @param {(number: number) => void} show the start of a step
 * @param {(number: number) => void} open a step as one of the lesson
 * @param {() => void} leave
 */
export async function createEssay(root, store, show, open, leave) {
  let current = 0; // the number of the step that is read
  const sections = STEPS.map((step, index) => {
    const title = html("h2", { id: `essay-${index + 1}` }, `${index + 1}. ${step.title}`);
    const write = (/** @type {string} */ text, attributes = {}) => html("p", attributes, ...typeset(text));
    const details = html("details", {}, html("summary", {}, "Answer"), write(step.answer));
    const question = write(step.question, { class: "question" });
    const texts = [write(step.text), question, write(`Look at ${step.hint}.`), details];
    const actions = html(
      "p",
      { class: "actions" },
      createButton("Try it with all controls", () => open(index + 1)),
    );
    return html("section", { "aria-labelledby": title.id }, title, ...texts, actions);
  });
  const end = createButton("Close the essay", leave, { class: "primary" });
  root.append(html("p", { class: "muted" }, LEAD), ...sections, html("p", { class: "actions" }, end));
  const css = html("link", { rel: "stylesheet", media: "screen", href: new URL("../css/essay.css", import.meta.url) });
  document.head.append(css);
  await new Promise((resolve) => css.addEventListener("load", resolve));

  const follow = (/** @type {IntersectionObserverEntry[]} */ entries) => {
    const read = entries.find(({ isIntersecting }) => isIntersecting);
    const number = read ? sections.indexOf(read.target) + 1 : current;
    if (number === current) return;
    current = number;
    show(number);
  };
  const observer = new IntersectionObserver(follow, { rootMargin: `-${READ_AT}% 0px -${100 - READ_AT}% 0px` });
  store.watch(["essay", "lesson"], ({ essay, lesson }) => {
    if (!essay) observer.disconnect();
    const isNew = essay && current !== lesson;
    current = essay ? lesson : 0;
    if (!isNew) return;
    // The header above the first one stays visible.
    (lesson === 1 ? document.documentElement : sections[lesson - 1]).scrollIntoView();
    for (const section of sections) observer.observe(section);
  });
}
