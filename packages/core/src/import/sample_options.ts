/** Interpretation of samples by an import: units, bands and missing values that the caller names, and all pairs share. */
import { FormatError, PatchError } from '../errors.ts';
import { openPlaced, type PlacedFile } from '../geo/place.ts';
import type { RasterFile } from '../raster/open.ts';
import type { Unit } from '../raster/raster.ts';
import type { Store } from '../store.ts';
import type { Findings } from './findings.ts';

/** Interpretation of samples, for files that lack it or state it wrongly. */
export interface SampleOptions {
  /** Unit of the SAR samples; default: that of the file. */
  unit?: Unit | undefined;
  opticalUnit?: Unit | undefined;
  /** Further no-data values, as stored, in addition to those of the files. */
  noData?: readonly number[] | undefined;
  opticalNoData?: readonly number[] | undefined;
  /** The SAR band, counted from 0; needed where a file has several. */
  sarBand?: number | undefined;
  /** True: all bands of a SAR file hold the same, and the first is read; other files are refused. */
  equalSarBands?: boolean | undefined;
  /** One band, or red, green and blue; counted from 0. Needed where a file has other than one or three. */
  opticalBands?: readonly number[] | undefined;
  /** True: guesses are refused. */
  strict?: boolean | undefined;
}

/** Opens a SAR file and reports the guesses about it. */
export async function openSar(
  store: Store,
  path: string,
  { unit, noData, equalSarBands }: SampleOptions,
  findings: Findings,
): Promise<PlacedFile> {
  const file = await openPlaced(store, path, { ...(unit && { unit }), ...(noData && { noData }) });
  findings.add(path, file);
  if (file.unit === undefined) {
    findings.guess(path, 'nothing says what the SAR samples are; --unit does, and speckle augmentation and dB need it');
  }
  if (equalSarBands) await requireEqualBands(file, path);
  return file;
}

/** @throws FormatError where the bands differ. */
async function requireEqualBands(file: RasterFile, path: string): Promise<void> {
  const { data, bands } = await file.read();
  if (data.every((sample, i) => sample === data[i - (i % bands)])) return;
  throw new FormatError({
    ...{ action: 'take a SAR band of', file: path, expected: 'bands that all hold the same' },
    found: `${bands} that differ`,
  });
}

export async function openOptical(
  store: Store,
  path: string,
  { opticalUnit: unit, opticalNoData: noData }: SampleOptions,
  findings: Findings,
): Promise<PlacedFile> {
  const file = await openPlaced(store, path, { ...(unit && { unit }), ...(noData && { noData }) });
  findings.add(path, file);
  return file;
}

/** Entries for the header of the data set: the settings of samples; bands count from 1. */
export function madeOf({ sarBand, opticalBands, unit, opticalUnit, noData, opticalNoData }: SampleOptions) {
  return {
    ...(unit && { unit }),
    ...(opticalUnit && { opticalUnit }),
    ...(sarBand !== undefined && { sarBand: sarBand + 1 }),
    ...(opticalBands && { opticalBands: opticalBands.map((band) => band + 1) }),
    ...(noData && { noData: [...noData] }),
    ...(opticalNoData && { opticalNoData: [...opticalNoData] }),
  };
}

/** Units and bands, which must be the same for all pairs of a data set. */
export class CommonFormat {
  private first: { sar: Unit; optical: Unit; bands: number; of: string } | undefined;

  /** @throws PatchError where a pair differs from the first. */
  add(pair: { sar: Unit; optical: Unit; bands: number }, of: string): void {
    this.first ??= { ...pair, of };
    const show = ({ sar, optical, bands }: typeof pair) => `SAR in ${sar}, optical in ${optical} with ${bands} band(s)`;
    if (show(this.first) === show(pair)) return;
    throw new PatchError({
      action: `put ${of} into one data set with ${this.first.of}`,
      expected: show(this.first),
      found: show(pair),
      remedy: 'Say what all files hold (--unit, --optical-unit, --optical-bands), or make two data sets.',
    });
  }

  /** Formats found; of no pairs at all nothing that counts, for a data set without pairs is refused. */
  found(): { sar: { unit: Unit; bands: 1 }; optical: { unit: Unit; bands: 1 | 3 } } {
    const { sar, optical, bands } = this.first ?? { sar: 'digital number', optical: 'digital number', bands: 1 };
    return { sar: { unit: sar, bands: 1 }, optical: { unit: optical, bands: bands === 3 ? 3 : 1 } };
  }
}

type Bands = Pick<RasterFile, 'bands' | 'imageBands'>;

export function sarBandOf({ bands, imageBands }: Bands, name: string, band: number | undefined): [number] {
  if (band === undefined && imageBands.length === 1) return [imageBands[0]!];
  if (band !== undefined && band < bands) return [band];
  throw new FormatError({
    ...{ action: 'take a SAR band of', file: name },
    expected: band === undefined ? 'one band' : `at least ${band + 1} band(s)`,
    found: String(bands),
    remedy: 'Choose one by --sar-band, counted from 1.',
  });
}

export function opticalBandsOf(
  { bands, imageBands }: Bands,
  name: string,
  chosen: readonly number[] | undefined,
): number[] {
  if (chosen === undefined && (imageBands.length === 1 || imageBands.length === 3)) return [...imageBands];
  if (chosen?.every((band) => band < bands)) return [...chosen];
  throw new FormatError({
    ...{ action: 'take optical bands of', file: name },
    expected: chosen === undefined ? 'one band, or red, green and blue' : `at least ${Math.max(...chosen) + 1} bands`,
    found: `${bands}`,
    remedy: 'Choose one band, or red, green and blue, by --optical-bands, counted from 1: --optical-bands 4,3,2',
  });
}
