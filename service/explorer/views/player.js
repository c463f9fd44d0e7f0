// Play, pause, step, reset: the clock of the runs.
// @ts-check
import { byId } from "../lib/dom.js";

const still = matchMedia("(prefers-reduced-motion: reduce)");

export class Player {
  /** @param {import("../model/state.js").Store} store @param {import("./race.js").Race} race @param {() => void} train */
  constructor(store, race, train) {
    this.store = store;
    this.race = race;
    this.playing = false;
    this.at = 0;
    byId("play").addEventListener("click", () => {
      if (!race.runs.length) train();
      else if (this.playing) this.pause();
      else this.play();
    });
    byId("step").addEventListener("click", () => this.go(store.state.frame + 1));
    byId("rewind").addEventListener("click", () => this.go(0));
    byId("timeline").addEventListener("input", () => this.go(byId("timeline").valueAsNumber));
    byId("speed").addEventListener("change", () => store.set({ speed: Number(byId("speed").value) }));
    store.watch(["speed"], ({ speed }) => (byId("speed").value = String(speed)));
    store.watch(["frame", "runs"], () => this.show());
  }

  /** Show new runs from their start; where motion is unwelcome, show them whole. */
  begin() {
    this.store.set({ frame: 0 });
    if (still.matches) this.go(this.race.last);
    else this.play();
  }

  play() {
    if (this.store.state.frame >= this.race.last) this.store.set({ frame: 0 });
    this.at = this.store.state.frame;
    if (this.playing) return;
    this.playing = true;
    let before = performance.now();
    const tick = (/** @type {number} */ now) => {
      if (!this.playing) return;
      this.at += (Math.min(100, Math.max(0, now - before)) / 1000) * this.store.state.speed;
      before = now;
      const frame = Math.min(this.race.last, Math.floor(this.at));
      if (frame !== this.store.state.frame) this.store.set({ frame });
      if (frame >= this.race.last) this.pause();
      else requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
    this.show();
  }

  pause() {
    this.playing = false;
    this.show();
  }

  /** @param {number} frame */
  go(frame) {
    this.playing = false;
    this.store.set({ frame: Math.min(this.race.last, Math.max(0, frame)) });
    this.show();
  }

  show() {
    const { frame } = this.store.state;
    const { last } = this.race;
    const none = !this.race.runs.length;
    byId("play").textContent = none ? "Train" : this.playing ? "Pause" : "Play";
    for (const id of ["step", "rewind", "timeline"]) byId(id).disabled = none;
    byId("timeline").max = String(last);
    byId("timeline").value = String(frame);
    byId("iteration").textContent = none ? "no run yet" : `${frame} of ${last}`;
  }
}
