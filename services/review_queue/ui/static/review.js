// The desk: shows one task at a time, takes its answer, and shows the next at once.
import { ActiveTime } from "./activity.js";
import { Answers } from "./answers.js";
import { call } from "./calls.js";
import { Board } from "./board.js";
import { startOfToday } from "./day.js";
import { Feedback } from "./feedback.js";
import { Leases } from "./leases.js";

const WAIT_SECONDS = 20;
const RETRY_MS = 2_000;
const PROGRESS_MS = 15_000;
const PROGRESS_PAUSE_MS = 300;
const UNDO_PATIENCE_MS = 3_000;
const UNDOABLE = 20;

const main = document.getElementById("main");
const project = { name: main.dataset.project, revision: main.dataset.revision };
const board = new Board({ answer, skip, undo });
const activity = new ActiveTime();
const leases = new Leases(project, activity, { lost, reloading, ended });
const answers = new Answers(project.name, main.dataset.subject, {
  changed: showUnsent, waiting, taken, refused, ended });
new Feedback(project.name, { current: () => leases.current, sent, ended });

const GIVEN = `surehand:given:${project.name}:${main.dataset.subject}`;
let given = JSON.parse(sessionStorage.getItem(GIVEN) ?? "[]"); // can be taken back, newest last
let filling = false;
let undoing = null; // while an answer is being taken back no key may answer another task
let stale = false; // the project has changed: the page is loaded anew before the next task
let stopped = false;
let disconnected = false;
let server = { verdicts: 0, skips: 0 };

// ---- showing ----

function show() {
  const busy = undoing !== null;
  board.show(leases.current, { busy, undoable: given.length > 0 && !busy });
}

function advance() {
  // Before all else: what was answered is no longer held, and a page that closes gives back the rest.
  leases.current = leases.ahead.shift() ?? null;
  if (stale) {
    location.reload();
    return;
  }
  activity.restart();
  show();
  if (leases.current === null) board.empty(disconnected ? "There is no connection. It goes on by itself." : "One moment …");
  fill();
}

function putFirst(task) {
  if (leases.current !== null) leases.ahead.unshift(leases.current);
  leases.current = task;
  activity.restart();
  show();
}

// One task is shown, and one more held: its answer then costs no wait.
async function fill() {
  if (filling || stopped) return;
  filling = true;
  try {
    while (!document.hidden && !stopped && missing() > 0) {
      const idle = leases.current === null;
      const tasks = await leases.more(missing(), idle ? waitNow() : 0);
      if (tasks === null) {
        if (!stopped && !stale) retry();
        break;
      }
      disconnected = false;
      leases.ahead.push(...tasks);
      if (tasks.length > 0) progress();
      if (leases.current === null && leases.ahead.length > 0) arrive();
      else if (tasks.length === 0 && !idle) break;
      else if (tasks.length === 0) waitLonger();
    }
  } finally {
    filling = false;
  }
  // What was answered meanwhile may have left the desk empty.
  if (leases.current === null && !disconnected && !document.hidden && !stopped && !stale) fill();
}

let longPoll = 0;

function waitNow() {
  return longPoll;
}

function waitLonger() {
  longPoll = WAIT_SECONDS;
  board.empty("Nothing is waiting. New items appear here by themselves.");
}

function arrive() {
  const waited = longPoll > 0;
  longPoll = 0;
  advance();
  if (waited) board.announce("A new item has come.");
}

function missing() {
  return (leases.current === null ? 2 : 1) - leases.ahead.length;
}

function retry() {
  disconnected = true;
  if (leases.current === null) board.empty("There is no connection. It goes on by itself.");
  setTimeout(fill, RETRY_MS);
}

// ---- answering ----

function answer(label) {
  const body = { label, active_seconds: activity.seconds(), comment: board.comment() };
  give("verdict", body, `Answered ${label}.`);
}

function skip(reason) {
  give("skip", { reason }, "Skipped.");
}

function give(kind, body, words) {
  const task = leases.current;
  if (task === null || undoing !== null) return;
  answers.keep(kind, task.token, body, task.item);
  remember([...given, task].slice(-UNDOABLE));
  board.notice("");
  advance();
  board.announce(leases.current === null ? words : `${words} Next item.`);
}

