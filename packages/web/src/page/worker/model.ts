/** The model in the box on WebAssembly, in the browser: scores of pairs, their correlation maps, patches as it sees them. */
import { DEFAULT_MODEL, type Model, openModel, type PairScore } from '@doppel/core';
import { provideWasmBinary, selectBackend } from '@doppel/core/backends';
import { type Normalisation, preparePatch } from '@doppel/core/prepare';
import type { Raster } from '@doppel/core/raster';
import { pairMap, templateMap } from '@doppel/core/registration';
import modelAddress from 'doppel-model';
import wasmAddress from 'doppel-wasm';
import { config } from 'zod';
import type { Sensor } from '../fault.ts';
import { type Correlation, correlationOf } from './correlation.ts';
import { type Picture, pictureOf } from './picture.ts';

config({ jitless: true }); // it would compile by `new Function`, which the page's policy forbids

export interface BoxFacts {
  name: string;
  fingerprint: string;
  side: number;
  sides: { min: number; multipleOf: number } | null;
  backend: string;
}

export interface PairToScore {
  sar: Raster;
  optical: Raster;
  names: Record<Sensor, string>;
  /** Optical pixels around the patch, with as many to each side; absent: the patch alone. */
  window?: Raster | undefined;
}

let opened: Promise<Model> | undefined;

/** The model, loaded at the first call. */
const boxed = () => {
  opened ??= open();
  opened.catch(() => {
    opened = undefined; // a file that could not be fetched may be there the next time
  });
  return opened;
};

async function open(): Promise<Model> {
  const [wasm, bytes] = await Promise.all([wasmAddress, modelAddress].map(fetched));
  await provideWasmBinary(wasm!);
  await selectBackend({ requested: 'wasm' });
  return openModel(bytes!, DEFAULT_MODEL);
}

async function fetched(address: string): Promise<Uint8Array> {
  const response = await fetch(new URL(address, import.meta.url));
  if (!response.ok) throw new Error(`Cannot load ${address}: status ${response.status}. Reload the page.`);
  return new Uint8Array(await response.arrayBuffer());
}

export async function boxFacts(): Promise<BoxFacts> {
  const { info } = await boxed();
  const { fingerprint, side, sides = null } = info;
  return { name: DEFAULT_MODEL, fingerprint, side, sides, backend: 'wasm' };
}

/** Score of a pair. @throws PatchError */
export async function scored({ sar, optical, names }: PairToScore): Promise<PairScore> {
  const [score] = await (await boxed()).score([{ sar, optical, names }]);
  return score!;
}

/** Correlations at displacements of the optical patch: those of its window, else those that the score looks at. */
export async function correlated({ sar, optical, window }: PairToScore): Promise<Correlation> {
  const model = await boxed();
  return correlationOf(window ? await templateMap(model, sar, window) : await pairMap(model, sar, optical));
}

/** Standard deviations from the mean that are shown black and white. */
const SEEN = [-2.5, 2.5] as const;

/** Preparation of patches for a model. */
export interface Preparation {
  normalisation: Normalisation;
  opticalBands: number;
}

/**
 * Both patches as numbers of a model, from −2.5 to 2.5 standard deviations.
 *
 * @param by the model that is served; default: the model in the box. @throws PatchError
 */
export async function seen({ sar, optical, names }: PairToScore, by?: Preparation): Promise<Record<Sensor, Picture>> {
  const { normalisation, opticalBands } = by ?? (await boxPreparation());
  const picture = (raster: Raster, sensor: Sensor, bands: number) => {
    const { width, height } = raster;
    const data = preparePatch(raster, sensor, { ...normalisation, side: width }, names[sensor]);
    return pictureOf({ data, width, height, bands }, SEEN);
  };
  return { sar: picture(sar, 'sar', 1), optical: picture(optical, 'optical', opticalBands) };
}

async function boxPreparation(): Promise<Preparation> {
  const { normalisation, info } = await boxed();
  return { normalisation, opticalBands: info.opticalBands };
}
