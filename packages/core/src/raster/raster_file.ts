/**
 * Common part of the readers of all raster formats: the facts of the header at once, samples on demand and by window.
 * It turns samples into a `Raster` and limits the memory that a false header can claim.
 */
import { FormatError, isDoppelError, PatchError, reasonOf } from '../errors.ts';
import { type BandFacts, type BandsFacts, type FileFacts, type FileItems, unitOf } from './gdal_metadata.ts';
import {
  missingPixels,
  type NoDataTest,
  noDataTest,
  parseNoData,
  type ReadSamples,
  type SampleType,
} from './missing.ts';
import type { AffineTransform, Georeference, Raster, Unit } from './raster.ts';
import type { Sidecars } from './sidecars.ts';
import type { RasterWindow } from './window.ts';

export type { RasterWindow } from './window.ts';

export interface RasterFile {
  readonly width: number;
  readonly height: number;
  /** Number of bands as gdalinfo counts them, alpha included; a palette counts as three. */
  readonly bands: number;
  /** Bands other than alpha, counted from 0; the default of `read`. */
  readonly imageBands: readonly number[];
  readonly unit?: Unit | undefined;
  readonly crs?: string | undefined;
  readonly transform?: AffineTransform | undefined;
  /** Georeference as stored. */
  readonly georeference?: Georeference | undefined;
  /** Text of a companion `.aux.xml`. */
  readonly auxXml?: string | undefined;
  /** Size of the blocks (tiles, strips) that are decoded as a whole; that of the image where it is one. */
  readonly block: { readonly width: number; readonly height: number };
  /** Sample value of missing pixels. */
  readonly noData?: number | undefined;
  /** Type of the samples as stored. */
  readonly sample: SampleType;
  /** Band metadata by band, counted from 0. */
  readonly facts: BandsFacts;
  /** Items of metadata of the whole file; those of a companion `.aux.xml` go before its own. */
  readonly items: FileItems;
  /** True if the first three bands are red, green and blue. */
  readonly isRgb: boolean;
  /** Conversions that the file asks for, such as scale and offset. Sentences without full stop. */
  readonly notes: readonly string[];
  /** Decisions on points that the file leaves unclear. Sentences without full stop. */
  readonly guesses: readonly string[];
  /** The same of the samples that were read so far. */
  guessesOfSamples(): readonly string[];
  /**
   * @param window default: the whole file. @param bands counted from 0; default: `imageBands`. Alpha hides pixels,
   * unless it is itself among them.
   * @throws FormatError where the file is damaged, PatchError where the window leaves the file.
   */
  read(window?: RasterWindow, bands?: readonly number[]): Promise<Raster>;
  /** Samples before scale and offset are applied, else as `read`. */
  readStored(window?: RasterWindow, bands?: readonly number[]): Promise<Raster>;
  close(): Promise<void>;
}

export interface RasterOptions {
  /** Unit that overrides that of the file; "digital number" if neither is known. */
  unit?: Unit | undefined;
  /** Further no-data values, as stored, in addition to those of the file. */
  noData?: readonly number[] | undefined;
  /** Companion files that count, such as ".aux.xml"; default: those that are there. */
  companions?: readonly string[] | undefined;
}

/** Facts of a file from a format's reader, and access to its samples. */
export interface RasterSource {
  width: number;
  height: number;
  bands: number;
  /** Size of the blocks that are decoded as a whole; default: that of the image. */
  block?: { width: number; height: number };
  /** Default: all. */
  imageBands?: readonly number[];
  crs?: string;
  transform?: AffineTransform;
  georeference?: Georeference;
  sample: SampleType;
  /** True if the first three bands are red, green and blue; default: false. */
  isRgb?: boolean;
  /** Bands as stored, where colours are made of them: one for a palette. Default: `bands`. */
  storedBands?: number;
  /** The no-data value as written, of all bands. */
  noDataText?: string | undefined;
  /** Metadata of the file. */
  facts?: FileFacts | undefined;
  guesses?: readonly string[];
  notes?: readonly string[];
  /** Samples of a window that lies inside the file. @param isNoData of samples as stored. */
  samples(window: RasterWindow, bands: readonly number[], isNoData: NoDataTest | undefined): Promise<ReadSamples>;
}

const ZEROS = 'amplitudes of 0 are taken to be missing, for no value is named that is; --no-data names another one';

/** Samples of one read: 1 GB as float32. */
const MAX_SAMPLES = 2 ** 28;

