// What waits in the queue, and what oneself did today, with what is not sent yet.
import { call } from "./calls.js";
import { startOfToday } from "./day.js";

const EVERY_MS = 15_000;
const PAUSE_MS = 300;

export class Progress {
  #project;
  #answers;
  #board;
  #asking = 0;
  #server = { verdicts: 0, skips: 0 };

  constructor(project, answers, board) {
    this.#project = project;
    this.#answers = answers;
    this.#board = board;
    setInterval(() => document.hidden || this.ask(), EVERY_MS);
  }

  /** Ask the server in a moment, once for all who want it meanwhile. */
  ask() {
    clearTimeout(this.#asking);
    this.#asking = setTimeout(() => this.#ask(), PAUSE_MS);
  }

  show() {
    const kept = this.#answers.list();
    const count = (kind) => kept.filter((entry) => entry.kind === kind).length;
    const { verdicts, skips } = this.#server;
    this.#board.progress({ ...this.#server, verdicts: verdicts + count("verdict"), skips: skips + count("skip") });
  }

  async #ask() {
    const reply = await call("GET", `/review/${this.#project}/progress?since=${startOfToday()}`);
    if (reply?.status !== 200) return;
    this.#server = JSON.parse(reply.text);
    this.show();
  }
}
