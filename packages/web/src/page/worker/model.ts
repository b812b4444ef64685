/** The model in the box on WebAssembly, in the browser: scores of pairs, their correlation maps, patches as it sees them. */
import { DEFAULT_MODEL, type Model, openModel, type PairScore } from '@doppel/core';
import { provideWasmBinary, selectBackend } from '@doppel/core/backends';
import { preparePatch } from '@doppel/core/prepare';
import type { Raster } from '@doppel/core/raster';
import { pairMap, templateMap } from '@doppel/core/registration';
import modelAddress from 'doppel-model';
import wasmAddress from 'doppel-wasm';
import { config } from 'zod';
import type { Sensor } from '../fault.ts';
import { type Picture, pictureOf } from './picture.ts';

config({ jitless: true }); // it would compile by `new Function`, which the page's policy forbids

export interface Correlation {
  /** [height, width], −1 to 1. */
  values: Float32Array;
  width: number;
  height: number;
  /** Pixels between two values. */
  stride: number;
  /** Pixels to each side of the middle. */
  reach: number;
  /** Pixels from the middle within which the score takes the peak. */
  radius: number;
}

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
  const map = window ? await templateMap(model, sar, window) : await pairMap(model, sar, optical);
  const { values, width, height, stride, radius } = map;
  return { values, width, height, stride, radius, reach: ((width - 1) / 2) * stride };
}

/** Standard deviations from the mean that are shown black and white. */
const SEEN = [-2.5, 2.5] as const;

/** A patch as numbers of the model, from −2.5 to 2.5 standard deviations. @throws PatchError */
export async function seen(raster: Raster, sensor: Sensor, name: string): Promise<Picture> {
  const { normalisation, info } = await boxed();
  const { width, height } = raster;
  const data = preparePatch(raster, sensor, { ...normalisation, side: width }, name);
  return pictureOf({ data, width, height, bands: sensor === 'sar' ? 1 : info.opticalBands }, SEEN);
}