/** @param file for messages. @param format of it, for messages: "GeoTIFF". */
export function rasterFile(
  source: RasterSource,
  file: string,
  format: string,
  options: RasterOptions,
  sidecars: Sidecars = {},
): RasterFile {
  const { width, height, bands, crs, transform, georeference, sample, storedBands = bands } = source;
  const facts = mergedFacts(source.facts, sidecars.facts, storedBands);
  const alphas = storedBands === bands ? alphasOf(source, facts) : [];
  const imageBands = imageBandsOf(source).filter((band) => !alphas.includes(band));
  const noData = noDataOf(
    source,
    facts,
    sidecars.facts?.jointNoData ?? source.facts?.jointNoData,
    options.noData ?? [],
  );
  const isNoData = noDataTest(noData.values, sample);
  const imageFacts = storedBands === bands ? imageBands.map((band) => facts[band]!) : facts;
  const named = options.unit === undefined ? unitOf(imageFacts) : { unit: options.unit };
  const unit = named.unit ?? 'digital number';
  const scales = scalesOf(storedBands === bands ? facts : []);
  const ofSamples = new Set<string>();
  /** Samples of a window as stored, and as values. */
  const fetch = async (window: RasterWindow, chosen: readonly number[]) => {
    requireInside(window, chosen, source, file);
    const stored = await explained(file, format, async () => {
      const samples = await source.samples(window, chosen, isNoData);
      const masks = sidecars.mask ? [await sidecars.mask(window, chosen)] : [];
      const unchosen = alphas.filter((band) => !chosen.includes(band));
      if (unchosen.length > 0) masks.push(zerosOf(await source.samples(window, unchosen, undefined), unchosen.length));
      return masks.reduce(hiddenBy, samples);
    });
    const isScaled = scales.byBand.size > 0;
    const data = isScaled ? stored.data.slice() : stored.data;
    applyScales(data, chosen, scales.byBand);
    const { isNamed: namesNoData, isJoint } = noData;
    const onZero = () => ofSamples.add(ZEROS);
    const rules = { bands: chosen.length, unit, sample, namesNoData, isJoint, isScaled, onZero };
    const mask = missingPixels({ ...stored, data }, rules);
    const rest = {
      ...{ width: window.width, height: window.height, bands: chosen.length },
      ...(mask && { noData: mask }),
      ...(crs !== undefined && { crs }),
      ...(transform && { transform: shifted(transform, window) }),
    };
    return { stored: stored.data, data, rest };
  };
  const whole = { column: 0, row: 0, width, height };
  return {
    ...{ width, height, bands, imageBands, crs, transform, georeference, auxXml: sidecars.auxXml, unit: named.unit },
    ...{ block: source.block ?? { width, height }, noData: noData.values[0]?.[0], sample },
    ...{ facts: new Map(storedBands === bands ? facts.entries() : []), isRgb: source.isRgb ?? false },
    items: new Map([...(source.facts?.items ?? []), ...(sidecars.facts?.items ?? [])]),
    notes: [...(source.notes ?? []), ...scales.notes],
    guesses: [
      ...(source.guesses ?? []),
      ...(sidecars.guesses ?? []),
      ...noData.guesses,
      ...(named.guess ? [named.guess] : []),
    ],
    guessesOfSamples: () => [...ofSamples],
    async read(window = whole, chosen = imageBands) {
      const { data, rest } = await fetch(window, chosen);
      return { data, unit, ...rest };
    },
    async readStored(window = whole, chosen = imageBands) {
      const { stored, rest } = await fetch(window, chosen);
      return { data: stored, unit: 'digital number', ...rest };
    },
    async close() {},
  };
}

/** Facts of each band: those of the file, then those beside it; of no-data the other way round, as for GDAL. */
function mergedFacts(own: FileFacts | undefined, beside: FileFacts | undefined, bands: number): BandFacts[] {
  return Array.from({ length: bands }, (_, band) => {
    const [inside, outside] = [own?.bands.get(band), beside?.bands.get(band)];
    const noData = outside?.noData ?? inside?.noData;
    return { ...outside, ...inside, ...(noData !== undefined && { noData }) };
  });
}

const imageBandsOf = ({ bands, imageBands }: RasterSource): readonly number[] =>
  imageBands ?? Array.from({ length: bands }, (_, band) => band);

/** Bands that metadata call alpha, and the format does not; a file of them alone has none. */
function alphasOf(source: RasterSource, facts: readonly BandFacts[]): number[] {
  const images = imageBandsOf(source);
  const alphas = images.filter((band) => facts[band]?.isAlpha);
  return alphas.length < images.length ? alphas : [];
}

