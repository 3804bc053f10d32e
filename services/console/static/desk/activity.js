// Active time: what passes between inputs on a visible page, at most a minute of each pause.
const IDLE_MS = 60_000;
const INPUTS = ["keydown", "pointerdown", "pointermove", "wheel", "touchstart"];

export class ActiveTime {
  #total = 0;
  #last = null;
  #lastInput = performance.now();

  constructor() {
    for (const kind of INPUTS) {
      addEventListener(kind, () => this.#input(), { passive: true, capture: true });
    }
    document.addEventListener("visibilitychange", () => this.#turn());
  }

  /** Begin anew, for the next task. */
  restart() {
    this.#total = 0;
    this.#last = document.hidden ? null : performance.now();
  }

  /** Seconds of active time since the restart. */
  seconds() {
    this.#count();
    return Math.round(this.#total) / 1000;
  }

  /** Milliseconds since somebody did something. */
  idle() {
    return performance.now() - this.#lastInput;
  }

  #input() {
    this.#lastInput = performance.now();
    this.#count();
  }

  #turn() {
    this.#count();
    this.#last = document.hidden ? null : performance.now();
  }

  #count() {
    if (this.#last === null) return;
    const now = performance.now();
    this.#total += Math.min(now - this.#last, IDLE_MS);
    this.#last = now;
  }
}
