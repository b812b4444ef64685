/** A generator's checkpoint, ready to make patches. Its code is loaded when a command needs it. */

import type { Store } from '@doppel/core';
import type { LatentGenerator } from '@doppel/core/generator';

/** @throws FileError if there is no file. @throws CheckpointError if it is damaged or not a generator. */
export async function openGeneratorFile(store: Store, file: string): Promise<LatentGenerator> {
  const bytes = await store.read(file);
  const { openGenerator } = await import('@doppel/core/generator');
  return openGenerator(bytes, file);
}
