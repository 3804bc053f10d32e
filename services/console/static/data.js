// Upload of a file: which column is what, a preview, progress, and what was rejected.
import { beginning, upload } from "./table.js";

const PREVIEWED = 5;
const root = document.querySelector("#upload");
const find = (name) => root?.querySelector(`#${name}`);
let [file, header, stopper] = [null, [], null];

function options(select, wanted, isOptional) {
  const rows = isOptional ? [new Option("none", "")] : [];
  header.forEach((name, place) => rows.push(new Option(name || `column ${place + 1}`, place)));
  select.replaceChildren(...rows);
  const names = header.map((name) => name.toLowerCase());
  const place = wanted.map((name) => names.indexOf(name)).find((one) => one >= 0);
  if (place !== undefined) select.value = String(place);
}

function preview(rows) {
  const line = (cells, kind) => {
    const row = document.createElement("tr");
    row.append(...cells.map((text) => Object.assign(document.createElement(kind), { textContent: text.slice(0, 200) })));
    return row;
  };
  find("preview").replaceChildren(line(header, "th"), ...rows.map((cells) => line(cells, "td")));
}

async function choose() {
  [file] = find("file").files;
  if (!file) return;
  const first = await beginning(file, PREVIEWED);
  header = first.header;
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
  preview(first.rows);
  find("mapping").hidden = false;
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

function say({ pooled, labelled, duplicates, rejected, rows, share }, ending = "") {
  find("progress").value = share ?? 1;
  find("said").textContent =
    `${rows} rows: ${pooled} into the pool, ${labelled} with a label, ` +
    `${duplicates} there already, ${rejected.length} rejected. ${ending}`;
}

function offer(rejected) {
  const quote = (text) => `"${String(text).replaceAll('"', '""')}"`;
  const lines = ["line,detail", ...rejected.map((one) => `${one.line},${quote(one.detail)}`)];
  find("rejected").href = URL.createObjectURL(new Blob([`${lines.join("\n")}\n`], { type: "text/csv" }));
  find("rejected").hidden = rejected.length === 0;
}

async function send() {
  stopper = new AbortController();
  find("send").disabled = true;
  find("cancel").hidden = find("progress").hidden = false;
  let last = { pooled: 0, labelled: 0, duplicates: 0, rejected: [], rows: 0 };
  const told = (counts) => {
    last = counts;
    say(counts);
  };
  const { project, form } = root.dataset;
  try {
    last = await upload(file, { project, form, mapping: mapping(), signal: stopper.signal, told });
    say(last, "Done.");
  } catch (error) {
    const words = stopper.signal.aborted ? "Cancelled; what was sent stays." : `Stopped: ${error.message}`;
    say(last, words);
  }
  offer(last.rejected);
  find("send").disabled = false;
  find("cancel").hidden = true;
}

find("file")?.addEventListener("change", choose);
find("send")?.addEventListener("click", send);
find("cancel")?.addEventListener("click", () => stopper?.abort());
