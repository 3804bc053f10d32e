// The first project: columns of a file suggest fields and labels; then the file is uploaded.
import { firstRows, openTable } from "./table.js";
import { Progress, upload } from "./upload.js";

const READ = 20_000;
const MOST_LABELS = 100;
const form = document.querySelector("#first");
const find = (id) => document.getElementById(id);
let [table, header, rows, created] = [null, [], [], null];
let progress = new Progress();

const slug = (text) => text.toLowerCase().normalize("NFKD").replace(/[^a-z0-9]+/g, "-").replace(/^[^a-z]+|-+$/g, "").slice(0, 63);
const fieldName = (text) => text.replace(/[^A-Za-z0-9_]+/g, "_").replace(/^(?=[0-9])/, "_").slice(0, 63) || "text";

function options(select, isOptional, wanted) {
  const all = header.map((name, place) => new Option(name || `column ${place + 1}`, place));
  select.replaceChildren(...(isOptional ? [new Option("none", "")] : []), ...all);
  const place = header.findIndex((name) => wanted.includes(name.toLowerCase()));
  if (place >= 0) select.value = String(place);
}

/** The column with the longest cells is most likely what people read. */
function longest() {
  const length = (place) => rows.reduce((sum, cells) => sum + shown(cells[place]).length, 0);
  return header.reduce((best, _, place) => (length(place) > length(best) ? place : best), 0);
}

const shown = (cell) => (typeof cell === "string" ? cell : JSON.stringify(cell ?? ""));

function suggest() {
  const label = find("label-column").value;
  const name = header[find("text-column").value] ?? "text";
  find("fields").value = fieldName(name.replace(/^data\./, ""));
  let words = `${header.length} columns, read as ${table.isJson ? "JSON Lines" : "CSV"}. `;
  if (label !== "") {
    const counts = new Map();
    for (const cells of rows) {
      const one = shown(cells[label] ?? "").trim();
      if (one) counts.set(one, (counts.get(one) ?? 0) + 1);
    }
    const labels = [...counts.keys()].sort((one, other) => counts.get(other) - counts.get(one));
    if (labels.length > MOST_LABELS) words += `That column has ${labels.length} different values: are they labels?`;
    else {
      find("labels").value = labels.join("\n");
      words += `${labels.length} labels were found in the first ${rows.length} rows: see below.`;
    }
  }
  find("found").textContent = words;
}

// A name that a person has typed, now or before the form came back, stays.
let isNameTyped = find("name").value !== "";

function suggestName() {
  if (!isNameTyped) find("name").value = slug(find("title").value);
}

find("file").addEventListener("change", async () => {
  const [file] = find("file").files;
  table = null;
  if (!file) return;
  try {
    const opened = await openTable(file);
    rows = await firstRows(opened, READ);
    [table, header, progress] = [opened, opened.header, new Progress()];
  } catch (error) {
    find("found").textContent = error.message;
    return;
  }
  options(find("text-column"), false, ["text", "data.text"]);
  if (!header.some((name) => ["text", "data.text"].includes(name.toLowerCase()))) find("text-column").value = String(longest());
  options(find("label-column"), true, ["label", "sentiment", "class", "category", "intent", "topic"]);
  options(find("id-column"), true, ["item_id", "id"]);
  find("columns").hidden = false;
  find("title").value ||= file.name.replace(/\.[a-z]+$/i, "").replace(/[_-]+/g, " ");
  suggestName();
  suggest();
});
for (const id of ["text-column", "label-column"]) find(id).addEventListener("change", suggest);
find("title").addEventListener("input", suggestName);
find("name").addEventListener("input", () => (isNameTyped = true));

function fail(words) {
  find("fault").textContent = words;
  find("fault").hidden = false;
  find("fault").scrollIntoView({ block: "center" });
  form.querySelector("button[type=submit]").disabled = false;
}

async function post(path, body) {
  const headers = { Accept: "application/json" };
  return fetch(path, { method: "POST", headers, body: new URLSearchParams(body) });
}

/** Create the project, unless that was done before the upload stopped. */
async function create() {
  const made = await post("/projects/new", new FormData(form));
  const answer = await made.json().catch(() => ({ fault: "Your session has ended: sign in in another tab, then press again." }));
  if (answer.fault) throw new Error(answer.fault);
  return answer.project;
}

async function run() {
  created ??= await create();
  const place = (id) => (find(id).value === "" ? null : Number(find(id).value));
  const [field] = find("fields").value.trim().split(/[:\n]/, 1);
  const mapping = {
    item_id: place("id-column"),
    label: place("label-column"),
    fields: { [field.trim()]: place("text-column") },
    metadata: {},
  };
  find("progress").hidden = false;
  const told = (words) => {
    find("progress").value = progress.share;
    find("said").textContent = `${progress.rows} rows sent, ${progress.rejected} rejected. ${words}`;
  };
  const { signal } = new AbortController();
  await upload(table, progress, { project: created, form: form.dataset.form, mapping, labelled: "train", signal, told });
  const base = `/projects/${encodeURIComponent(created)}`;
  const size = Math.min(progress.pooled, Math.ceil(1.1 * Number(find("first_labels").value)));
  if (size > 0) await post(`${base}/data`, { csrf: form.dataset.form, act: "ask", strategy: "random", size });
  location.assign(`${base}/people?notice=posted`);
}

form.addEventListener("submit", (event) => {
  if (!table) return;
  event.preventDefault();
  form.querySelector("button[type=submit]").disabled = true;
  run().catch((error) => fail(created ? `The project is there, but the upload stopped: ${error.message} Press the button to go on.` : error.message));
});
