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
const FLOAT_MAX = 3.4028234663852886e38;
/** Share by which a text of few digits misses the lowest float. */
const FEW_DIGITS = 1e-3;
/** Share by which a float may miss the no-data value, for texts are rounded: as for GDAL. */
const ROUNDED = 4 * 2 ** -23;

/** @param values of each band; undefined where there are none. */
export function noDataTest(values: readonly (readonly number[])[], type: SampleType): NoDataTest | undefined {
  const stored = values.map((each) => each.flatMap((value) => storedValue(value, type) ?? []));
  if (stored.every((each) => each.length === 0)) return undefined;
  const isClose = (value: number, sample: number) =>
    Math.abs(sample - value) <= Math.abs(value) * (Math.abs(value) > HUGE ? FEW_DIGITS : ROUNDED);
  const isSame = type.kind === 'float' ? isClose : (value: number, sample: number) => value === sample;
  return (band, sample) => (stored[band] ?? []).some((value) => isSame(value, sample));
}

/**
 * A no-data value as samples of the type can hold it; undefined where they cannot, or where they need no comparison, as
 * infinity does not. Of whole numbers the fraction is cut, as by GDAL.
 */
function storedValue(value: number, { kind, bits }: SampleType): number | undefined {
  if (!Number.isFinite(value)) return undefined;
  if (kind === 'float') {
    if (bits > 32 || Math.abs(value) <= FLOAT_MAX) return value;
    return Math.abs(value) <= FLOAT_MAX * (1 + FEW_DIGITS) ? Math.sign(value) * FLOAT_MAX : undefined;
  }
  const [low, high] = kind === 'signed' ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
  return value >= low && value <= high ? Math.trunc(value) : undefined;
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
  /** True if a pixel is missing only where all its bands hold their no-data value, whatever the type. */
  isJoint: boolean;
  /** True if samples were scaled after they were read. */
  isScaled: boolean;
  /** Called where a pixel is missing for no other reason than an amplitude of 0. */
  onZero?(): void;
}

/** [height, width] of 0 and 1; undefined where nothing is missing. */
export function missingPixels(samples: ReadSamples, rules: MissingRules): Uint8Array | undefined {
  const { data, hidden, marked, compared = 0 } = samples;
  const { bands, unit, sample } = rules;
  const needed = sample.kind === 'unsigned' || rules.isJoint ? compared : 1;
  const noZero = zeroIsMissing(unit, sample, rules.namesNoData);
  const noNegative = unit === 'amplitude' || unit === 'intensity';
  const isPlain = sample.kind === 'unsigned' && !rules.isScaled && !noZero;
  if (isPlain && !hidden && !marked) return undefined; // whole numbers from 0: all are values
  const isValue = (value: number) => Number.isFinite(value) && !(noZero && value === 0) && !(noNegative && value < 0);
  const mask = hidden ?? new Uint8Array(data.length / bands);
  let isAny = false;
  for (let i = 0; i < mask.length; i++) {
    if (marked && marked[i]! >= needed) mask[i] = 1;
    for (let band = 0; band < bands && !mask[i]; band++) {
      const value = data[i * bands + band]!;
      if (isValue(value)) continue;
      mask[i] = 1;
      if (value === 0 && unit === 'amplitude') rules.onZero?.();
    }
    if (mask[i]) isAny = true;
  }
  return isAny ? mask : undefined;
}

/** No-data values of a text, and the guesses made in reading it. */
export interface NoDataText {
  values: number[];
  guess?: string;
}

/** NaN and infinity as C, Java and Microsoft's compilers write them: samples that are missing anyway. */
const NOT_FINITE = /^[+-]?(nan(\(\w*\))?|inf(inity)?|1\.?#(inf|qnan|snan|ind|nan)\w*)$/i;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * Reads what GDAL and others write as no-data: "-9999", "nan", "-3.4e+38", "0xff"; "-9999 -9999 -9999", one for each
 * band; and "-9999,0", written with a decimal comma. @param type of the samples: fractions of whole numbers are guessed.
 */
export function parseNoData(text: string, type?: SampleType): NoDataText {
  const trimmed = text.replaceAll('\0', '').trim();
  if (trimmed === '') return { values: [] };
  const isDecimalComma = /^[+-]?\d+,\d+$/.test(trimmed);
  const parts = (isDecimalComma ? trimmed.replace(',', '.') : trimmed).split(/[\s,;]+/).filter((each) => each !== '');
  const read = parts.filter((part) => !NOT_FINITE.test(part)).map(numberOf);
  const values = [...new Set(read.flatMap((each) => each?.value ?? []))];
  if (read.includes(undefined)) return { values, guess: `no-data "${trimmed}" is ignored in part` };
  const isCut = (value: number) =>
    type !== undefined && type.kind !== 'float' && value % 1 !== 0 && storedValue(value, type) !== undefined;
  const isPlain = parts.length === 1 && !isDecimalComma && read.every((each) => each!.isPlain && !isCut(each!.value));
  if (isPlain) return { values };
  const shown = (value: number) => String(isCut(value) ? Math.trunc(value) : value);
  const words = parts.map((part) => (NOT_FINITE.test(part) ? part : shown(numberOf(part)!.value)));
  return { values, guess: `no-data "${trimmed}" is read as ${[...new Set(words)].join(' and ')}` };
}

/** Undefined if it is no number. A letter behind a number, as in source code ("7f", "7L"), is passed over. */
function numberOf(text: string): { value: number; isPlain: boolean } | undefined {
  if (NUMBER.test(text)) return { value: Number(text), isPlain: true };
  const [, sign, hex] = /^([+-]?)(0x[\da-f]+)$/i.exec(text) ?? [];
  if (hex !== undefined) return { value: sign === '-' ? -Number(hex) : Number(hex), isPlain: true };
  const bare = text.replace(/[a-z]{1,2}$/i, '');
  return NUMBER.test(bare) ? { value: Number(bare), isPlain: false } : undefined;
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
