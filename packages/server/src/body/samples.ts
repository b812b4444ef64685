/** Float arrays of a JSON request as samples of a known shape. */
import { explain, type ProblemError, problemError } from '../problem.ts';

export interface Samples {
  data: Float32Array;
  height: number;
  width: number;
  bands: number;
}

type Shape = readonly [number, number] | readonly [number, number, number];

/** More bands than any usable image has: a false shape cannot ask for more memory. */
const MAX_BANDS = 64;

/**
 * Samples of one image.
 *
 * @param given flat or nested arrays of numbers and nulls, or base64 of little-endian float32.
 * @param shape may be missing for nested arrays, and for square images of one or three bands.
 * @param name of the image, for messages.
 * @throws ProblemError if the samples do not make an image, or too large an image.
 */
export function samplesOf(given: unknown, shape: Shape | undefined, name: string, maxPixels: number): Samples {
  if (typeof given === 'string') return shaped(decodeBase64(given, name), shape, name, maxPixels);
  if (!Array.isArray(given)) throw wrong(name, 'an array of numbers, or base64 of float32', describe(given));
  if (!Array.isArray(given[0])) return shaped(flatten(given, name), shape, name, maxPixels);
  const nested = nestedShape(given, name);
  const stated = shape && [...shape, ...(shape.length === 2 ? [1] : [])].join();
  if (stated !== undefined && stated !== nested.join()) {
    throw wrong(name, `arrays of the shape [${shape}]`, `[${nested}]`);
  }
  requirePixels(nested, name, maxPixels);
  return withShape(flattenNested(given, nested, name), nested);
}

type FullShape = readonly [height: number, width: number, bands: number];

const withShape = (data: Float32Array, [height, width, bands]: FullShape): Samples => ({ data, height, width, bands });

function shaped(data: Float32Array, shape: Shape | undefined, name: string, maxPixels: number): Samples {
  const full = shape ? ([shape[0], shape[1], shape[2] ?? 1] as const) : squareShape(data.length, name);
  requirePixels(full, name, maxPixels);
  const wanted = full[0] * full[1] * full[2];
  if (data.length !== wanted) throw wrong(name, `${wanted} samples for the shape [${full}]`, `${data.length}`);
  return withShape(data, full);
}

/** Shape of a square image of one or three bands: no number is both a square and three times a square. */
function squareShape(length: number, name: string): FullShape {
  for (const bands of [1, 3]) {
    const side = Math.sqrt(length / bands);
    if (Number.isInteger(side) && side > 0) return [side, side, bands];
  }
  throw wrong(name, '"shape" beside flat samples that are no square image', `${length} samples`);
}

function requirePixels([height, width, bands]: FullShape, name: string, maxPixels: number): void {
  if (height * width <= maxPixels && bands <= MAX_BANDS) return;
  const expected = `at most ${maxPixels} pixels and ${MAX_BANDS} bands`;
  const found = `${height} × ${width}, ${bands} bands`;
  throw problemError('payload-too-large', explain(`use the image "${name}"`, expected, found));
}

/** Shape of nested arrays whose rows are all as long as the first. Allocates nothing. */
function nestedShape(rows: readonly unknown[], name: string): FullShape {
  const first = rows[0] as readonly unknown[];
  const pixel = first[0];
  const bands = Array.isArray(pixel) ? pixel.length : 1;
  if (first.length === 0 || bands === 0) throw wrong(name, 'rows with samples', 'an empty one');
  rows.forEach((row, i) => {
    if (!Array.isArray(row) || row.length !== first.length) {
      throw wrong(name, `${first.length} columns in each row`, `${describe(row)} in row ${i}`);
    }
    if (!Array.isArray(pixel)) return;
    const odd = row.findIndex((each) => !Array.isArray(each) || each.length !== bands);
    if (odd >= 0) throw wrong(name, `${bands} bands in each pixel`, `${describe(row[odd])} in row ${i}`);
  });
  return [rows.length, first.length, bands];
}

function flattenNested(rows: readonly unknown[], [height, width, bands]: FullShape, name: string): Float32Array {
  const isDeep = Array.isArray((rows[0] as readonly unknown[])[0]);
  const all = new Float32Array(height * width * bands);
  rows.forEach((row, i) => {
    const samples = row as readonly unknown[];
    all.set(flatten(isDeep ? samples.flat() : samples, name), i * width * bands);
  });
  return all;
}

/** Samples of a flat array, null as NaN. */
function flatten(values: readonly unknown[], name: string): Float32Array {
  const data = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value === 'number') data[i] = value;
    else if (value === null) data[i] = Number.NaN;
    else throw wrong(name, 'numbers and nulls', describe(value));
  }
  return data;
}

function decodeBase64(text: string, name: string): Float32Array {
  const bytes = bytesOf(text, name);
  if (bytes.length % Float32Array.BYTES_PER_ELEMENT !== 0) {
    throw wrong(name, 'whole float32 numbers', `${bytes.length} bytes`);
  }
  return new Float32Array(bytes.buffer); // every runtime is little-endian
}

/** Bytes in a buffer of their own. A Buffer copies the text of `atob` in half the time that a loop takes. */
function bytesOf(text: string, name: string): Uint8Array<ArrayBuffer> {
  const { Buffer } = globalThis as { Buffer?: typeof globalThis.Buffer };
  try {
    const binary = atob(text);
    if (Buffer) return new Uint8Array(Buffer.from(binary, 'latin1'));
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  } catch {
    throw wrong(name, 'base64', `other text of ${text.length} characters`);
  }
}

function wrong(name: string, expected: string, found: string): ProblemError {
  return problemError('malformed-pair', explain(`read the samples of "${name}"`, expected, found));
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return typeof value === 'string' ? `"${value.slice(0, 20)}"` : value === undefined ? 'nothing' : typeof value;
}
