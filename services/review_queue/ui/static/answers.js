// Answers are kept on the device before they are sent, and until the server has taken them: in
// order, each as often as it takes. The server gives a repeated answer the same reply, so that
// none is doubled. Each has an entry of its own: two tabs never overwrite one another's.
import { call, detailOf, passing } from "./calls.js";

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

export class Answers {
  #prefix;
  #on;
  #sending = false;
  #inFlight = null;
  #wake = () => {};

  /** `on` hears: changed(), waiting(), ended(), taken(entry), refused(entry, why). */
  constructor(project, subject, on) {
    this.#prefix = `surehand:answer:${project}:${encodeURIComponent(subject)}:`;
    this.#on = on;
    addEventListener("online", () => this.#wake());
  }

  /** Keep an answer, then send it: `kind` is verdict, skip or undo. */
  keep(kind, token, body, item) {
    const last = Number.parseInt(this.list().at(-1)?.key.slice(this.#prefix.length) ?? "0", 10);
    // Later than the one before, also where the clock was turned back.
    const order = String(Math.max(Date.now(), last + 1)).padStart(14, "0");
    const key = `${this.#prefix}${order}-${Math.random().toString(36).slice(2)}`;
    localStorage.setItem(key, JSON.stringify({ kind, token, body, item }));
    this.#on.changed();
    this.send();
  }

  /** All that are kept, oldest first. */
  list() {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(this.#prefix));
    return keys.sort().map((key) => ({ key, ...JSON.parse(localStorage.getItem(key)) }));
  }

  /** Take an answer back that was not sent yet; say whether that was so. */
  withdraw(token) {
    const entry = this.list().find((one) => one.token === token && one.key !== this.#inFlight);
    if (entry === undefined || entry.sent) return false;
    localStorage.removeItem(entry.key);
    this.#on.changed();
    return true;
  }

  /** Send what is kept; it does no harm to ask twice. */
  async send() {
    if (this.#sending) {
      this.#wake();
      return;
    }
    this.#sending = true;
    try {
      // One tab sends at a time, where the browser can see to it.
      if (navigator.locks) await navigator.locks.request(this.#prefix, () => this.#drain());
      else await this.#drain();
    } finally {
      this.#sending = false;
    }
  }

  async #drain() {
    let pause = FIRST_PAUSE_MS;
    for (let entry; (entry = this.list()[0]) !== undefined; ) {
      const answer = await this.#attempt(entry);
      if (answer?.status === 401) {
        this.#on.ended();
        return;
      }
      if (passing(answer)) {
        this.#on.waiting();
        await this.#rest(pause);
        pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
        continue;
      }
      pause = FIRST_PAUSE_MS;
      localStorage.removeItem(entry.key);
      if (answer.status < 300) this.#on.taken({ ...entry, reply: JSON.parse(answer.text) });
      else this.#on.refused(entry, detailOf(answer));
      this.#on.changed();
    }
  }

  async #attempt(entry) {
    this.#inFlight = entry.key;
    // From now on the server may have it, whatever becomes of the connection.
    const { key, ...kept } = entry;
    localStorage.setItem(key, JSON.stringify({ ...kept, sent: true }));
    try {
      return await call("POST", `/ui/leases/${entry.token}/${entry.kind}`, { body: entry.body });
    } finally {
      this.#inFlight = null;
    }
  }

  #rest(milliseconds) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
