/** Turns, mirrors and radiometric changes of prepared samples. */
import type { Rng } from '../../../base/random.ts';
import type { Modality } from '../../../prepare/normalisation.ts';
import { turned } from '../../../raster/turned.ts';
import type { Radiometry } from './settings.ts';

/** Samples [side, side, bands] turned counter-clockwise by right angles, then mirrored left to right. */
export function turnedSamples(
  data: Float32Array,
  side: number,
  bands: number,
  { turns, flip }: { turns: number; flip: boolean },
): Float32Array {
  // A turn after the mirror goes the other way round.
  const turn = { flip, turns: flip ? (4 - turns) % 4 : turns };
  return turned({ data, width: side, height: side, channels: bands }, turn).data;
}

/** Changes gain, offsets, tones and, of SAR, speckle: a new array. */
export function changedTones(
  samples: Float32Array,
  bands: number,
  modality: Modality,
  rng: Rng,
  { gain, offset, bandOffset, curve, speckle }: Radiometry,
): Float32Array {
  const between = (range: number) => (2 * rng.float() - 1) * range;
  const [factor, bend, common] = [1 + between(gain), between(curve), rng.normal() * offset];
  const offsets = Array.from({ length: bands }, () => common + (bands > 1 ? rng.normal() * bandOffset : 0));
  const noise = modality === 'sar' ? rng.float() * speckle : 0;
  const changed = new Float32Array(samples.length);
  for (let i = 0; i < samples.length; i++) {
    const x = samples[i]!;
    const added = noise > 0 ? rng.normal() * noise : 0;
    changed[i] = factor * x + bend * (x * x - 1) + offsets[i % bands]! + added;
  }
  return changed;
}
