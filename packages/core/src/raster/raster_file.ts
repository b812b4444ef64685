/**
 * What every reader of a raster format gives: the facts of the header at once, samples on demand and by window. Here too:
 * how samples become a `Raster`, and the limits that keep a lying header from deciding how much memory is taken.
 */
import { FormatError, isDoppelError, PatchError, reasonOf } from '../errors.ts';
import type { AffineTransform, Raster, Unit } from './raster.ts';

/** In pixels, from the upper left corner of the file. */
export interface RasterWindow {
  column: number;
  row: number;
  width: number;
  height: number;
}

export interface RasterFile {
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly unit?: Unit | undefined;
  readonly crs?: string | undefined;
  readonly transform?: AffineTransform | undefined;
  /** The sample that stands for "nothing here". */
  readonly noData?: number | undefined;
  /**
   * @param window default: the whole file. @param bands counted from 0; default: all.
   * @throws FormatError where the file is damaged, PatchError where the window leaves the file.
   */
  read(window?: RasterWindow, bands?: readonly number[]): Promise<Raster>;
  close(): Promise<void>;
}

export interface RasterOptions {
  /** Overrides what the file says; "digital number" where neither says anything. */
  unit?: Unit | undefined;
}

/** What a format's reader finds in a header, and how it reads samples. */
export interface RasterSource extends Omit<RasterFile, 'read' | 'close' | 'unit'> {
  /** Samples [height, width, bands] of a window that lies inside the file; `hidden` is 1 where a pixel is masked out. */
  samples(window: RasterWindow, bands: readonly number[]): Promise<{ data: Float32Array; hidden?: Uint8Array }>;
}

/** Samples of one read: 1 GB as float32. */
const MAX_SAMPLES = 2 ** 28;

/** @param file for messages. @param format of it, for messages: "GeoTIFF". */
export function rasterFile(source: RasterSource, file: string, format: string, { unit }: RasterOptions): RasterFile {
  const { samples, ...facts } = source;
  const { width, height, bands, crs, transform, noData } = facts;
  const all = Array.from({ length: bands }, (_, band) => band);
  return {
    ...facts,
    ...(unit && { unit }),
    async read(window = { column: 0, row: 0, width, height }, chosen = all) {
      requireInside(window, chosen, facts, file);
      const { data, hidden } = await explained(file, format, () => samples(window, chosen));
      const mask = missingPixels(data, chosen.length, noData, hidden);
      return {
        ...{ data, width: window.width, height: window.height, bands: chosen.length, unit: unit ?? 'digital number' },
        ...(mask && { noData: mask }),
        ...(crs !== undefined && { crs }),
        ...(transform && { transform: shifted(transform, window) }),
      };
    },
    async close() {},
  };
}

function requireInside(
  { column, row, width, height }: RasterWindow,
  bands: readonly number[],
  file: Pick<RasterFile, 'width' | 'height' | 'bands'>,
  name: string,
): void {
  const numbers = [column, row, width, height];
  const isInside =
    numbers.every((each) => Number.isInteger(each) && each >= 0) &&
    column + width <= file.width &&
    row + height <= file.height;
  if (!isInside || width === 0 || height === 0) {
    throw new PatchError({
      ...{ action: 'read a window of', file: name, expected: `one inside of ${file.width} × ${file.height} pixels` },
      found: `${width} × ${height} pixels at column ${column}, row ${row}`,
    });
  }
  const odd = bands.find((band) => !Number.isInteger(band) || band < 0 || band >= file.bands);
  if (odd !== undefined || bands.length === 0) {
    const [expected, found] = [`bands from 0 to ${file.bands - 1}`, odd === undefined ? 'none' : `band ${odd}`];
    throw new PatchError({ action: 'read', file: name, expected, found });
  }
  if (width * height * bands.length <= MAX_SAMPLES) return;
  throw new FormatError({
    ...{ action: 'read at once', file: name, expected: `at most ${MAX_SAMPLES} samples` },
    ...{
      found: `${width} × ${height} pixels of ${bands.length} band(s)`,
      remedy: 'Cut it into patches: `doppel data import`.',
    },
  });
}

/**
 * [height, width] of 0 and 1; undefined where nothing is missing. Infinite samples are missing too: dB products write
 * −∞ where there was no signal.
 */
function missingPixels(
  data: Float32Array,
  bands: number,
  noData: number | undefined,
  hidden: Uint8Array | undefined,
): Uint8Array | undefined {
  const none = noData === undefined ? undefined : Math.fround(noData);
  const mask = hidden ?? new Uint8Array(data.length / bands);
  let isAny = false;
  for (let i = 0; i < mask.length; i++) {
    for (let band = 0; band < bands && !mask[i]; band++) {
      const sample = data[i * bands + band]!;
      if (!Number.isFinite(sample) || sample === none) mask[i] = 1;
    }
    if (mask[i]) isAny = true;
  }
  return isAny ? mask : undefined;
}

/** The transform of a window. */
function shifted([a0, a1, a2, a3, a4, a5]: AffineTransform, { column, row }: RasterWindow): AffineTransform {
  return [a0 + column * a1 + row * a2, a1, a2, a3 + column * a4 + row * a5, a4, a5];
}

/** Whatever a decoder throws at a damaged file, as a `FormatError` that names it. */
export async function explained<T>(file: string, format: string, work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (isDoppelError(cause)) throw cause;
    throw new FormatError({
      ...{ action: `read the ${format}`, file, found: `damage (${reasonOf(cause)})`, cause },
      remedy: 'The file is cut short or broken: copy or export it again.',
    });
  }
}

/** @param expected of what was promised. @param found what the file holds. */
export function damaged(file: string, format: string, expected: string, found: string): FormatError {
  return new FormatError({
    ...{ action: `read the ${format}`, file, expected, found },
    remedy: 'The file is cut short or broken: copy or export it again.',
  });
}
