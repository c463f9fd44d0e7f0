// Buttons that copy blocks of code, and the search of the guide.

const MAX_FOUND = 12;
const AROUND = 60; // characters before and after a word that was found

/** @typedef {{ address: string, page: string, heading: string, text: string }} Section */

for (const block of document.querySelectorAll("pre")) {
  const button = document.createElement("button");
  button.className = "copy";
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(block.textContent.trimEnd());
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
  const frame = document.createElement("div");
  frame.className = "code";
  block.replaceWith(frame);
  // On plain HTTP, there is no clipboard.
  frame.append(block, ...(navigator.clipboard ? [button] : []));
}

const field = /** @type {HTMLInputElement} */ (document.getElementById("search"));
const list = /** @type {HTMLElement} */ (document.getElementById("found"));
/** @type {Promise<Section[]> | undefined} */
let loading;

/** Return all sections; they are loaded when the first search begins. */
function load() {
  loading ??= fetch(new URL("search.json", import.meta.url)).then((response) => response.json());
  return loading;
}

/**
 * Return the rank of a section, 0 if it does not contain all words. The whole phrase counts as ten.
 *
 * @param {Section} section
 * @param {string[]} words
 */
function rank({ page, heading, text }, words) {
  const parts = [heading, page, text].map((part) => part.toLowerCase());
  const weigh = (/** @type {string} */ phrase) => {
    const place = parts.findIndex((part) => part.includes(phrase));
    return place < 0 ? 0 : [9, 3, 1][place];
  };
  const ranks = words.map(weigh);
  if (ranks.includes(0)) return 0;
  return ranks.reduce((sum, each) => sum + each, 10 * weigh(words.join(" ")));
}

/**
 * Return the text around the phrase, or around its first word.
 *
 * @param {string} text
 * @param {string[]} words
 */
function excerpt(text, words) {
  const places = [words.join(" "), words[0]].map((phrase) => text.toLowerCase().indexOf(phrase));
  const place = Math.max(0, places.find((each) => each >= 0) ?? 0);
  const start = text.lastIndexOf(" ", place - AROUND) + 1;
  return `${start ? "… " : ""}${text.slice(start, place + 2 * AROUND)} …`;
}

async function search() {
  const query = field.value;
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const sections = words.length ? await load() : [];
  if (query !== field.value) return; // a later search has begun
  const found = sections
    .map((section) => ({ section, rank: rank(section, words) }))
    .filter((each) => each.rank > 0)
    .sort((first, second) => second.rank - first.rank)
    .slice(0, MAX_FOUND);
  list.replaceChildren(
    ...found.map(({ section }) => {
      const link = document.createElement("a");
      link.href = new URL(section.address, import.meta.url).href;
      const { page, heading } = section;
      const title = document.createElement("b");
      title.textContent = heading === page ? page : `${page}: ${heading}`;
      const text = document.createElement("span");
      text.textContent = excerpt(section.text, words);
      link.append(title, text);
      return link;
    }),
  );
  list.hidden = words.length === 0;
  if (words.length && !found.length) list.textContent = "Nothing found";
}

field.hidden = false;
field.addEventListener("focus", load, { once: true });
field.addEventListener("input", search);
field.addEventListener("keydown", (event) => {
  if (event.key === "Enter") list.querySelector("a")?.click();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !(event.target instanceof HTMLInputElement)) {
    event.preventDefault();
    field.focus();
  }
  if (event.key === "Escape") list.hidden = true;
});
document.addEventListener("click", (event) => {
  if (!(event.target instanceof Node && list.contains(event.target))) list.hidden = true;
});
