// The desk: shows one task at a time, takes its answer, and shows the next at once.
import { ActiveTime } from "./activity.js";
import { Answers } from "./answers.js";
import { call } from "./calls.js";
import { Board } from "./board.js";
import { Feedback } from "./feedback.js";
import { Leases } from "./leases.js";
import { Progress } from "./progress.js";
import { gist } from "./recent.js";

const WAIT_SECONDS = 20;
const RETRY_MS = 2_000;
const UNDO_PATIENCE_MS = 3_000;
const UNDOABLE = 20;

const main = document.getElementById("main");
const project = { name: main.dataset.project, revision: main.dataset.revision };
const board = new Board({ answer, skip, undo, change: takeBack });
const activity = new ActiveTime();
const leases = new Leases(project, activity, { lost, reloading, ended });
const answers = new Answers(project.name, main.dataset.subject, {
  changed: showUnsent, waiting, taken, late, refused, ended });
const progress = new Progress(project.name, answers, board);
new Feedback(project.name, { current: () => leases.current, sent, ended });

const GIVEN = `surehand:given:${project.name}:${main.dataset.subject}`;
let given = JSON.parse(sessionStorage.getItem(GIVEN) ?? "[]"); // can be taken back, newest last
let filling = false;
let undoing = null; // while an answer is being taken back no key may answer another task
let stale = false; // the project has changed: the page is loaded anew before the next task
let stopped = false;
let disconnected = false;

// ---- showing ----

function show() {
  const busy = undoing !== null;
  board.show(leases.current, { busy, given });
}

function advance() {
  // Before all else: what was answered is no longer held, and a page that closes gives back the rest.
  do leases.current = leases.ahead.shift() ?? null;
  while (leases.current !== null && goesOn(leases.current));
  if (stale) {
    location.reload();
    return;
  }
  activity.restart();
  show();
  remind();
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
    // A lease for a page that is being loaded anew would keep its task from all for as long as it lasts.
    while (!document.hidden && !stopped && !stale && missing() > 0) {
      const tasks = await leases.more(missing(), leases.current === null ? waitNow() : 0);
      if (tasks === null) {
        if (!stopped && !stale) retry();
        break;
      }
      disconnected = false;
      leases.ahead.push(...tasks.filter((task) => !goesOn(task)));
      if (tasks.length > 0) progress.ask();
      if (leases.current === null && leases.ahead.length > 0) arrive();
      // An answer may have been taken back meanwhile: its item is shown.
      else if (tasks.length === 0 && leases.current !== null) break;
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
  give("verdict", body, board.nameOf(label));
}

function skip(reason, to) {
  give("skip", { reason, to }, "Skipped");
}

function give(kind, body, said) {
  const task = leases.current;
  if (task === null || undoing !== null) return;
  answers.drop(task.taskId);
  answers.keep(kind, task, body);
  Object.assign(task, { said, earlier: body.label ?? null, gist: gist(task.node) });
  remember([...given, ...undoable(task, body)]);
  board.notice("");
  advance();
  const words = kind === "verdict" ? `Answered ${said}.` : `${said}.`;
  board.announce(leases.current === null ? words : `${words} Next item.`);
}

// What one has put off oneself comes again: there is nothing to take back.
function undoable(task, body) {
  return body.to === "me" ? [] : [task];
}

function remember(tasks) {
  given = tasks.slice(-UNDOABLE);
  const kept = given.map(({ token, item, taskId, said, earlier, gist: about }) => (
    { token, item, taskId, said, earlier, gist: about }));
  sessionStorage.setItem(GIVEN, JSON.stringify(kept));
}

function undo() {
  const last = given.at(-1);
  if (last !== undefined) takeBack(last);
}

function takeBack(task) {
  if (undoing !== null) return;
  remember(given.filter((one) => one !== task));
  // A page that was loaded anew no longer has what it showed before.
  if (task.node !== undefined && answers.withdraw(task.token)) {
    putFirst(task);
    board.announce("Taken back. The item is here again.");
    return;
  }
  if (answers.late(task.taskId)?.token === task.token) {
    answers.drop(task.taskId);
    show();
    board.notice("The answer was taken back; its item comes again later.");
    return;
  }
  undoing = task;
  show();
  board.announce("Taking back …");
  setTimeout(giveUpWaiting, UNDO_PATIENCE_MS, task);
  answers.keep("undo", task, null);
}

function giveUpWaiting(task) {
  if (undoing === null || undoing !== task) return;
  undoing = null;
  show();
  board.notice("The answer is taken back once the connection is there.");
}

async function taken(entry) {
  progress.ask();
  if (entry.kind !== "undo") return;
  const { task_id: taskId } = entry.reply ?? {};
  const task = taskId === undefined ? null : await leases.retrieve(taskId);
  const wanted = undoing?.token === entry.token;
  if (task !== null) task.earlier = entry.earlier;
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

// An answer whose lease had ended counts under the next lease of its task, if nothing has changed.
function goesOn(task) {
  const kept = answers.late(task.taskId);
  if (kept === undefined || kept.content !== task.content) return false;
  answers.again(kept, task.token);
  const { label = null } = kept.body;
  const said = kept.kind === "skip" ? "Skipped" : board.nameOf(label);
  Object.assign(task, { said, earlier: label, gist: gist(task.node) });
  remember([...given.filter((one) => one.taskId !== task.taskId), ...undoable(task, kept.body)]);
  board.notice(`${task.item} came to you again: your ${kept.kind} is sent now.`);
  return true;
}

function remind() {
  const kept = leases.current === null ? undefined : answers.late(leases.current.taskId);
  if (kept === undefined) return;
  const what = kept.kind === "verdict" ? `answered ${kept.body.label}` : "skipped it";
  board.notice(`You ${what}, too late; it or the project has changed since. Please answer it again.`);
}

function late(entry) {
  board.notice(`${entry.item}: its time ran out before your ${entry.kind} arrived. It is kept on this device, and sent when the item comes to you again.`);
  // It may be here already.
  leases.ahead = leases.ahead.filter((task) => !goesOn(task));
  if (leases.current !== null && goesOn(leases.current)) advance();
  else remind();
  fill();
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
  progress.show();
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

// ---- beginning ----

function start() {
  document.getElementById("work").hidden = false;
  advance();
}

async function acknowledge() {
  const revision = Number(main.dataset.instructionsRevision);
  const reply = await call("POST", `/review/${project.name}/instructions`, { body: { revision } });
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
progress.ask();
answers.send();
if (main.dataset.hasRead === "true") start();
else document.getElementById("acknowledge").addEventListener("click", acknowledge);
