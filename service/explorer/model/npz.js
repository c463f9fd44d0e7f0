// Read the arrays of an npz archive of the service: a zip file with one npy file per array, compressed or not.

const CENTRAL_ENTRY = 0x02014b50;
const END_OF_CENTRAL = 0x06054b50;
const STORED = 0; // the method of a file that is not compressed

/**
 * Functions that read one element, by its type in the header.
 * @type {Record<string, (view: DataView, at: number, bytes: number) => number | string>}
 */
const TYPES = {
  "<f8": (view, at) => view.getFloat64(at, true),
  "<i8": (view, at) => Number(view.getBigInt64(at, true)),
  "<U": readText,
};

/** @param {ArrayBuffer} archive @returns {Promise<Record<string, any[]>>} in C order */
export async function readNpz(archive) {
  const view = new DataView(archive);
  let end = archive.byteLength - 22;
  while (view.getUint32(end, true) !== END_OF_CENTRAL) end--;
  const arrays = /** @type {Record<string, any[]>} */ ({});
  let at = view.getUint32(end + 16, true);
  // The sizes are those of the central directory, because local headers may lack them.
  while (view.getUint32(at, true) === CENTRAL_ENTRY) {
    const name_length = view.getUint16(at + 28, true);
    const name = new TextDecoder().decode(new Uint8Array(archive, at + 46, name_length));
    const local = view.getUint32(at + 42, true);
    const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    const content = new Blob([new Uint8Array(archive, start, view.getUint32(at + 20, true))]).stream();
    const isCompressed = view.getUint16(at + 10, true) !== STORED;
    const npy = isCompressed ? content.pipeThrough(new DecompressionStream("deflate-raw")) : content;
    arrays[name.replace(/\.npy$/, "")] = readNpy(await new Response(npy).arrayBuffer());
    at += 46 + name_length + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return arrays;
}

/** @param {ArrayBuffer} npy */
function readNpy(npy) {
  const view = new DataView(npy);
  const start = 10 + view.getUint16(8, true); // after the header, which is a Python dictionary
  const header = new TextDecoder().decode(new Uint8Array(npy, 10, start - 10));
  const type = /'descr': '(.*?)'/.exec(header)?.[1] ?? "";
  const isText = type.startsWith("<U");
  const bytes = isText ? 4 * Number(type.slice(2)) : 8;
  const read = TYPES[isText ? "<U" : type];
  return Array.from({ length: (npy.byteLength - start) / bytes }, (_, i) => read(view, start + bytes * i, bytes));
}

/**
 * Read a text of four bytes per character, which zeros fill up.
 * @param {DataView} view
 * @param {number} at
 * @param {number} bytes
 */
function readText(view, at, bytes) {
  const codes = Array.from({ length: bytes / 4 }, (_, i) => view.getUint32(at + 4 * i, true));
  return String.fromCodePoint(...codes.filter((code) => code !== 0));
}
