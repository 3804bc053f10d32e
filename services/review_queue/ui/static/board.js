// What people see and press: labels, dialogs, keys, and what is read out to them.
const MOST_KEYS = 9;

export class Board {
  #on;
  #stage = byId("stage");
  #labels = [...document.querySelectorAll("#labels .label")];
  #comment = byId("comment");
  #filter = document.getElementById("filter");
  #skipDialog = byId("skip-dialog");
  #singleKeys = byId("single-keys");
  #ready = false;

  /** `on` hears: answer(label), skip(reason, to), undo(). */
  constructor(on) {
    this.#on = on;
    this.#wire();
    this.#number();
  }

  /** Show a task, or nothing when it is null; nobody can answer while `busy`. */
  show(task, { busy, undoable }) {
    this.#ready = task !== null && !busy;
    for (const button of [...this.#labels, byId("skip")]) button.disabled = !this.#ready;
    byId("undo").disabled = !undoable;
    if (task === null || this.#stage.firstElementChild === task.node) return;
    this.#stage.replaceChildren(task.node);
    this.#comment.value = "";
    this.#openComment(false);
    if (this.#filter !== null) this.#filter.value = "";
    this.#number();
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
    link.href = "/ui/";
    link.textContent = "Sign in again";
    byId("notice").replaceChildren("Your session has ended. Answers that were not sent are kept on this device. ", link);
    this.show(null, { busy: true, undoable: false });
    this.empty("Nothing more is shown until you have signed in.");
  }

  progress({ open, leased, verdicts, skips }) {
    const shown = { open, leased, today: verdicts, skips };
    for (const [id, count] of Object.entries(shown)) if (count !== undefined) byId(id).textContent = count;
  }

  #focusTask() {
    this.#stage.firstElementChild?.focus({ preventScroll: true });
  }

  // A label has its own key, or one of 1 to 9 in the order of those that are shown.
  #number() {
    const wanted = this.#filter?.value.trim().toLowerCase() ?? "";
    const own = this.#labels.map((button) => button.dataset.key);
    const digits = Array.from({ length: MOST_KEYS }, (_, i) => `${i + 1}`).filter((digit) => !own.includes(digit));
    for (const button of this.#labels) {
      const words = `${button.dataset.label} ${button.querySelector("bdi").textContent}`;
      button.hidden = !words.toLowerCase().includes(wanted);
      const key = button.hidden ? undefined : (button.dataset.key ?? digits.shift());
      button.querySelector("kbd").textContent = key ?? "";
      if (key !== undefined) button.setAttribute("aria-keyshortcuts", key);
      else button.removeAttribute("aria-keyshortcuts");
    }
  }

  #visible() {
    return this.#labels.filter((button) => !button.hidden);
  }

  #wire() {
    for (const button of this.#labels) {
      button.addEventListener("click", () => this.#ready && this.#on.answer(button.dataset.label));
    }
    byId("answer").addEventListener("submit", (event) => event.preventDefault());
    byId("skip").addEventListener("click", () => this.#askWhy());
    byId("undo").addEventListener("click", () => this.#on.undo());
    byId("comment-button").addEventListener("click", () => this.#openComment(byId("comment-box").hidden));
    byId("keys").addEventListener("click", () => byId("keys-dialog").showModal());
    document.getElementById("instructions")?.addEventListener("click", () => this.#instruct());
    this.#filter?.addEventListener("input", () => this.#number());
    for (const button of this.#skipDialog.querySelectorAll("[data-reason]")) {
      button.addEventListener("click", () => this.#skip(button.dataset.reason));
    }
    byId("skip-other").addEventListener("click", () => this.#skip(byId("reason").value.trim()));
    this.#singleKeys.checked = localStorage.getItem("surehand:single-keys") !== "false";
    this.#singleKeys.addEventListener("change", () => {
      localStorage.setItem("surehand:single-keys", this.#singleKeys.checked);
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
    if (!this.#ready) return;
    byId("reason").value = "";
    this.#sendTo("others");
    this.#skipDialog.showModal();
  }

  #skip(reason) {
    this.#skipDialog.close();
    this.#on.skip(reason, this.#skipDialog.querySelector("[name=to]:checked").value);
  }

  #sendTo(whom) {
    this.#skipDialog.querySelector(`[name=to][value=${whom}]`).checked = true;
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.matches("input:not([type=checkbox], [type=radio]), textarea")) this.#keyInField(event);
    else if (document.querySelector("dialog[open]") !== null) this.#keyInDialog(event);
    else if (byId("work").hidden || event.repeat || !this.#singleKeys.checked) return;
    else this.#keyAtDesk(event);
  }

  #keyInField(event) {
    const { target, key } = event;
    if (key === "Enter" && target.id === "reason") {
      event.preventDefault();
      this.#skip(target.value.trim());
    } else if (key === "Enter" && target === this.#filter && this.#ready) {
      event.preventDefault();
      this.#visible()[0]?.click();
    } else if (key === "Escape" && (target === this.#comment || target === this.#filter)) {
      event.preventDefault();
      this.#focusTask();
    }
  }

  #keyInDialog(event) {
    if (!this.#skipDialog.open) return;
    const whom = { o: "others", m: "me", a: "adjudicator" }[event.key.toLowerCase()];
    if (whom !== undefined) this.#sendTo(whom);
    else if (event.key === "Enter" && event.target.type === "radio") {
      event.preventDefault();
      this.#skip(byId("reason").value.trim());
    } else this.#skipDialog.querySelectorAll("[data-reason]")[digitOf(event) - 1]?.click();
  }

  // What the key of a label does; undefined for other keys.
  #labelOf(event) {
    const keys = [event.key.toLowerCase(), `${digitOf(event)}`];
    const button = this.#visible().find((one) => keys.includes(one.getAttribute("aria-keyshortcuts")));
    return button && (() => button.click());
  }

  #keyAtDesk(event) {
    const moves = {
      s: () => this.#askWhy(),
      u: () => this.#on.undo(),
      c: () => this.#openComment(true),
      f: () => byId("feedback").click(),
      i: () => document.getElementById("instructions")?.click(),
      "?": () => byId("keys").click(),
      "/": () => this.#filter?.focus(),
    };
    // Also with Caps Lock.
    const move = moves[event.key.toLowerCase()] ?? this.#labelOf(event);
    if (move === undefined) return;
    event.preventDefault();
    move();
  }
}

// 1 to 9, also where other signs are on that row (AZERTY, say); 0 for another key.
function digitOf({ key, code, shiftKey }) {
  if (/^[1-9]$/.test(key)) return Number(key);
  return Number((!shiftKey && /^Digit([1-9])$/.exec(code)?.[1]) || 0);
}

function byId(id) {
  return document.getElementById(id);
}
