// Upload of a file: which column is what, a preview, progress, cancel and go on, what was rejected.
import { firstRows, openTable } from "./table.js";
import { Progress, upload } from "./upload.js";

const [PREVIEWED, LOOKED_AT] = [5, 1000];
const root = document.querySelector("#upload");
const find = (name) => root.querySelector(`#${name}`);
let [table, rows, progress, stopper] = [null, [], new Progress(), null];

function options(select, wanted, isOptional) {
  const all = isOptional ? [new Option("none", "")] : [];
  table.header.forEach((name, place) => all.push(new Option(name || `column ${place + 1}`, place)));
  select.replaceChildren(...all);
  const names = table.header.map((name) => name.toLowerCase());
  const place = wanted.map((name) => names.indexOf(name)).find((one) => one >= 0);
  if (place !== undefined) select.value = String(place);
}

const shown = (cell) => (typeof cell === "string" ? cell : JSON.stringify(cell ?? "")).slice(0, 200);

function preview() {
  const line = (cells, kind) => {
    const row = document.createElement("tr");
    row.append(...cells.map((text) => Object.assign(document.createElement(kind), { textContent: text })));
    return row;
  };
  const first = rows.slice(0, PREVIEWED).map((cells) => line(cells.map(shown), "td"));
  find("preview").replaceChildren(line(table.header, "th"), ...first);
}

/** What the column of labels holds, as far as the first rows tell. */
function tellLabels() {
  const { value } = root.querySelector("[data-role=label]");
  const known = new Set(JSON.parse(root.dataset.labels));
  const counts = new Map();
  for (const cells of value === "" ? [] : rows) {
    const label = shown(cells[value] ?? "").trim();
    if (label) counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  const strange = [...counts].filter(([label]) => !known.has(label)).map(([label, count]) => `${label} (${count})`);
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const more = strange.length > 10 ? " and others" : "";
  find("labels-found").textContent =
    value === "" ? "" : `${total} of the first ${rows.length} rows have a label. ` +
    (strange.length ? `Not labels of this project, so these rows will be rejected: ${strange.slice(0, 10).join(", ")}${more}.` : "");
}

async function choose() {
  const [file] = find("file").files;
  if (!file) return;
  find("mapping").hidden = find("rejected").hidden = find("progress").hidden = true;
  find("said").textContent = "";
  try {
    table = await openTable(file);
    rows = await firstRows(table, LOOKED_AT);
  } catch (error) {
    find("said").textContent = error.message;
    return;
  }
  for (const select of root.querySelectorAll("[data-field]")) {
    const name = select.dataset.field.toLowerCase();
    options(select, [name, `data.${name}`], false);
  }
  options(root.querySelector("[data-role=item_id]"), ["item_id", "id"], true);
  options(root.querySelector("[data-role=label]"), ["label"], true);
  for (const select of root.querySelectorAll("[data-metadata]")) {
    const name = select.dataset.metadata.toLowerCase();
    options(select, [name, `metadata.${name}`], true);
  }
  find("encoding").textContent = table.encoding === "utf-8" ? "" : `The file is no UTF-8: it is read as ${table.encoding}. Look at the letters below.`;
  preview();
  anew();
  find("mapping").hidden = false;
}

/** Another file or mapping begins from the first row. */
function anew() {
  progress = new Progress();
  find("send").textContent = "Upload";
  tellLabels();
}

function mapping() {
  const value = (select) => (select.value === "" ? null : Number(select.value));
  const chosen = (kind) =>
    Object.fromEntries(
      [...root.querySelectorAll(`[data-${kind}]`)]
        .filter((select) => select.value !== "")
        .map((select) => [select.dataset[kind], Number(select.value)]),
    );
  return {
    item_id: value(root.querySelector("[data-role=item_id]")),
    label: value(root.querySelector("[data-role=label]")),
    fields: chosen("field"),
    metadata: chosen("metadata"),
  };
}

const number = new Intl.NumberFormat("en", { useGrouping: true });

function say(words) {
  const { pooled, labelled, gold, duplicates, rejected } = progress;
  const parts = [[pooled, "into the pool"], [labelled, "with a label"], [gold, "gold"], [duplicates, "there already"], [rejected, "rejected"]];
  const counts = parts.filter(([count]) => count).map(([count, what]) => `${number.format(count)} ${what}`);
  find("progress").value = progress.share;
  const total = `${number.format(progress.rows)} rows${counts.length ? `: ${counts.join(", ")}` : ""}.`;
  find("said").textContent = `${total} ${words}`.trim();
}

/** The mark of this session's forms, which a new sign-in has changed. */
async function mark() {
  const response = await fetch(location.pathname);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  return page.querySelector("#upload")?.dataset.form ?? root.dataset.form;
}

async function send() {
  stopper = new AbortController();
  const { signal } = stopper;
  if (progress.isDone) progress = new Progress();
  busy(true);
  say("");
  try {
    const form = progress.rows ? await mark() : root.dataset.form;
    const labelled = find("labelled").value;
    await upload(table, progress, { project: root.dataset.project, form, mapping: mapping(), labelled, signal, told: say });
    say("Done.");
    progress.isDone = true;
    find("send").textContent = "Upload";
  } catch (error) {
    say(signal.aborted ? "Cancelled: what was sent stays." : `Stopped: ${error.message}`);
    if (progress.rows) find("send").textContent = `Go on after row ${number.format(progress.rows)}`;
  }
  busy(false);
}

function busy(isBusy) {
  for (const one of root.querySelectorAll("input, select, #send")) one.disabled = isBusy;
  find("cancel").hidden = !isBusy;
  find("progress").hidden = false;
  find("rejected").hidden = isBusy || progress.rejected === 0;
  if (!isBusy && progress.rejected) offer();
}

function offer() {
  URL.revokeObjectURL(find("rejected").href);
  find("rejected").href = URL.createObjectURL(progress.file(table));
  find("rejected").download = table.isJson ? "rejected.jsonl" : "rejected.csv";
}

if (root) {
  find("file").addEventListener("change", choose);
  find("send").addEventListener("click", send);
  find("cancel").addEventListener("click", () => stopper?.abort());
  find("mapping").addEventListener("change", anew);
  // A page that is left stops its upload.
  addEventListener("beforeunload", (event) => find("cancel").hidden || event.preventDefault());
}
