/** The flag `--generator`, and the generator that it names, ready to make patches. */
import type { Store } from '@doppel/core';
import { type LatentGenerator, NAMED_GENERATORS, openGenerator, readGeneratorFile } from '@doppel/core/generator';
import { text } from './flags.ts';

export const GENERATOR_FLAG = {
  generator: text('generator', `Generator: ${NAMED_GENERATORS.names().join(', ')}, or the file of a checkpoint`),
};

/** @throws FileError if there is no file. @throws CheckpointError if it is damaged or not a generator. */
export async function openGeneratorFile(store: Store, generator: string): Promise<LatentGenerator> {
  return openGenerator(await readGeneratorFile(store, generator), generator);
}
