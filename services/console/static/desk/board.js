// What people see and press: labels, dialogs, keys, and what is read out to them.
import { Labels } from "./labels.js";
import { Recent } from "./recent.js";
import { SkipDialog, digitOf } from "./skipping.js";
import { Zoom } from "./zoom.js";

export class Board {
  #on;
  #stage = byId("stage");
  #labels;
  #skipping;
  #recent = new Recent();
  #zoom = new Zoom();
  #comment = byId("comment");
  #singleKeys = byId("single-keys");
  #goal = byId("goal");
  #today = 0;
  #ready = false;

  /** `on` hears: answer(label), skip(reason, to), undo(), change(task). */
  constructor(on) {
    this.#on = on;
    this.#labels = new Labels(on.answer);
    this.#skipping = new SkipDialog(on.skip);
    this.#wire();
  }

  /** Show a task, or nothing when it is null; nobody can answer while `busy`. */
  show(task, { busy, given }) {
    this.#ready = task !== null && !busy;
    this.#labels.ready = this.#ready;
    byId("skip").disabled = !this.#ready;
    byId("undo").disabled = given.length === 0 || busy;
    this.#recent.show(given, { busy, change: this.#on.change });
    if (task === null || this.#stage.firstElementChild === task.node) return;
    this.#stage.replaceChildren(task.node);
    this.#labels.mark(task);
    this.#labels.clear();
    this.#comment.value = "";
    this.#openComment(false);
    if (document.querySelector("dialog[open]") === null) this.#focusTask();
    scrollTo({ top: 0 });
  }

  /** Say why there is no task. */
  empty(words) {
    if (this.#stage.firstElementChild?.textContent === words) return;
    const line = document.createElement("p");
    line.className = "empty";
    line.textContent = words;
    this.#stage.replaceChildren(line);
    this.announce(words);
  }

  /** The comment, null when there is none. */
  comment() {
    return this.#comment.value.trim() === "" ? null : this.#comment.value;
  }

  /** What people call a label. */
  nameOf(label) {
    return this.#labels.nameOf(label);
  }

  announce(words) {
    byId("announcer").textContent = words;
  }

  notice(words) {
    byId("notice").textContent = words;
  }

  unsent(count) {
    const banner = byId("unsent");
    const words = `${count === 1 ? "1 answer is" : `${count} answers are`} not sent yet: kept on this device, and sent when the connection is back.`;
    if (count > 0 && banner.hidden) this.announce(words);
    if (count === 0 && !banner.hidden) this.announce("All answers are sent.");
    banner.textContent = words;
    banner.hidden = count === 0;
  }

  ended() {
    const link = document.createElement("a");
    link.href = `/sign-in?next=${location.pathname}`;
    link.textContent = "Sign in again";
    byId("notice").replaceChildren("Your session has ended. Answers that were not sent are kept on this device. ", link);
    this.show(null, { busy: true, given: [] });
    this.empty("Nothing more is shown until you have signed in.");
  }

  progress({ open, leased, verdicts, skips }) {
    const shown = { open, leased, today: verdicts, skips };
    for (const [id, count] of Object.entries(shown)) if (count !== undefined) byId(id).textContent = count;
    this.#today = verdicts ?? this.#today;
    this.#towardsGoal();
  }

  // The goal is the reviewer's own: it stays on this device.
  #towardsGoal() {
    const goal = Number(this.#goal.value);
    byId("goal-box").hidden = !(goal > 0);
    byId("goal-shown").textContent = goal;
    byId("towards-goal").max = Math.max(goal, 1);
    byId("towards-goal").value = this.#today;
  }

  #focusTask() {
    this.#stage.firstElementChild?.focus({ preventScroll: true });
  }

  #wire() {
    byId("answer").addEventListener("submit", (event) => event.preventDefault());
    byId("skip").addEventListener("click", () => this.#askWhy());
    byId("undo").addEventListener("click", () => this.#on.undo());
    byId("comment-button").addEventListener("click", () => this.#openComment(byId("comment-box").hidden));
    byId("keys").addEventListener("click", () => byId("keys-dialog").showModal());
    document.getElementById("instructions")?.addEventListener("click", () => this.#instruct());
    this.#singleKeys.checked = localStorage.getItem("surehand:single-keys") !== "false";
    this.#singleKeys.addEventListener("change", () => {
      localStorage.setItem("surehand:single-keys", this.#singleKeys.checked);
    });
    this.#goal.value = localStorage.getItem("surehand:goal") ?? "";
    this.#goal.addEventListener("change", () => {
      localStorage.setItem("surehand:goal", this.#goal.value);
      this.#towardsGoal();
    });
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  #instruct() {
    byId("instructions-dialog").showModal();
  }

  #openComment(open) {
    byId("comment-box").hidden = !open;
    byId("comment-button").setAttribute("aria-expanded", open);
    if (open) this.#comment.focus();
  }

  #askWhy() {
    if (this.#ready) this.#skipping.open();
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (document.querySelector("dialog[open]") !== null) return;
    if (event.target.matches("input:not([type=checkbox], [type=radio]), textarea")) this.#keyInField(event);
    else if (byId("work").hidden || event.repeat || !this.#singleKeys.checked) return;
    else this.#keyAtDesk(event);
  }

  #keyInField(event) {
    const { target, key } = event;
    if (target !== this.#comment && target !== this.#labels.search) return;
    if (key === "Enter" && target === this.#labels.search && this.#ready) {
      event.preventDefault();
      this.#labels.first();
    } else if (key === "Escape") {
      event.preventDefault();
      if (target === this.#labels.search) this.#labels.clear();
      this.#focusTask();
    }
  }

  #keyAtDesk(event) {
    const moves = {
      s: () => this.#askWhy(),
      u: () => this.#on.undo(),
      c: () => this.#openComment(true),
      f: () => byId("feedback").click(),
      i: () => document.getElementById("instructions")?.click(),
      "?": () => byId("keys").click(),
      z: () => this.#zoom.open(),
      "/": () => this.#labels.search?.focus(),
    };
    // Letters also with Caps Lock.
    const key = digitOf(event) > 0 ? String(digitOf(event)) : event.key.toLowerCase();
    if (key === "enter" && event.target.closest("button, a, summary") === null) {
      if (this.#labels.confirm()) event.preventDefault();
    } else if (moves[key] !== undefined) {
      event.preventDefault();
      moves[key]();
    } else if (this.#labels.press(key)) event.preventDefault();
  }
}

function byId(id) {
  return document.getElementById(id);
}