/** [height, width] of 1 where one of the bands is 0. */
function zerosOf({ data }: ReadSamples, bands: number): Uint8Array {
  const hidden = new Uint8Array(data.length / bands);
  for (let i = 0; i < data.length; i++) if (data[i] === 0) hidden[Math.floor(i / bands)] = 1;
  return hidden;
}

/** No-data values by band: of the companion, else of the file, and of the caller. */
function noDataOf(
  { noDataText, sample }: RasterSource,
  facts: readonly BandFacts[],
  joint: string | undefined,
  asked: readonly number[],
) {
  const ofAll = joint?.split(/[\s,]+/).filter((word) => word !== '') ?? [];
  const isJoint = ofAll.length > 1 && ofAll.length === facts.length;
  const texts = isJoint ? ofAll : facts.map(({ noData }) => noData ?? noDataText ?? '');
  const parsed = texts.map((text) => parseNoData(text, sample));
  return {
    values: parsed.map(({ values }) => [...values, ...asked]),
    guesses: [...new Set(parsed.flatMap(({ guess }) => guess ?? []))],
    isNamed: asked.length > 0 || texts.some((text) => text.trim() !== ''),
    isJoint,
  };
}

interface Scale {
  scale: number;
  offset: number;
}

function scalesOf(facts: readonly BandFacts[]): { byBand: ReadonlyMap<number, Scale>; notes: string[] } {
  const byBand = new Map<number, Scale>();
  for (const [band, { scale = 1, offset = 0 }] of facts.entries()) {
    if (scale !== 1 || offset !== 0) byBand.set(band, { scale, offset });
  }
  const words = new Set([...byBand.values()].map(({ scale, offset }) => `sample × ${scale} + ${offset}`));
  return { byBand, notes: [...words].map((each) => `samples are scaled as the file says: ${each}`) };
}

function applyScales(data: Float32Array, bands: readonly number[], scales: ReadonlyMap<number, Scale>): void {
  if (scales.size === 0) return;
  for (let i = 0; i < data.length; i++) {
    const scale = scales.get(bands[i % bands.length]!);
    if (scale) data[i] = data[i]! * scale.scale + scale.offset;
  }
}

function hiddenBy(samples: ReadSamples, mask: Uint8Array): ReadSamples {
  const { hidden } = samples;
  return { ...samples, hidden: hidden ? mask.map((each, i) => each | hidden[i]!) : mask };
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

/** The transform of a window. */
function shifted([a0, a1, a2, a3, a4, a5]: AffineTransform, { column, row }: RasterWindow): AffineTransform {
  return [a0 + column * a1 + row * a2, a1, a2, a3 + column * a4 + row * a5, a4, a5];
}

/** Feature of a format that its reader does not support; thrown inside decoders, which do not know the file. */
export class NotSupported extends Error {}

/** Runs a decoder and rethrows its errors as a `FormatError` that names the file. */
export async function explained<T>(file: string, format: string, work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (isDoppelError(cause)) throw cause;
    if (cause instanceof NotSupported) throw unsupported(file, format, cause.message);
    throw new FormatError({
      ...{ action: `read the ${format}`, file, found: `damage (${reasonOf(cause)})`, cause },
      remedy: 'The file is cut short or broken: copy or export it again.',
    });
  }
}

/** Error of a damaged file. @param expected by the header. @param found in the file. */
export function damaged(file: string, format: string, expected: string, found: string): FormatError {
  return new FormatError({
    ...{ action: `read the ${format}`, file, expected, found },
    remedy: 'The file is cut short or broken: copy or export it again.',
  });
}

/** Error of an unsupported file. @param found feature in the file. @param options of gdal_translate that convert it. */
export function unsupported(
  file: string,
  format: string,
  found: string,
  line = gdalTranslate(file, '-co COMPRESS=DEFLATE'),
): FormatError {
  return new FormatError({
    ...{ action: `read the ${format}`, file, found: `${found}, which is not supported` },
    remedy: `The file may be intact; convert it with GDAL: \`${line}\`.`,
  });
}

/** Command line of gdal_translate. @param options that make the file readable. */
export const gdalTranslate = (file: string, options: string) => `gdal_translate ${options} ${quoted(file)} OUT.tif`;

const quoted = (file: string) => (/^[\w./:@+-]+$/.test(file) ? file : `'${file.replaceAll("'", "'\\''")}'`);
