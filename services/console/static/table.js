// A CSV file as rows, read piece by piece: a file of any size takes no more memory than one piece.
const DELIMITERS = [",", ";", "\t"];

/** The delimiter that the header has most of. */
function delimiterOf(header) {
  const count = (one) => header.split(one).length;
  return DELIMITERS.reduce((best, one) => (count(one) > count(best) ? one : best));
}

/** Yields { cells, line } for each record (RFC 4180), with the line on which it ends. */
export async function* records(file) {
  const head = await file.slice(0, 65_536).text();
  const delimiter = delimiterOf(head.split("\n", 1)[0]);
  const reader = file.stream().pipeThrough(new TextDecoderStream()).getReader();
  let [cells, cell, quoted, afterQuote, line] = [[], "", false, false, 1];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      for (const one of value) {
        if (quoted) {
          if (one === '"') [quoted, afterQuote] = [false, true];
          else cell += one;
          if (one === "\n") line += 1;
        } else if (one === '"' && (cell === "" || afterQuote)) {
          // Two quotes within quotes are one.
          if (afterQuote) cell += '"';
          [quoted, afterQuote] = [true, false];
        } else if (one === delimiter) {
          cells.push(cell);
          [cell, afterQuote] = ["", false];
        } else if (one === "\n") {
          cells.push(cell.endsWith("\r") ? cell.slice(0, -1) : cell);
          if (cells.length > 1 || cells[0] !== "") yield { cells, line };
          [cells, cell, afterQuote] = [[], "", false];
          line += 1;
        } else {
          cell += one;
        }
      }
    }
    if (cell !== "" || cells.length) yield { cells: [...cells, cell], line };
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** The header, and the first rows. */
export async function beginning(file, most) {
  const rows = [];
  let header = null;
  for await (const { cells } of records(file)) {
    if (header === null) header = cells.map((name) => name.replace(/^\uFEFF/, "").trim());
    else rows.push(cells);
    if (rows.length >= most) break;
  }
  return { header: header ?? [], rows };
}

const ROWS = 500;
const CHARACTERS = 1_000_000;

/**
 * Sends all rows in pieces, and calls `told({ share, … })` after each of them.
 * Ends early when `signal` is aborted; a piece that failed is sent once more.
 */
export async function upload(file, { project, form, mapping, signal, told }) {
  const counts = { pooled: 0, labelled: 0, duplicates: 0, rejected: [], rows: 0 };
  let [piece, characters, read, isHeader] = [{ rows: [], lines: [] }, 0, 0, true];
  const send = async () => {
    if (piece.rows.length) {
      const answer = await sent(project, form, { mapping, ...piece }, signal);
      for (const key of ["pooled", "labelled", "duplicates"]) counts[key] += answer[key];
      counts.rejected.push(...answer.rejected);
      counts.rows += piece.rows.length;
    }
    read += characters;
    [piece, characters] = [{ rows: [], lines: [] }, 0];
    told({ ...counts, share: Math.min(1, read / file.size) });
  };
  for await (const { cells, line } of records(file)) {
    signal.throwIfAborted();
    characters += cells.reduce((sum, cell) => sum + cell.length + 1, 0);
    if (isHeader) {
      isHeader = false;
      continue;
    }
    piece.rows.push(cells);
    piece.lines.push(line);
    if (piece.rows.length >= ROWS || characters >= CHARACTERS) await send();
  }
  await send();
  return counts;
}

async function sent(project, form, body, signal, isLast = false) {
  const address = `/projects/${encodeURIComponent(project)}/data/rows`;
  const headers = { "Content-Type": "application/json", "Surehand-Form": form };
  try {
    const response = await fetch(address, { method: "POST", headers, body: JSON.stringify(body), signal });
    if (response.ok) return await response.json();
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const words = page.querySelector("main p")?.textContent;
    throw new Error(words ?? `The console answered ${response.status}.`);
  } catch (error) {
    if (isLast || signal.aborted) throw error;
    await new Promise((done) => setTimeout(done, 1000));
    return sent(project, form, body, signal, true);
  }
}
