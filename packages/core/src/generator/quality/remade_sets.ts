/** Sets of patches that a generator makes of real ones, of records of a data set. */
import * as tf from '@tensorflow/tfjs-core';
import { pause } from '../../base/pause.ts';
import { philoxNormal } from '../../base/philox.ts';
import type { Dataset } from '../../dataset/dataset.ts';
import type { PatchSource } from '../../prepare/patch_source.ts';
import { preparePatch } from '../../prepare/prepared_patches.ts';
import type { LatentGenerator } from '../latent.ts';
import { type PatchStack, stackOf } from '../patch_stack.ts';
import { type GrainGenerator, hasGrain, Remaker } from '../remake.ts';
import { fromPrior, reconstructed } from './made_sets.ts';

const BATCH = 32;

interface RemadeTask {
  generator: LatentGenerator;
  dataset: Dataset;
  /** Prepared by the generator's normalisation. */
  patches: PatchSource;
  seed: number;
  signal?: AbortSignal | undefined;
  onProgress?: ((done: number) => void) | undefined;
}

/** Real patches of records, prepared. */
export async function readSet(records: readonly number[], { generator, patches, signal }: RemadeTask) {
  const prepared: Float32Array[] = [];
  for (const record of records) {
    if (prepared.length % 64 === 0) await pause(signal);
    prepared.push(await patches.sar(record));
  }
  return stackOf(prepared, generator.info.side);
}

/** Patches made of records by their own codes: reconstructions, with new speckle where the generator draws it. */
export async function remade(records: readonly number[], task: RemadeTask): Promise<PatchStack> {
  const { generator, signal, onProgress } = task;
  if (hasGrain(generator)) return (await withGrain(records, { ...task, generator })).remade;
  return reconstructed(generator, await readSet(records, task), { signal, onProgress });
}

/** Patches from the prior, and those remade of records; drawn speckle is in the style of the records' patches. */
export async function priorAndRemade(
  records: readonly number[],
  task: RemadeTask,
): Promise<{ prior: PatchStack; remade: PatchStack }> {
  const { generator, seed, signal, onProgress } = task;
  if (hasGrain(generator)) {
    const { latent } = generator.info;
    const drawn = (start: number, count: number) =>
      Array.from({ length: count }, (_, i) =>
        philoxNormal(latent, { seed, offset: (start + i) * Math.ceil(latent / 4) }),
      );
    return withGrain(records, { ...task, generator }, drawn);
  }
  const { length: count } = records;
  const prior = await fromPrior(generator, { count, seed, signal, onProgress: (done) => onProgress?.(done / 2) });
  const half = { ...task, onProgress: (done: number) => onProgress?.((count + done) / 2) };
  return { prior, remade: await remade(records, half) };
}

/** @param drawn codes of the prior for the positions from `start` on. */
async function withGrain(
  records: readonly number[],
  { generator, dataset, seed, signal, onProgress }: RemadeTask & { generator: GrainGenerator },
  drawn?: (start: number, count: number) => Float32Array[],
): Promise<{ prior: PatchStack; remade: PatchStack }> {
  const { side, normalisation, latent } = generator.info;
  const remaker = new Remaker(generator, dataset, seed);
  const found = { prior: [] as Float32Array[], remade: [] as Float32Array[] };
  for (let start = 0; start < records.length; start += BATCH) {
    await pause(signal);
    const batch = records.slice(start, start + BATCH);
    const { latents, sources } = await remaker.sources(batch);
    tf.dispose([latents.mu, latents.logvar]);
    const prepared = (raster: Parameters<typeof preparePatch>[0]) =>
      preparePatch(raster, 'sar', normalisation, 'a made patch');
    for (const source of sources) found.remade.push(prepared(remaker.whole(source, source.ground, 0)));
    if (drawn) {
      const codes = tf.tensor2d(Float32Array.from(drawn(start, batch.length).flatMap((code) => [...code])), [
        batch.length,
        latent,
      ]);
      const grounds = await generator.grain.ground(codes);
      codes.dispose();
      sources.forEach((source, i) => {
        found.prior.push(prepared(remaker.whole(source, grounds[i]!, 1)));
      });
    }
    onProgress?.(start + batch.length);
  }
  return { prior: stackOf(found.prior, side), remade: stackOf(found.remade, side) };
}
