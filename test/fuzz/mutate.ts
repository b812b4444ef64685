/** Mutations of image files: bytes, lengths and offsets, tags of a TIFF, ends cut off, parts doubled. */
import type { Rng } from '../../packages/core/src/base/random.ts';

/** Numbers at which readers break. */
const ODD = [0, 1, 2, 3, 7, 8, 255, 256, 0x7fff, 0x8000, 0xffff, 0x10000, 60_000, 0x7fffffff, 0x80000000, 0xffffffff];

type Mutation = (bytes: Uint8Array, rng: Rng) => Uint8Array;

const anywhere = (bytes: Uint8Array, rng: Rng, room = 1) => rng.int(Math.max(1, bytes.length - room + 1));

const flipBit: Mutation = (bytes, rng) => {
  bytes[anywhere(bytes, rng)]! ^= 1 << rng.int(8);
  return bytes;
};

const setByte: Mutation = (bytes, rng) => {
  bytes[anywhere(bytes, rng)] = rng.int(256);
  return bytes;
};

/** A number of 2, 4 or 8 bytes, in either order, anywhere. */
const setNumber: Mutation = (bytes, rng) => writeNumber(bytes, anywhere(bytes, rng, 8), [2, 4, 8][rng.int(3)]!, rng);

function writeNumber(bytes: Uint8Array, at: number, size: number, rng: Rng): Uint8Array {
  if (at < 0 || at + size > bytes.length) return bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const value = rng.int(3) === 0 ? rng.int(bytes.length + 16) : ODD[rng.int(ODD.length)]!;
  const little = rng.int(2) === 0;
  if (size === 2) view.setUint16(at, value & 0xffff, little);
  else if (size === 4) view.setUint32(at, value, little);
  else view.setBigUint64(at, BigInt(value), little);
  return bytes;
}

const cut: Mutation = (bytes, rng) => bytes.slice(0, rng.int(bytes.length));

const remove: Mutation = (bytes, rng) => {
  const at = anywhere(bytes, rng);
  const length = 1 + rng.int(16);
  return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + length)]);
};

const double: Mutation = (bytes, rng) => {
  const at = anywhere(bytes, rng);
  const part = bytes.subarray(at, at + 1 + rng.int(64));
  return Uint8Array.from([...bytes.subarray(0, at), ...part, ...bytes.subarray(at)]);
};

/** Type, count or value of one entry of the first directory of a TIFF; other files get a number somewhere. */
const setTag: Mutation = (bytes, rng) => {
  const entries = entriesOf(bytes);
  if (!entries) return setNumber(bytes, rng);
  const { start, count, size, little } = entries;
  const entry = start + rng.int(Math.max(1, count)) * size;
  if (entry + size > bytes.length) return setNumber(bytes, rng);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const value = rng.int(4) === 0 ? rng.int(bytes.length + 16) : ODD[rng.int(ODD.length)]!;
  const part = rng.int(4);
  if (part === 0)
    view.setUint16(
      entry,
      [
        254, 256, 257, 258, 259, 262, 273, 277, 278, 279, 284, 317, 320, 322, 323, 324, 325, 338, 339, 347, 42112,
        42113,
      ][rng.int(22)]!,
      little,
    );
  else if (part === 1) view.setUint16(entry + 2, rng.int(20), little);
  else if (size === 12) view.setUint32(entry + (part === 2 ? 4 : 8), value, little);
  else view.setBigUint64(entry + (part === 2 ? 4 : 12), BigInt(value), little);
  return bytes;
};

function entriesOf(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < 16 || (bytes[0] !== 0x49 && bytes[0] !== 0x4d) || bytes[0] !== bytes[1]) return undefined;
  const little = bytes[0] === 0x49;
  const isBig = view.getUint16(2, little) === 43;
  const at = isBig ? Number(view.getBigUint64(8, little)) : view.getUint32(4, little);
  if (at + 8 > bytes.length) return undefined;
  const count = isBig ? Number(view.getBigUint64(at, little)) : view.getUint16(at, little);
  return { start: at + (isBig ? 8 : 2), count: Math.min(count, 100), size: isBig ? 20 : 12, little };
}

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  setByte,
  setNumber,
  setNumber,
  setTag,
  setTag,
  setTag,
  cut,
  remove,
  double,
];

/** One to three mutations of a copy. */
export function mutated(bytes: Uint8Array, rng: Rng): Uint8Array {
  let result: Uint8Array = bytes.slice();
  for (let i = rng.int(3); i >= 0 && result.length > 0; i--) {
    result = MUTATIONS[rng.int(MUTATIONS.length)]!(result, rng);
  }
  return result;
}