function remember(tasks) {
  given = tasks;
  const kept = tasks.map(({ token, item }) => ({ token, item }));
  sessionStorage.setItem(GIVEN, JSON.stringify(kept));
}

function undo() {
  const task = given.at(-1);
  if (task === undefined || undoing !== null) return;
  remember(given.slice(0, -1));
  // A page that was loaded anew no longer has what it showed before.
  if (task.node !== undefined && answers.withdraw(task.token)) {
    putFirst(task);
    board.announce("Taken back. The item is here again.");
    return;
  }
  undoing = task;
  show();
  board.announce("Taking back …");
  setTimeout(giveUpWaiting, UNDO_PATIENCE_MS, task);
  answers.keep("undo", task.token, null, task.item);
}

function giveUpWaiting(task) {
  if (undoing === null || undoing !== task) return;
  undoing = null;
  show();
  board.notice("The answer is taken back once the connection is there.");
}

async function taken(entry) {
  progress();
  if (entry.kind !== "undo") return;
  const { task_id: taskId } = entry.reply ?? {};
  const task = taskId === undefined ? null : await leases.retrieve(taskId);
  const wanted = undoing?.token === entry.token;
  undoing = null;
  if (task === null) {
    show();
    board.notice("The answer was taken back; its item comes again later.");
  } else if (wanted || leases.current === null || leases.current === task) {
    if (leases.current === task) show();
    else putFirst(task);
    board.announce("Taken back. The item is here again.");
  } else {
    // Somebody may be about to answer what is shown: what came late is next.
    leases.ahead.unshift(task);
    board.notice("The answer was taken back; its item is next.");
  }
}

function refused(entry, why) {
  undoing = null;
  show();
  board.notice(`${entry.item}: the ${entry.kind} was not taken. ${why}`);
}

// ---- what goes wrong ----

function waiting() {
  disconnected = true;
  showUnsent();
  giveUpWaiting(undoing);
}

function showUnsent() {
  const kept = answers.list();
  if (kept.length === 0) disconnected = false;
  board.unsent(disconnected ? kept.length : 0);
  showProgress();
}

function lost(task) {
  if (task !== leases.current) return;
  board.notice("The time for that item ran out; it went back to the queue.");
  advance();
}

function reloading() {
  stale = true;
  if (leases.current === null) location.reload();
}

function ended() {
  stopped = true;
  board.ended();
}

function sent() {
  board.announce("Your feedback was sent.");
}

// ---- progress ----

let asking = 0;

function progress() {
  clearTimeout(asking);
  asking = setTimeout(askProgress, PROGRESS_PAUSE_MS);
}

async function askProgress() {
  const reply = await call("GET", `/ui/p/${project.name}/progress?since=${startOfToday()}`);
  if (reply?.status !== 200) return;
  server = JSON.parse(reply.text);
  showProgress();
}

function showProgress() {
  const kept = answers.list();
  const count = (kind) => kept.filter((entry) => entry.kind === kind).length;
  board.progress({ ...server, verdicts: server.verdicts + count("verdict"), skips: server.skips + count("skip") });
}

// ---- beginning ----

function start() {
  document.getElementById("work").hidden = false;
  advance();
}

async function acknowledge() {
  const revision = Number(main.dataset.instructionsRevision);
  const reply = await call("POST", `/ui/p/${project.name}/acknowledge`, { body: { revision } });
  if (reply?.status === 401) ended();
  else if (reply?.status !== 204) board.notice("There is no connection; try again in a moment.");
  else {
    document.getElementById("first").remove();
    start();
  }
}

document.addEventListener("visibilitychange", () => fill());
addEventListener("online", () => fill());
// A page that comes back from the browser's cache has given its leases back.
addEventListener("pageshow", (event) => event.persisted && location.reload());
setInterval(() => document.hidden || progress(), PROGRESS_MS);
progress();
answers.send();
if (main.dataset.hasRead === "true") start();
else document.getElementById("acknowledge").addEventListener("click", acknowledge);
