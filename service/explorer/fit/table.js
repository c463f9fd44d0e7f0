// A table as text: its header, what its columns may be, and which of them play which part.

const SEPARATORS = [";", "\t", ","];
const N_SAMPLE_ROWS = 50;
const TIME = /^(time|date|datetime|timestamp|second|minute|hour|day|week|month|quarter|year|step|t)s?$/i;
const SEQUENCE = /^(sequence|series|recording|test|run|trial|batch|patient|subject|region|group|id|unit)s?$/i;
const TARGET = /^(target|output|response|y)$/i;
const DATE = /^\d{1,4}[-/]\d{1,2}([-/]\d{1,4})?([ T].*)?$|^\d{1,2}\.\d{1,2}\.\d{4}([ T].*)?$/;
const NUMBER = /^[-+]?[\d.,]*\d[\d.,]*(e[-+]?\d+)?$/i;
const MISSING = /^(|na|n\/a|nan|null|none|-|\?)$/i;

/** @typedef {{name: string, text: string, columns: {name: string, kind: string}[], n_rows: number}} Table */
/** @typedef {{time: string, target: string, sequence: string, inputs: string[]}} Columns "" is none */

/** @param {string} name @param {string} text @returns {Table} */
export function readTable(name, text) {
  const lines = text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .filter((line) => line.trim());
  const [first = ""] = lines;
  const separator = SEPARATORS.find((each) => first.includes(each)) ?? ",";
  const rows = lines.slice(1, 1 + N_SAMPLE_ROWS).map((line) => splitLine(line, separator));
  const columns = splitLine(first, separator).map((each, j) => ({ name: each, kind: findKind(rows.map((row) => row[j] ?? "")) }));
  return { name, text, columns, n_rows: Math.max(0, lines.length - 1) };
}

/** @param {string} line @param {string} separator */
function splitLine(line, separator) {
  const fields = [""];
  let isQuoted = false;
  for (const letter of line) {
    if (letter === '"') isQuoted = !isQuoted;
    else if (letter === separator && !isQuoted) fields.push("");
    else fields[fields.length - 1] += letter;
  }
  return fields.map((field) => field.trim());
}

/** @param {string[]} fields */
function findKind(fields) {
  const present = fields.filter((field) => !MISSING.test(field));
  if (present.length && present.every((field) => DATE.test(field))) return "date";
  // One field in error does not make a column of numbers one of names: the service says where it is.
  return present.filter((field) => NUMBER.test(field)).length >= present.length / 2 ? "number" : "text";
}

/** Return the part that each column probably plays. @param {Table} table @returns {Columns} */
export function recognizeColumns({ columns }) {
  const taken = new Set([""]);
  /** @param {(column: {name: string, kind: string}) => boolean} isMatch */
  const take = (isMatch) => {
    const name = columns.find((column) => !taken.has(column.name) && isMatch(column))?.name ?? "";
    taken.add(name);
    return name;
  };
  const time = take(({ kind }) => kind === "date") || take(({ name, kind }) => kind === "number" && TIME.test(name));
  const sequence = take(({ name }) => SEQUENCE.test(name)) || take(({ kind }) => kind === "text");
  const numbers = () => columns.filter(({ name, kind }) => kind === "number" && !taken.has(name)).map(({ name }) => name);
  const target = take(({ name }) => TARGET.test(name)) || (numbers().at(-1) ?? "");
  taken.add(target);
  return { time, sequence, target, inputs: numbers() };
}

/** Return the columns that a table still has to offer as inputs. @param {Table} table @param {Columns} columns */
export function listInputs({ columns: all }, { time, target, sequence }) {
  return all.filter(({ name, kind }) => name && kind === "number" && ![time, target, sequence].includes(name)).map(({ name }) => name);
}

/** Give a part to another column, which loses the part that it had. @param {Columns} columns @param {"time" | "target" | "sequence"} part @param {string} name */
export function assignColumn(columns, part, name) {
  const changed = { ...columns, inputs: columns.inputs.filter((each) => each !== name) };
  for (const other of /** @type {const} */ (["time", "target", "sequence"])) if (changed[other] === name) changed[other] = "";
  // What was the target becomes an input, so that two columns change places.
  if (part === "target" && columns.inputs.includes(name)) changed.inputs.push(columns.target);
  changed[part] = name;
  return changed;
}
