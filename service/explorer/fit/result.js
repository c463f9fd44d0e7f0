// The fit in words: the service decides and words it. The page sets it in type, with a button for a better fit.
import { byId, createButton, html, setAttributes } from "../lib/dom.js";
import { typeset } from "../lib/typeset.js";

/** @param {FitStore} store @param {(change: Partial<FitOptions>) => void} apply */
export function createResult(store, apply) {
  const [verdict, headline, sentence, doubts, quality] = ["verdict", "headline", "sentence", "doubts", "quality"].map(
    byId,
  );

  store.watch(["answer"], () => {
    const { answer } = store;
    for (const element of [verdict, headline, sentence, doubts, quality]) element.replaceChildren();
    if (!answer) return;
    const { summary, alternatives } = answer.fit;
    const { time_constant } = summary;
    verdict.className = `verdict ${summary.level}`;
    headline.dataset.level = summary.level;
    setAttributes(headline, { "data-value": time_constant, title: time_constant });
    headline.append(...typeset(summary.headline));
    const sentences = pick(summary, "verdict");
    verdict.append(...sentences.flatMap(typeset));
    const [interval, ...estimates] = pick(summary, "estimate");
    sentence.append(html("b", { id: "interval" }, ...typeset(interval)), ...typeset([" ", ...estimates].join(" ")));
    quality.append(...typeset(pick(summary, "quality").join(" ")));
    const noticed = [...pick(summary, "finding"), ...pick(summary, "table")];
    doubts.append(...noticed.map((finding) => html("li", {}, ...typeset(finding))));
    const [better] = alternatives;
    if (!better) return;
    // The verdict is about the first alternative, or else the first finding is.
    const place = sentences.length ? verdict : doubts.firstElementChild;
    const use = () => apply(/** @type {Partial<FitOptions>} */ (better.options));
    place?.append(" ", createButton("Use this", use, { class: "small-button" }));
  });
}

/** Return the sentences on a topic. @param {Fit["summary"]} summary @param {Fit["summary"]["topics"][number]} topic */
const pick = ({ sentences, topics }, topic) => sentences.filter((_, i) => topics[i] === topic);
