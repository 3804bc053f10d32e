// Answers are kept on the device before they are sent, and until the server has taken them: in
// order, each as often as it takes. The server gives a repeated answer the same reply, so that
// none is doubled. Each has an entry of its own: two tabs never overwrite one another's.
// An answer that comes after its lease has ended, to a task that nobody has finished, stays here as
// a late one, for a day: it is sent under the next lease that this reviewer gets of the task.
import { call, passing, problemOf } from "./calls.js";

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
const LATE_MS = 86_400_000;
const WAITING = ["open", "leased"];
const EXPIRED = "urn:surehand:problem:lease-expired";

export class Answers {
  #prefix;
  #on;
  #sending = false;
  #inFlight = null;
  #wake = () => {};

  /** `on` hears: changed(), waiting(), ended(), taken(entry), late(entry),
   * refused(entry, why). */
  constructor(project, subject, on) {
    this.#prefix = `surehand:answer:${project}:${encodeURIComponent(subject)}:`;
    this.#on = on;
    addEventListener("online", () => this.#wake());
  }

  /** Keep an answer, then send it: `kind` is verdict, skip or undo. */
  keep(kind, { token, item, taskId, content, earlier }, body) {
    const last = this.list().map((one) => this.#moment(one)).at(-1) ?? 0;
    // Later than the one before, also where the clock was turned back.
    const order = String(Math.max(Date.now(), last + 1)).padStart(14, "0");
    const key = `${this.#prefix}${order}-${Math.random().toString(36).slice(2)}`;
    localStorage.setItem(key, JSON.stringify({ kind, token, body, item, taskId, content, earlier }));
    this.#on.changed();
    this.send();
  }

  /** All that are to be sent, oldest first. */
  list() {
    return this.#all().filter((one) => !one.late);
  }

  /** The late answer to a task, if there is one. */
  late(taskId) {
    return this.#all().find((one) => one.late && one.taskId === taskId);
  }

  /** Send a late answer under a new lease of its task. */
  again({ key, ...entry }, token) {
    localStorage.setItem(key, JSON.stringify({ ...entry, token, late: false, sent: false }));
    this.#on.changed();
    this.send();
  }

  /** Forget the late answer to a task; say whether there was one. */
  drop(taskId) {
    const entry = this.late(taskId);
    if (entry !== undefined) localStorage.removeItem(entry.key);
    return entry !== undefined;
  }

  #all() {
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
    this.#giveUp();
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
      this.#settle(entry, answer);
      this.#on.changed();
    }
  }

  #settle({ key, ...entry }, answer) {
    const { type, state, detail } = answer.status < 300 ? {} : problemOf(answer);
    const expired = type === EXPIRED && entry.kind !== "undo";
    if (expired && WAITING.includes(state) && this.#mayWait(key, entry)) {
      localStorage.setItem(key, JSON.stringify({ ...entry, late: true }));
      this.#on.late(entry);
      return;
    }
    localStorage.removeItem(key);
    if (answer.status < 300) this.#on.taken({ ...entry, reply: JSON.parse(answer.text) });
    else this.#on.refused(entry, expired && state === "resolved" ? "It was finished meanwhile." : detail ?? "");
  }

  // Not what is to be taken back, nor what was answered anew under another lease.
  #mayWait(key, { taskId, token }) {
    const later = this.list().filter((one) => one.key !== key && one.taskId === taskId);
    const undo = later.find((one) => one.kind === "undo" && one.token === token);
    if (undo !== undefined) localStorage.removeItem(undo.key);
    return taskId !== undefined && later.length === 0;
  }

  #giveUp() {
    const old = this.#all().filter((one) => one.late && Date.now() - this.#moment(one) > LATE_MS);
    for (const entry of old) {
      localStorage.removeItem(entry.key);
      this.#on.refused(entry, "Its item did not come to you again within a day.");
    }
  }

  #moment({ key }) {
    return Number.parseInt(key.slice(this.#prefix.length), 10);
  }

  async #attempt(entry) {
    this.#inFlight = entry.key;
    // From now on the server may have it, whatever becomes of the connection.
    const { key, ...kept } = entry;
    localStorage.setItem(key, JSON.stringify({ ...kept, sent: true }));
    try {
      return await call("POST", `/leases/${entry.token}/${entry.kind}`, { body: entry.body });
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
