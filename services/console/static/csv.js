// Records of a CSV file (RFC 4180), out of pieces of its text.
const DELIMITERS = [",", ";", "\t"];
const LONGEST = 8_000_000;

/** The delimiter that the header has most of. */
export function delimiterOf(header) {
  const count = (one) => header.split(one).length;
  return DELIMITERS.reduce((best, one) => (count(one) > count(best) ? one : best));
}

/** Yields { cells, line } for each record, with the line on which it ends. */
export async function* csvRecords(pieces, delimiter) {
  let [rest, line] = ["", 1];
  for await (const piece of pieces) {
    rest += piece;
    let start = 0;
    for (;;) {
      const record = recordAt(rest, start, delimiter);
      if (record === null) break;
      if (record.cells.length > 1 || record.cells[0] !== "") yield { cells: record.cells, line: line + record.lines };
      line += record.lines + 1;
      start = record.end;
    }
    rest = rest.slice(start);
    if (rest.length > LONGEST) throw unclosed(line);
  }
  const last = rest && recordAt(`${rest}\n`, 0, delimiter);
  if (last === null) throw unclosed(line);
  if (last) yield { cells: last.cells, line: line + last.lines };
}

function unclosed(line) {
  return new Error(`The row that begins on line ${line} does not end: is a quote in it never closed?`);
}

/** The record that begins at `start`, with the line feeds within it; null where its end is not there yet. */
function recordAt(text, start, delimiter) {
  const end = text.indexOf("\n", start);
  if (end < 0) return null;
  const plain = text.slice(start, text[end - 1] === "\r" && end > start ? end - 1 : end);
  if (!plain.includes('"')) return { cells: plain.split(delimiter), lines: 0, end: end + 1 };
  return quotedRecordAt(text, start, delimiter);
}

function quotedRecordAt(text, start, delimiter) {
  const cells = [];
  for (let [place, lines] = [start, 0]; ; place += 1) {
    let cell = "";
    if (text[place] === '"') {
      const closed = quotedCellAt(text, place);
      if (closed === null) return null;
      ({ cell, place } = closed);
      lines += cell.split("\n").length - 1;
    }
    // What stands outside of quotes, up to the cell's end.
    let last = place;
    while (last < text.length && text[last] !== delimiter && text[last] !== "\n") last += 1;
    if (last === text.length) return null;
    const isEnd = text[last] === "\n";
    cell += text.slice(place, isEnd && text[last - 1] === "\r" ? last - 1 : last);
    cells.push(cell);
    place = last;
    if (isEnd) return { cells, lines, end: place + 1 };
  }
}

/** The text of a cell in quotes, of which two within are one, and where it ends. */
function quotedCellAt(text, start) {
  let [cell, place] = ["", start + 1];
  for (;;) {
    const quote = text.indexOf('"', place);
    if (quote < 0) return null;
    cell += text.slice(place, quote);
    if (text[quote + 1] !== '"') return { cell, place: quote + 1 };
    cell += '"';
    place = quote + 2;
  }
}
