/**
 * Acquisition time of a scene: by the metadata of its file, else by the name that its product has, else by the date of the
 * TIFF, which some writers mean as the time of the picture and others as that of the file.
 */
import type { FileItems } from './gdal_metadata.ts';

export interface AcquisitionTime {
  /** RFC 3339, in UTC. */
  readonly time: string;
  /** Item of metadata that states it, or `file name`. */
  readonly source: string;
}

/** Items in which products state when they were taken, the surest first: Sentinel-1, Sentinel-2, GDAL's domain IMAGERY. */
const ITEMS = [
  'ACQUISITION_START_TIME',
  'DATATAKE_1_DATATAKE_SENSING_START',
  'DATATAKE_SENSING_START',
  'PRODUCT_START_TIME',
  'ACQUISITIONDATETIME',
  'ACQUISITION_DATETIME',
];

/** Names of Sentinel products, of their folders and of the pictures in them. */
const NAMES = [
  /(?<![a-z0-9])s1[a-d][-_](?:iw|ew|wv|s[1-6])[-_][a-z0-9]+[-_][a-z0-9]+[-_](\d{8}t\d{6})[-_]\d{8}t\d{6}/i,
  /(?<![a-z0-9])s2[a-d]_msi[a-z0-9]+_(\d{8}t\d{6})/i,
  /(?<![a-z0-9])t\d{2}[a-z]{3}_(\d{8}t\d{6})/i,
];

/** @param path whose last part that names a product counts. @returns undefined where nothing states a time. */
export function acquisitionTime(items: FileItems, path: string): AcquisitionTime | undefined {
  return (
    firstTime(ITEMS.map((name) => [name, items.get(name)])) ??
    firstTime(path.split('/').reverse().flatMap(namedIn)) ??
    firstTime([['TIFFTAG_DATETIME', items.get('TIFFTAG_DATETIME')]])
  );
}

const namedIn = (part: string) => NAMES.map((name) => ['file name', name.exec(part)?.[1]] as const);

function firstTime(
  candidates: readonly (readonly [source: string, text: string | undefined])[],
): AcquisitionTime | undefined {
  for (const [source, text] of candidates) {
    const time = text === undefined ? undefined : utcTime(text);
    if (time !== undefined) return { time, source };
  }
  return undefined;
}

const TIME = /^(\d{4})[-:/]?(\d{2})[-:/]?(\d{2})[T ](\d{2}):?(\d{2}):?(\d{2}(?:\.\d+)?) ?(Z|UTC|[+-]\d{2}:?\d{2})?$/i;

/** A date with its time, as products write it, in UTC; undefined for anything else, a date alone among it. */
export function utcTime(text: string): string | undefined {
  const [, year, month, day, hour, minute, second, zone = 'Z'] = TIME.exec(text.trim()) ?? [];
  if (year === undefined) return undefined;
  const offset = /^[+-]/.test(zone) ? zone.replace(/:?(\d{2})$/, ':$1') : 'Z';
  const time = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}${offset}`);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}
