/**
 * Hard negatives as training takes them: real SAR patches by reference into the data set, and made ones with their pixels.
 * Made patches never leave training: neither validation nor evaluation takes this type.
 */

import type { PairReference } from '../dataset/patch_pair.ts';
import { UsageError } from '../errors.ts';
import type { Normalisation } from '../prepare/normalisation.ts';
import type { PatchStack } from './patch_stack.ts';

/** Made SAR patch, paired with the optical patch of a record. */
export interface MadePair {
  /** Record of the optical patch, and of the SAR patch that was the source. */
  optical: number;
  /** Row of the stack. */
  patch: number;
  /** Share of the patch that differs from its source, in [0, 1]; undefined in lists of older versions. */
  changed?: number | undefined;
  /** Probabilities by the matcher that the list was made with: of the pair, and of the true one. */
  score?: number | undefined;
  positiveScore?: number | undefined;
}

export interface MadePatches {
  /** SHA-256 of the generator's checkpoint; null where none took part. */
  generator: string | null;
  /** Preparation of the patches: only a matcher with the same one can use them. */
  normalisation: SarPreparation;
  patches: PatchStack;
  /** Pairs with label 0. */
  negatives: readonly MadePair[];
  /** G(E(x)) of the true SAR patch, pairs with label 1; empty if none were made. */
  reconstructions: readonly MadePair[];
}

export interface NegativeSet {
  /** Real SAR patches of other ground. */
  mined: readonly Pick<PairReference, 'sar' | 'optical'>[];
  generated?: MadePatches | undefined;
}

/** Part of a normalisation that SAR patches depend on. */
export type SarPreparation = Pick<Normalisation, 'side' | 'sar'>;

/**
 * Refuses made patches that are prepared in another way than the matcher's.
 *
 * @throws UsageError that names what differs.
 */
export function requireSamePreparation(made: SarPreparation, wanted: SarPreparation, source: string): void {
  const differing = differences(made, wanted);
  if (differing.length === 0) return;
  throw new UsageError({
    action: `use the generated patches of ${source} with this matcher`,
    expected: `SAR patches prepared as the matcher's: ${differing.map(({ name, wanted }) => `${name} ${wanted}`).join(', ')}`,
    found: differing.map(({ name, made }) => `${name} ${made}`).join(', '),
    remedy:
      'Train the generator on the same data set, splits and settings of `normalisation` as the matcher, or the matcher as the generator.',
  });
}

/** True if SAR patches of both have the same numbers. */
export const isSamePreparation = (a: SarPreparation, b: SarPreparation): boolean => differences(a, b).length === 0;

function differences(made: SarPreparation, wanted: SarPreparation) {
  const flat = ({ side, sar }: SarPreparation): Record<string, string> => ({
    side: String(side),
    ...Object.fromEntries(Object.entries(sar).map(([name, value]) => [`sar.${name}`, JSON.stringify(value)])),
  });
  const [a, b] = [flat(made), flat(wanted)];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .filter((name) => a[name] !== b[name])
    .map((name) => ({ name, made: a[name] ?? 'none', wanted: b[name] ?? 'none' }));
}
