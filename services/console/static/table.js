// A file as a table: CSV with a header, or JSON Lines, read piece by piece whatever its size.
import { csvRecords, delimiterOf } from "./csv.js";
import { columnsOf, jsonRecords } from "./jsonl.js";

const HEAD = 1_000_000;
const LOOKED_AT = 20_000_000;

/**
 * Opens a file. `header` has the names of its columns; `rows(read)` yields { cells, line } for each
 * row, or { fault, line } for one that is none, and calls `read(bytes)` as it goes on.
 */
export async function openTable(file) {
  const head = new Uint8Array(await file.slice(0, HEAD).arrayBuffer());
  const encoding = encodingOf(head);
  const beginning = new TextDecoder(encoding).decode(head);
  const isWhole = head.length === file.size;
  const first = beginning.trimStart()[0];
  if (first === undefined) throw new Error("The file is empty.");
  if (first === "[") throw new Error("This is one JSON list. Write one JSON object a line (JSON Lines), or CSV.");
  if (first === "{") {
    const header = columnsOf(beginning, isWhole);
    return { file, header, encoding, isJson: true, rows: (read) => jsonRecords(texts(file, encoding, read), header) };
  }
  const delimiter = delimiterOf(beginning.split("\n", 1)[0]);
  const records = (read) => csvRecords(texts(file, encoding, read), delimiter);
  const header = (await records(() => {}).next()).value?.cells.map((name) => name.trim()) ?? [];
  return { file, header, encoding, isJson: false, rows: (read) => withoutHeader(records(read)) };
}

async function* withoutHeader(records) {
  let isHeader = true;
  for await (const record of records) {
    if (!isHeader) yield record;
    isHeader = false;
  }
}

/** The first rows of a table, and not many if they are long. */
export async function firstRows(table, most) {
  const found = [];
  let read = 0;
  for await (const row of table.rows((bytes) => (read = bytes))) {
    if (row.cells) found.push(row.cells);
    if (found.length >= most || read >= LOOKED_AT) break;
  }
  return found;
}

/** UTF-8, or UTF-16 by its mark; else what spreadsheets of Western Europe and America write. */
function encodingOf(head) {
  if (head[0] === 0xff && head[1] === 0xfe) return "utf-16le";
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true });
    return "utf-8";
  } catch {
    return "windows-1252";
  }
}

/** The file's text in pieces. */
async function* texts(file, encoding, read) {
  const decoder = new TextDecoder(encoding, { fatal: true });
  const reader = file.stream().getReader();
  let bytes = 0;
  const decoded = (...given) => {
    try {
      return decoder.decode(...given);
    } catch {
      throw new Error(`The file is no text in UTF-8 near its byte ${bytes}. Save it as "CSV UTF-8".`);
    }
  };
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes += value.length;
      read(bytes);
      yield decoded(value, { stream: true });
    }
    yield decoded();
  } finally {
    reader.cancel().catch(() => {});
  }
}
