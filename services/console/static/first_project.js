// The first project: columns of a CSV suggest fields and labels; then the file is uploaded.
import { beginning, upload } from "./table.js";

const READ = 2000;
const MOST_LABELS = 100;
const form = document.querySelector("#first");
const find = (id) => document.getElementById(id);
let [file, header, rows] = [null, [], []];

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
  const length = (place) => rows.reduce((sum, cells) => sum + (cells[place] ?? "").length, 0);
  return header.reduce((best, _, place) => (length(place) > length(best) ? place : best), 0);
}

function suggest() {
  const label = find("label-column").value;
  find("fields").value = fieldName(header[find("text-column").value] ?? "text");
  let words = `${header.length} columns. `;
  if (label !== "") {
    const counts = new Map();
    for (const cells of rows) {
      const one = (cells[label] ?? "").trim();
      if (one) counts.set(one, (counts.get(one) ?? 0) + 1);
    }
    const labels = [...counts.keys()].sort((one, other) => counts.get(other) - counts.get(one));
    if (labels.length > MOST_LABELS) words += `That column has ${labels.length} different values: are they labels?`;
    else find("labels").value = labels.join("\n");
  }
  find("found").textContent = words;
}

find("file").addEventListener("change", async () => {
  [file] = find("file").files;
  if (!file) return;
  ({ header, rows } = await beginning(file, READ));
  options(find("text-column"), false, ["text", "data.text"]);
  if (!header.some((name) => ["text", "data.text"].includes(name.toLowerCase()))) find("text-column").value = String(longest());
  options(find("label-column"), true, ["label", "sentiment", "class", "category"]);
  options(find("id-column"), true, ["item_id", "id"]);
  find("columns").hidden = false;
  if (!find("title").value) {
    find("title").value = file.name.replace(/\.[a-z]+$/i, "").replace(/[_-]+/g, " ");
    find("name").value = slug(find("title").value);
  }
  suggest();
});
for (const id of ["text-column", "label-column"]) find(id).addEventListener("change", suggest);
find("title").addEventListener("input", () => {
  if (!find("name").dataset.typed) find("name").value = slug(find("title").value);
});
find("name").addEventListener("input", () => (find("name").dataset.typed = "yes"));

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

async function run() {
  const made = await post("/projects/new", new FormData(form));
  const answer = await made.json().catch(() => ({ fault: "Your session has ended: sign in in another tab, then press again." }));
  if (answer.fault) return fail(answer.fault);
  const { project } = answer;
  const base = `/projects/${encodeURIComponent(project)}`;
  const place = (id) => (find(id).value === "" ? null : Number(find(id).value));
  const [field] = find("fields").value.trim().split(/[:\n]/, 1);
  const mapping = {
    item_id: place("id-column"),
    label: place("label-column"),
    fields: { [field.trim()]: place("text-column") },
    metadata: {},
  };
  find("progress").hidden = false;
  const told = ({ share, rows: sent, rejected }) => {
    find("progress").value = share;
    find("said").textContent = `${sent} rows sent, ${rejected.length} rejected.`;
  };
  const signal = new AbortController().signal;
  const counts = await upload(file, { project, form: form.dataset.form, mapping, signal, told });
  const size = Math.min(counts.pooled, Math.ceil(1.1 * Number(find("first_labels").value)));
  if (size > 0) await post(`${base}/data`, { csrf: form.dataset.form, act: "ask", strategy: "random", size });
  location.assign(`${base}/people?notice=posted`);
  return undefined;
}

form.addEventListener("submit", (event) => {
  if (!file) return;
  event.preventDefault();
  form.querySelector("button[type=submit]").disabled = true;
  run().catch((error) => fail(`Stopped: ${error.message}`));
});
