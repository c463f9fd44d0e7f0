// Which columns of a table play which part in a fit.

const TIME = /^(time|date|datetime|timestamp|second|minute|hour|day|week|month|quarter|year|step|t)s?$/i;
const SEQUENCE = /^(sequence|series|recording|test|run|trial|batch|patient|subject|region|group|id|unit)s?$/i;
const TARGET = /^(target|output|response|y)$/i;

/** @typedef {import("../model/table.js").Table} Table */
/** @typedef {{time: string, target: string, sequence: string, inputs: string[]}} Columns "" is none */

/** Return the part that each column probably plays. @param {Table} table @returns {Columns} */
export function recognizeColumns({ columns }) {
  const taken = new Set([""]);
  /** @param {(column: {name: string, kind: string}) => boolean} isMatch */
  const take = (isMatch) => {
    const name = columns.find((column) => !taken.has(column.name) && isMatch(column))?.name ?? "";
    taken.add(name);
    return name;
  };
  const time = take(({ kind }) => kind === "date") || take(({ name, kind }) => kind !== "text" && TIME.test(name));
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
