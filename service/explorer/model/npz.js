// Read the arrays of an npz archive: a zip file with one npy file per array.
// @ts-check

/** @typedef {{shape: number[], values: number[]}} NumberArray in C order */

const CENTRAL_ENTRY = 0x02014b50;
const END_OF_CENTRAL = 0x06054b50;
const DEFLATED = 8;

/** Functions that read one number, by the type in the header. @type {Record<string, [number, (view: DataView, at: number) => number]>} */
const TYPES = {
  "<f8": [8, (view, at) => view.getFloat64(at, true)],
  "<i8": [8, (view, at) => Number(view.getBigInt64(at, true))],
  "|u1": [1, (view, at) => view.getUint8(at)],
};

/** @param {ArrayBuffer} archive @returns {Promise<Record<string, NumberArray>>} */
export async function readNpz(archive) {
  const view = new DataView(archive);
  let end = archive.byteLength - 22;
  while (view.getUint32(end, true) !== END_OF_CENTRAL) end--;
  const arrays = /** @type {Record<string, NumberArray>} */ ({});
  let at = view.getUint32(end + 16, true);
  // The sizes are those of the central directory, because local headers may lack them.
  while (view.getUint32(at, true) === CENTRAL_ENTRY) {
    const size = view.getUint32(at + 20, true);
    const name_length = view.getUint16(at + 28, true);
    const name = new TextDecoder().decode(new Uint8Array(archive, at + 46, name_length));
    const local = view.getUint32(at + 42, true);
    const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    const content = new Uint8Array(archive, start, size);
    const npy = view.getUint16(at + 10, true) === DEFLATED ? await inflate(content) : content.slice().buffer;
    arrays[name.replace(/\.npy$/, "")] = readNpy(npy);
    at += 46 + name_length + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return arrays;
}

/** @param {Uint8Array} bytes @returns {Promise<ArrayBuffer>} */
function inflate(bytes) {
  const stream = new Blob([/** @type {any} */ (bytes)]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Response(stream).arrayBuffer();
}

/** @param {ArrayBuffer} npy @returns {NumberArray} */
function readNpy(npy) {
  const view = new DataView(npy);
  const length = view.getUint16(8, true); // of the header, which is a Python dictionary
  const header = new TextDecoder().decode(new Uint8Array(npy, 10, length));
  const [, type] = /'descr': '(.*?)'/.exec(header) ?? [];
  const [, sizes] = /'shape': \((.*?)\)/.exec(header) ?? [];
  if (!TYPES[type] || sizes === undefined) throw new Error(`cannot read an array of ${header}`);
  const shape = sizes.split(",").map((each) => each.trim()).filter(Boolean).map(Number);
  const [size, read] = TYPES[type];
  const n_values = shape.reduce((product, n) => product * n, 1);
  return { shape, values: Array.from({ length: n_values }, (_, i) => read(view, 10 + length + i * size)) };
}
