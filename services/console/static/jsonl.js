// JSON Lines as rows of a table: the members of `data` and `metadata` are columns of their own.
const NESTED = ["data", "metadata"];
const LONGEST = 8_000_000;
const MOST_COLUMNS = 200;
const LONG = /[0-9]{16}/;

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

/** The item's members by their names, as in `data.text`. */
function flat(item) {
  const cells = {};
  for (const [name, value] of Object.entries(item)) {
    if (NESTED.includes(name) && isObject(value)) {
      for (const [inner, one] of Object.entries(value)) cells[`${name}.${inner}`] = one;
    } else {
      cells[name] = value;
    }
  }
  return cells;
}

function parsed(text) {
  try {
    const item = JSON.parse(text);
    return isObject(item) ? flat(item) : null;
  } catch {
    return null;
  }
}

function faultOf(item, text) {
  if (item === null) return "is not a JSON object";
  // JavaScript rounds longer integers: two ids may become one.
  return LONG.test(text) && isRounded(item, text) ? "has a number of more than 15 digits: write it in quotes" : "";
}

function isRounded(value, text) {
  if (typeof value === "number") return Number.isInteger(value) && !Number.isSafeInteger(value) && !text.includes(String(value));
  return value !== null && typeof value === "object" && Object.values(value).some((one) => isRounded(one, text));
}

/** The names of all columns that the beginning of a file has. */
export function columnsOf(beginning, isWhole) {
  const lines = beginning.split("\n");
  if (!isWhole && lines.length > 1) lines.pop();
  const names = new Set();
  for (const text of lines) for (const name of Object.keys(parsed(text) ?? {})) names.add(name);
  if (!names.size) throw new Error("No line of the file's beginning is a JSON object.");
  return [...names].slice(0, MOST_COLUMNS);
}

/** Yields { cells, line } for each line that is not blank, or { fault, line }. */
export async function* jsonRecords(pieces, header) {
  let [rest, line] = ["", 0];
  const row = (text) => {
    const item = parsed(text);
    const fault = faultOf(item, text);
    if (fault) return { fault, cells: null, text, line };
    return { cells: header.map((name) => item[name] ?? null), line };
  };
  for await (const piece of pieces) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop();
    for (const text of lines) {
      line += 1;
      if (text.trim()) yield row(text);
    }
    if (rest.length > LONGEST) throw new Error(`Line ${line + 1} is too long: write one JSON object a line.`);
  }
  line += 1;
  if (rest.trim()) yield row(rest);
}
