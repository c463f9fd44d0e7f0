// Playback of the training runs: play, pause, step, rewind and clear.
import { createIcon, setAttributes } from "../lib/dom.js";

const MAX_SECONDS = 20; // of a playback: longer runs are shown faster
const MAX_FRAME_MS = 100; // a longer pause between frames, as in a hidden tab, is not caught up
const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

export class Player {
  /** @param {Store} store @param {Race} race @param {Record<string, any>} elements */
  constructor(store, race, elements) {
    const { play, step, rewind, clear, timeline, train } = elements;
    this.elements = elements;
    this.store = store;
    this.race = race;
    this.playing = false;
    this.position = 0; // in iterations, with fractions
    play.addEventListener("click", () => {
      if (this.playing) this.pause();
      else this.play();
    });
    step.addEventListener("click", () => this.goTo(store.state.iteration + 1));
    rewind.addEventListener("click", () => this.goTo(0));
    clear.addEventListener("click", () => {
      this.pause();
      race.replaceRequests();
      race.handlers.problem(null);
      race.replace([]);
      train.focus();
    });
    timeline.addEventListener("input", () => this.goTo(timeline.valueAsNumber));
    step.append(createIcon("M3 2l7 6l-7 6zM13 2v12"));
    rewind.append(createIcon("M13 2l-7 6l7 6zM3 2v12"));
    store.watch(["iteration", "runs"], () => this.show());
  }

  /** Play new runs from their first iteration. With reduced motion, show their last one. */
  start() {
    this.store.set({ iteration: 0 });
    if (reducedMotion.matches) this.goTo(this.race.lastIteration);
    else this.play();
  }

  play() {
    if (this.store.state.iteration >= this.race.lastIteration) this.store.set({ iteration: 0 });
    this.position = this.store.state.iteration;
    if (this.playing) return;
    this.playing = true;
    let last = performance.now();
    const advance = (/** @type {number} */ now) => {
      if (!this.playing) return;
      const elapsed = Math.min(MAX_FRAME_MS, Math.max(0, now - last));
      last = now;
      this.position += (elapsed / 1000) * Math.max(this.store.state.speed, this.race.lastIteration / MAX_SECONDS);
      const iteration = Math.min(this.race.lastIteration, Math.floor(this.position));
      if (iteration !== this.store.state.iteration) this.store.set({ iteration });
      if (iteration >= this.race.lastIteration) this.pause();
      else requestAnimationFrame(advance);
    };
    requestAnimationFrame(advance);
    this.show();
  }

  pause() {
    this.playing = false;
    this.show();
  }

  /** @param {number} iteration */
  goTo(iteration) {
    this.store.set({ iteration: Math.min(this.race.lastIteration, Math.max(0, iteration)) });
    this.pause();
  }

  show() {
    const { iteration } = this.store.state;
    const { lastIteration } = this.race;
    const { runs } = this.store;
    const { play, step, rewind, clear, timeline, iteration: output } = this.elements;
    const name = this.playing ? "Pause" : "Play";
    setAttributes(play, { "aria-label": name, title: name });
    play.replaceChildren(createIcon(this.playing ? "M4 2v12M12 2v12" : "M4 2l9 6l-9 6z"));
    for (const control of [play, step, rewind, timeline, clear]) control.disabled = !runs.length;
    timeline.max = String(lastIteration);
    timeline.value = String(iteration);
    output.textContent = runs.length ? `${iteration} of ${lastIteration}` : "No runs yet";
  }
}
