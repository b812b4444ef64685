/** A generator of the box or of a checkpoint, ready to make patches. */
import type { Store } from '@doppel/core';
import { type LatentGenerator, openGenerator, readGeneratorFile } from '@doppel/core/generator';

/** @throws FileError if there is no file. @throws CheckpointError if it is damaged or not a generator. */
export async function openGeneratorFile(store: Store, generator: string): Promise<LatentGenerator> {
  return openGenerator(await readGeneratorFile(store, generator), generator);
}
