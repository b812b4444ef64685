/**
 * Decides which pixels are missing, for every format and every reader. A pixel is missing if
 * - a mask says so: alpha of 0, a mask inside the file or beside it, a tile that was never written, a transparent
 *   colour;
 * - a chosen band is NaN or infinite;
 * - it holds the no-data value, as stored, before colours are expanded, scales applied or bits inverted. Of unsigned
 *   samples all chosen bands must hold it, for 0 or 255 in one of three is a colour; of others one is enough;
 * - it is zero, or below, where the unit has no such value.
 * `docs/data.md` says the same to users.
 */
import type { Raster, Unit } from './raster.ts';

/** Storage type of samples. */
export interface SampleType {
  kind: 'unsigned' | 'signed' | 'float';
  bits: number;
}

/** Recognises the no-data values of a band among its samples as stored. */
export type NoDataTest = (band: number, stored: number) => boolean;

/** Samples of one read, with the masks of the file. */
export interface ReadSamples {
  /** [height, width, chosen bands] */
  data: Float32Array;
  /** [height, width]: 1 where a mask hides the pixel. */
  hidden?: Uint8Array | undefined;
  /** [height, width]: stored samples of the pixel that are no-data, out of `compared`. */
  marked?: Uint8Array | Uint16Array | undefined;
  compared?: number | undefined;
}

/** Magnitude above which a no-data value means "the lowest float", often written with few digits: -3.4e38. */
const HUGE = 1e37;

/** @param values of each band; undefined where there are none. */
export function noDataTest(values: readonly (readonly number[])[], { kind, bits }: SampleType): NoDataTest | undefined {
  if (values.every((each) => each.length === 0)) return undefined;
  const isNarrow = kind === 'float' && bits <= 32;
  const stored = values.map((each) => each.map((value) => (isNarrow ? Math.fround(value) : value)));
  const isClose = (value: number, sample: number) =>
    kind === 'float' && Math.abs(value) > HUGE && Math.abs(sample - value) <= Math.abs(value) * 1e-4;
  return (band, sample) => (stored[band] ?? []).some((value) => value === sample || isClose(value, sample));
}

/**
 * True if a sample of 0 is missing: always in intensity; in measured amplitudes unless the file names a no-data value.
 */
export function zeroIsMissing(unit: Unit, { bits }: SampleType, namesNoData: boolean): boolean {
  return unit === 'intensity' || (unit === 'amplitude' && bits >= 16 && !namesNoData);
}

export interface MissingRules {
  bands: number;
  unit: Unit;
  sample: SampleType;
  /** True if the file or the caller names a no-data value. */
  namesNoData: boolean;
  /** True if samples were scaled after they were read. */
  isScaled: boolean;
}

/** [height, width] of 0 and 1; undefined where nothing is missing. */
export function missingPixels(samples: ReadSamples, rules: MissingRules): Uint8Array | undefined {
  const { data, hidden, marked, compared = 0 } = samples;
  const { bands, unit, sample } = rules;
  const needed = sample.kind === 'unsigned' ? compared : 1;
  const noZero = zeroIsMissing(unit, sample, rules.namesNoData);
  const noNegative = unit === 'amplitude' || unit === 'intensity';
  const isPlain = sample.kind === 'unsigned' && !rules.isScaled && !noZero;
  if (isPlain && !hidden && !marked) return undefined; // whole numbers from 0: all are values
  const isValue = (value: number) => Number.isFinite(value) && !(noZero && value === 0) && !(noNegative && value < 0);
  const mask = hidden ?? new Uint8Array(data.length / bands);
  let isAny = false;
  for (let i = 0; i < mask.length; i++) {
    if (marked && marked[i]! >= needed) mask[i] = 1;
    for (let band = 0; band < bands && !mask[i]; band++) if (!isValue(data[i * bands + band]!)) mask[i] = 1;
    if (mask[i]) isAny = true;
  }
  return isAny ? mask : undefined;
}

/** No-data values of a text, and the guesses made in reading it. */
export interface NoDataText {
  values: number[];
  guess?: string;
}

const NOT_A_NUMBER = /^[+-]?(nan|1\.?#(qnan|snan|ind|nan).*)$/i;

/**
 * Reads what GDAL and others write as no-data: "-9999", "nan", "-3.4e+38"; "-9999 -9999 -9999", one for each band; and
 * "-9999,0", written with a decimal comma. NaN needs no comparison.
 */
export function parseNoData(text: string): NoDataText {
  const trimmed = text.replaceAll('\0', '').trim();
  if (trimmed === '') return { values: [] };
  const isDecimalComma = /^[+-]?\d+,\d+$/.test(trimmed);
  const parts = (isDecimalComma ? trimmed.replace(',', '.') : trimmed).split(/[\s,;]+/).filter((each) => each !== '');
  const named = parts.filter((part) => !NOT_A_NUMBER.test(part));
  const values = [...new Set(named.map(numberOf))];
  if (values.some((value) => Number.isNaN(value))) {
    return { values: values.filter((value) => !Number.isNaN(value)), guess: `no-data "${trimmed}" is ignored in part` };
  }
  const isPlain = parts.length === 1 && !isDecimalComma;
  return isPlain ? { values } : { values, guess: `no-data "${trimmed}" is read as ${parts.join(' and ')}` };
}

function numberOf(text: string): number {
  if (/^[+-]?inf(inity)?$/i.test(text))
    return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
}

/** Share of pixels without data, in [0, 1]. */
export function shareMissing({ noData, width, height }: Raster): number {
  if (!noData) return 0;
  return noData.reduce((sum, flag) => sum + flag, 0) / (width * height);
}

/**
 * Reason to skip a pair; undefined to keep it. A fully missing patch is never kept. @param maxNoData share in [0, 1]
 */
export function reasonToSkip(
  { sar, optical }: { sar: Raster; optical: Raster },
  maxNoData: number,
): 'noDataInSar' | 'noDataInOptical' | undefined {
  const isKept = (patch: Raster) => {
    const share = shareMissing(patch);
    return share < 1 && share <= maxNoData;
  };
  if (!isKept(sar)) return 'noDataInSar';
  return isKept(optical) ? undefined : 'noDataInOptical';
}
