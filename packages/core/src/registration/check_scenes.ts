/**
 * Checks two files before long work: the same file twice, bands that are not there, SAR and optical swapped, a scene of one
 * value, a unit that its samples contradict. Each is refused with the way out, since a registration would only call it "no agreement".
 */
import { UsageError } from '../errors.ts';
import { openPlaced, type PlacedFile } from '../geo/place.ts';
import type { Raster, Unit } from '../raster/raster.ts';
import { isRadarUnit } from '../raster/units.ts';
import type { Store } from '../store.ts';
import { bandsIn } from './bands.ts';

export interface CheckedPair {
  readonly sar: string;
  readonly optical: string;
  /** Unit of the SAR samples, where the caller states it. */
  readonly sarUnit?: Unit | undefined;
  /** Bands that are compared, from 1. */
  readonly sarBand?: number | undefined;
  readonly opticalBands?: readonly number[] | undefined;
  /** True to take the scenes as they are named, however they look. */
  readonly asNamed?: boolean | undefined;
}

/** @throws UsageError if the files cannot be registered. @throws FileError, FormatError as `openRaster`. */
export async function checkScenes(store: Store, pair: CheckedPair): Promise<void> {
  await refuseSameFile(store, pair);
  const sar = await factsOf(store, pair.sar, pair.sarBand === undefined ? [] : [pair.sarBand], pair.sarUnit);
  const optical = await factsOf(store, pair.optical, pair.opticalBands ?? []);
  if (!pair.asNamed) refuseSwapped(sar, optical);
  for (const facts of [sar, optical]) refuseOneValue(facts);
  refuseUnit(sar);
}

async function refuseSameFile(store: Store, { sar, optical }: CheckedPair): Promise<void> {
  const [a, b] = [await store.stat(sar), await store.stat(optical)];
  const isSame = sar === optical || (a?.identity !== undefined && a.identity === b?.identity);
  if (!isSame && !(await haveSameBytes(store, [sar, optical], [a?.size, b?.size]))) return;
  throw new UsageError({
    action: `register ${optical} on ${sar}`,
    expected: 'a SAR and an optical scene',
    found: isSame ? 'the same file twice' : 'two copies of one file',
    remedy: 'Name the radar scene with --sar and the optical scene with --optical.',
  });
}

/** Bytes at either end of two files that are compared. */
const COMPARED = 2 ** 16;

async function haveSameBytes(
  store: Store,
  files: readonly [string, string],
  [size, other]: readonly [number | undefined, number | undefined],
): Promise<boolean> {
  if (size === undefined || size !== other) return false;
  for (const offset of new Set([0, Math.max(0, size - COMPARED)])) {
    const [a, b] = await Promise.all(files.map((file) => store.readRange(file, offset, COMPARED)));
    if (!a!.every((byte, i) => byte === b![i])) return false;
  }
  return true;
}

interface SceneFacts {
  readonly name: string;
  readonly unit: Unit | undefined;
  /** Bands other than alpha. */
  readonly bands: number;
  readonly min: number;
  readonly max: number;
  /** Valid samples that were looked at, and those of them below 0. */
  readonly valid: number;
  readonly below0: number;
}

/** Windows along each axis whose samples are looked at, and their side. */
const [STEPS, SIDE] = [5, 64];

/** @param asked bands that are compared, of which the first is looked at; none for all. @throws UsageError for one that is not there. */
async function factsOf(store: Store, name: string, asked: readonly number[], unit?: Unit): Promise<SceneFacts> {
  const file = await openPlaced(store, name, { unit });
  try {
    const [band = file.imageBands[0] ?? 0] = bandsIn(name, asked, file.bands);
    const facts = { name, unit: file.unit, bands: file.imageBands.length };
    let [min, max, valid, below0] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0];
    for await (const { data, noData } of windowsOf(file, band)) {
      for (const [pixel, value] of data.entries()) {
        if (noData?.[pixel] || !Number.isFinite(value)) continue;
        [min, max] = [Math.min(min, value), Math.max(max, value)];
        valid++;
        if (value < 0) below0++;
      }
    }
    return { ...facts, min, max, valid, below0 };
  } finally {
    await file.close();
  }
}

/** Windows of a band, spread over a file. */
async function* windowsOf(file: PlacedFile, band: number): AsyncGenerator<Raster> {
  const { width, height } = file;
  const [across, down] = [Math.min(SIDE, width), Math.min(SIDE, height)];
  for (const row of stepsOf(height, down)) {
    for (const column of stepsOf(width, across)) {
      yield await file.read({ column, row, width: across, height: down }, [band]);
    }
  }
}

function stepsOf(length: number, side: number): number[] {
  const steps = Array.from({ length: STEPS }, (_, i) => Math.round((i / (STEPS - 1)) * (length - side)));
  return [...new Set(steps)];
}

function refuseSwapped(sar: SceneFacts, optical: SceneFacts): void {
  const evidence = swapped(sar, optical);
  if (evidence !== undefined) throw swappedScenes(sar.name, optical.name, evidence);
}

/** The error of scenes that are named the wrong way round, by what they hold or by how they match. */
export const swappedScenes = (sar: string, optical: string, evidence: string): UsageError =>
  new UsageError({
    action: `register ${optical} on ${sar}`,
    expected: 'the radar scene as --sar, the optical scene as --optical',
    found: `them swapped, it seems: ${evidence}`,
    remedy: 'Exchange the two, or say that they are right by --as-named.',
  });

/** Share of samples below 0 from which they are decibels rather than noise around 0. */
const DECIBELS = 0.2;

function swapped(sar: SceneFacts, optical: SceneFacts): string | undefined {
  const isDecibels = (facts: SceneFacts) => facts.below0 > DECIBELS * facts.valid;
  if (optical.unit && isRadarUnit(optical.unit) && !(sar.unit && isRadarUnit(sar.unit))) {
    return `${optical.name} holds ${optical.unit}`;
  }
  if (sar.unit === 'reflectance') return `${sar.name} holds reflectances`;
  if (isDecibels(optical) && !isDecibels(sar)) return `${optical.name} holds values below 0, as decibels are`;
  if (sar.bands >= 3 && optical.bands < 3 && !isDecibels(sar)) {
    return `${sar.name} has ${sar.bands} bands, ${optical.name} has ${optical.bands}`;
  }
  return undefined;
}

function refuseOneValue({ name, valid, min, max }: SceneFacts): void {
  if (valid > 0 && min < max) return;
  throw new UsageError({
    ...{ action: `register ${name}`, expected: 'a scene with structure' },
    found: valid === 0 ? 'no valid sample in the windows that were looked at' : `the value ${min} only`,
    remedy: `Check the file and its no-data value by \`gdalinfo -stats ${name}\`.`,
  });
}

/** Decibels above which no scene lies. */
const MOST_DECIBELS = 60;

function refuseUnit({ name, unit, min, max, valid, below0 }: SceneFacts): void {
  const refuse = (found: string, remedy: string) => {
    const expected = unit === undefined ? 'radar samples of a known unit' : `samples in the unit ${unit}`;
    throw new UsageError({ action: `register ${name}`, expected, found, remedy });
  };
  if (unit === 'dB' && max > MOST_DECIBELS) {
    refuse(`values up to ${short(max)}`, 'Say what they are: --sar-unit amplitude or --sar-unit intensity.');
  }
  if (unit !== 'dB' && below0 > DECIBELS * valid) {
    refuse(`values from ${short(min)} to ${short(max)}, as decibels have`, 'Say so: --sar-unit dB.');
  }
}

const short = (value: number) => String(Number(value.toPrecision(3)));
