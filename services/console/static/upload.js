// Sends the rows of a table to the console in pieces; may be stopped between two, and go on later.
const ROWS = 500;
const CHARACTERS = 1_000_000;
const WAITS_SECONDS = [1, 2, 4, 8, 15, 30];
const MOST_REJECTED = 50_000_000;

/** What has become of a table's rows so far. */
export class Progress {
  constructor() {
    Object.assign(this, { rows: 0, pooled: 0, labelled: 0, gold: 0, duplicates: 0, rejected: 0, share: 0 });
    [this.parts, this.pending, this.kept] = [[], [], 0];
  }

  /** Keep a rejected row with its fault, as a line that can be mended and sent again. */
  reject(table, { cells, text, line }, detail) {
    this.rejected += 1;
    const written = table.isJson
      ? JSON.stringify({ rejected: detail, line, ...(cells ? memberOf(table, cells) : { text }) })
      : [detail, line, ...cells].map(quoted).join(",");
    this.kept += written.length + 1;
    if (this.kept > MOST_REJECTED) return;
    this.pending.push(written, "\n");
    // A Blob may lie on the disk; strings lie in memory.
    if (this.pending.length > 2000) this.parts.push(new Blob(this.pending.splice(0)));
  }

  /** The rejected rows as a file. */
  file(table) {
    const head = table.isJson ? [] : ["\uFEFF", ["rejected", "line", ...table.header].map(quoted).join(","), "\n"];
    const type = table.isJson ? "application/x-ndjson" : "text/csv";
    return new Blob([...head, ...this.parts, ...this.pending], { type });
  }
}

const quoted = (cell) => (/[",;\t\r\n]/.test(cell) ? `"${String(cell).replaceAll('"', '""')}"` : String(cell));

function memberOf({ header }, cells) {
  const item = {};
  header.forEach((name, place) => {
    if (cells[place] === null || cells[place] === undefined) return;
    const [outer, inner] = name.split(/\.(.*)/s, 2);
    if (inner && ["data", "metadata"].includes(outer)) (item[outer] ??= {})[inner] = cells[place];
    else item[name] = cells[place];
  });
  return item;
}

/**
 * Sends all rows that `progress` does not count yet, and calls `told(words)` after each piece, with
 * words while the console does not answer. Throws when `signal` is aborted, when the console
 * refuses, and when it stays away; then the same call goes on from there.
 */
export async function upload(table, progress, { project, form, mapping, labelled, signal, told }) {
  const body = { mapping, labelled, is_json: table.isJson };
  let [piece, characters, bytes, place] = [[], 0, 0, 0];
  const send = async () => {
    const good = piece.filter((row) => !row.fault);
    if (good.length) await take(table, progress, good, (rows) => sent(project, form, { ...body, ...rows }, signal, told));
    for (const row of piece) if (row.fault) progress.reject(table, row, row.fault);
    progress.rows += piece.length;
    progress.share = bytes / table.file.size;
    [piece, characters] = [[], 0];
    told("");
  };
  for await (const row of table.rows((read) => (bytes = read))) {
    signal.throwIfAborted();
    place += 1;
    if (place <= progress.rows) continue;
    piece.push(row);
    characters += (row.cells ?? []).reduce((sum, cell) => sum + sizeOf(cell) + 4, 0);
    if (piece.length >= ROWS || characters >= CHARACTERS) await send();
  }
  await send();
  progress.share = 1;
}

const sizeOf = (cell) => (typeof cell === "string" ? cell.length : (JSON.stringify(cell)?.length ?? 0));

async function take(table, progress, rows, post) {
  const answer = await post({ rows: rows.map((row) => row.cells), lines: rows.map((row) => row.line) });
  if (answer === null) {
    // The piece is too large: the row alone may fit.
    if (rows.length === 1) progress.reject(table, rows[0], "is too large");
    else for (const row of rows) await take(table, progress, [row], post);
    return;
  }
  for (const key of ["pooled", "labelled", "gold", "duplicates"]) progress[key] += answer[key];
  const byLine = new Map(rows.map((row) => [row.line, row]));
  for (const { line, detail } of answer.rejected) progress.reject(table, byLine.get(line), detail);
}

/** The answer of the console, asked again while it is away; null where the piece is too large. */
async function sent(project, form, body, signal, told) {
  const address = `/projects/${encodeURIComponent(project)}/data/rows`;
  const headers = { "Content-Type": "application/json", "Surehand-Form": form };
  const request = { method: "POST", headers, body: JSON.stringify(body), signal };
  for (const wait of WAITS_SECONDS) {
    const { answer, words, isPassing } = await attempted(address, request);
    if (answer !== undefined) return answer;
    if (!isPassing) throw new Error(words);
    told(`${words} It is tried again in ${wait} s.`);
    await pause(wait, signal);
  }
  const { answer, words } = await attempted(address, request);
  if (answer === undefined) throw new Error(words);
  return answer;
}

async function attempted(address, request) {
  try {
    const response = await fetch(address, request);
    if (response.ok) return { answer: await response.json() };
    if (response.status === 413) return { answer: null };
    if (response.status === 401) return { words: "Your session has ended: sign in in another tab, then go on here." };
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const words = page.querySelector("main p")?.textContent ?? `The console answered ${response.status}.`;
    return { isPassing: response.status >= 500 || response.status === 429, words };
  } catch (error) {
    if (request.signal.aborted) throw error;
    return { isPassing: true, words: "The console does not answer." };
  }
}

function pause(seconds, signal) {
  return new Promise((done, fail) => {
    const timer = setTimeout(done, seconds * 1000);
    signal.addEventListener("abort", () => (clearTimeout(timer), fail(signal.reason)), { once: true });
  });
}
