/**
 * A generator's checkpoint, ready to make patches. Training a generator is not part of this version yet, so that there is no
 * file to open: what stands on generators says so, instead of failing half-way.
 */
import { UsageError } from '@doppel/core/errors';
import type { LatentGenerator } from '@doppel/core/mining/latent';
import type { Store } from '@doppel/core/store';

/** @throws UsageError always, in this version. */
export async function openGeneratorFile(_store: Store, file: string): Promise<LatentGenerator> {
  throw new UsageError({
    action: `open the generator ${file}`,
    expected: 'negatives that need no generator',
    found: 'a strategy that makes patches, which this version cannot train yet',
    remedy: 'Use --strategy random, loss or nearest, or adaptive without --generator.',
  });
}
