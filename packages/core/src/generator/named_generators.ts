/** Generators by name: `--generator s1-10m-spatial` means a checkpoint that comes with doppel, wherever it is installed. */
import type { Boxed } from '@doppel/models';
import { GENERATOR_BOX } from '@doppel/models/generators';
import { Registry } from '../base/registry.ts';
import { readNamed } from '../boxed_files.ts';
import type { Store } from '../store.ts';

/** Generators in the box by name; a plug-in adds its own. */
export const NAMED_GENERATORS = new Registry<Boxed>('generator', GENERATOR_BOX);

/** Bytes of a checkpoint. @param generator name of one in the box, else a path in the store. @throws FileError */
export const readGeneratorFile = (store: Store, generator: string): Promise<Uint8Array> =>
  readNamed(store, generator, NAMED_GENERATORS);
