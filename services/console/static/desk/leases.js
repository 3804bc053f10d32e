// The tasks that this page holds: leased, kept while somebody works, given back when it closes.
import { call, passing } from "./calls.js";

const TICK_MS = 1_000;
const LONGEST_IDLE_MS = 600_000;
const MOST_FOR_RETURN = 6;
const RETURN_PAUSE_MS = 200;

export class Leases {
  #project;
  #activity;
  #on;

  /** Leased tasks that are shown later, next one first. */
  ahead = [];
  /** The task that is shown. */
  current = null;

  /** `on` hears: lost(task), reloading(), ended(). */
  constructor(project, activity, on) {
    this.#project = project;
    this.#activity = activity;
    this.#on = on;
    setInterval(() => this.#renewAll(), TICK_MS);
    document.addEventListener("visibilitychange", () => this.#renewAll());
    addEventListener("pagehide", () => this.#releaseAll());
  }

  /** Lease up to `count` more; null when there is no connection. */
  async more(count, waitSeconds) {
    const answer = await call("POST", `/review/${this.#project.name}/tasks`, {
      body: { count, wait_seconds: waitSeconds },
      patienceMs: 1_000 * waitSeconds + 15_000,
    });
    if (passing(answer)) return null;
    if (answer.status === 401) this.#on.ended();
    else if (answer.status !== 200) this.#on.reloading();
    if (answer.status !== 200) return null;
    const page = new DOMParser().parseFromString(answer.text, "text/html");
    const { projectRevision } = page.querySelector(".tasks").dataset;
    if (projectRevision !== this.#project.revision) this.#on.reloading();
    return [...page.querySelectorAll(".task")].map((node) => taskOf(document.adoptNode(node)));
  }

  /** Lease until the task that was taken back is there: it waits for whoever took it back. */
  async retrieve(taskId) {
    for (let attempt = 0; attempt < MOST_FOR_RETURN; attempt += 1) {
      // It may also have come by a call that was under way.
      const found = this.#take(taskId);
      if (found !== null) return found;
      const tasks = (await this.more(1, 0)) ?? [];
      this.ahead.push(...tasks);
      if (tasks.length === 0) await new Promise((resolve) => setTimeout(resolve, RETURN_PAUSE_MS));
    }
    return this.#take(taskId);
  }

  #take(taskId) {
    if (this.current?.taskId === taskId) return this.current;
    const found = this.ahead.find((task) => task.taskId === taskId) ?? null;
    this.ahead = this.ahead.filter((task) => task !== found);
    return found;
  }

  #held() {
    return this.current === null ? this.ahead : [this.current, ...this.ahead];
  }

  #renewAll() {
    if (document.hidden || this.#activity.idle() > LONGEST_IDLE_MS) return;
    const now = Date.now();
    for (const task of this.#held()) {
      if (!task.renewing && now - task.renewedAt > 500 * task.seconds) this.#renew(task);
    }
  }

  async #renew(task) {
    task.renewing = true;
    const began = Date.now();
    const answer = await call("POST", `/leases/${task.token}/renew`);
    task.renewing = false;
    if (answer?.status === 200) task.renewedAt = began;
    else if (answer?.status === 401) this.#on.ended();
    // It has ended, or was answered while we asked: only what is still held is lost.
    else if (!passing(answer) && this.#held().includes(task)) {
      this.ahead = this.ahead.filter((other) => other !== task);
      this.#on.lost(task);
    }
  }

  #releaseAll() {
    for (const task of this.#held()) navigator.sendBeacon(`/leases/${task.token}/release`);
    this.ahead = [];
    this.current = null;
  }
}

function taskOf(node) {
  const { token, task, seconds, content, suggested = null, confidence = "" } = node.dataset;
  return { token, taskId: task, content, suggested, confidence, earlier: null, item: node.getAttribute("aria-label"), seconds: Number(seconds),
    renewedAt: Date.now(), renewing: false, node };
}
