/**
 * Small files of every kind against what GDAL (for JPEG: libjpeg) reads from them: `test/fixtures/raster/expected.json`, made by
 * `make.py` beside it, which says how.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../../packages/core/src/errors.ts';
import { openRaster } from '../../../packages/core/src/raster/open.ts';
import { MemoryStore } from '../../../packages/core/src/store.ts';

interface Read {
  how: string;
  width: number;
  height: number;
  bands: number;
  /** Largest difference of a sample. */
  tolerance: number;
  /** [height, width, bands]; null where missing. */
  data: (number | null)[];
  /** Companions of the file. */
  needs?: string[];
  /** The reader has something to say. */
  notes?: true;
  guesses?: true;
}

interface Refused {
  how: string;
  refused: string;
}

const folder = new URL('../../fixtures/raster/', import.meta.url);
const bytesOf = (name: string) => new Uint8Array(readFileSync(fileURLToPath(new URL(name, folder))));
const expected: Record<string, Read | Refused> = JSON.parse(new TextDecoder().decode(bytesOf('expected.json')));

function storeWith(...names: string[]): MemoryStore {
  const store = new MemoryStore();
  for (const name of names) store.files.set(name, bytesOf(name));
  return store;
}

/** Index and both values of the first sample that differs. */
function firstDifference(data: readonly (number | null)[], wanted: Read): string | undefined {
  const i = data.findIndex((value, at) => {
    const right = wanted.data[at]!;
    return value === null || right === null
      ? value !== right
      : !(Math.abs(value - Math.fround(right)) <= wanted.tolerance);
  });
  return i < 0 ? undefined : `sample ${i}: ${data[i]}, right is ${wanted.data[i]}`;
}

const reads = Object.entries(expected).filter((each): each is [string, Read] => 'data' in each[1]);
const refusals = Object.entries(expected).filter((each): each is [string, Refused] => 'refused' in each[1]);

describe('read as GDAL reads it', () => {
  it.each(reads)('%s', async (name, wanted) => {
    const file = await openRaster(storeWith(name, ...(wanted.needs ?? [])), name);
    const raster = await file.read();
    expect([raster.width, raster.height, raster.bands]).toEqual([wanted.width, wanted.height, wanted.bands]);
    const isMissing = (i: number) => raster.noData?.[Math.floor(i / raster.bands)] === 1;
    const data = Array.from(raster.data, (value, i) => (isMissing(i) ? null : value));
    expect(firstDifference(data, wanted)).toBeUndefined();
    expect([file.notes.length > 0, file.guesses.length > 0]).toEqual([wanted.notes ?? false, wanted.guesses ?? false]);
  });

  it.each(reads)('%s, a window of one band', async (name, wanted) => {
    const file = await openRaster(storeWith(name, ...(wanted.needs ?? [])), name);
    const window = { column: 2, row: 3, width: wanted.width - 4, height: wanted.height - 5 };
    const [whole, part] = [await file.read(), await file.read(window, [file.imageBands.at(-1)!])];
    for (let i = 0; i < part.data.length; i++) {
      const [row, column] = [3 + Math.floor(i / window.width), 2 + (i % window.width)];
      expect(part.data[i]).toEqual(whole.data[(row * whole.width + column) * whole.bands + whole.bands - 1]);
    }
  });
});

describe('refused by name, with the way out', () => {
  it.each(refusals)('%s', async (name, { refused }) => {
    const error = await openRaster(storeWith(name), name)
      .then((file) => file.read())
      .catch((each: unknown) => each);
    expect(error).toBeInstanceOf(FormatError);
    const { message } = error as FormatError;
    expect(message).toContain(`${refused}, which is not supported`);
    expect(message).toContain('gdal_translate');
    expect(message).not.toMatch(/damage|cut short|broken/);
  });
});
