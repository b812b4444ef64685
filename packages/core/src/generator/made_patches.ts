/**
 * Hard negatives as training takes them, wherever they come from: real SAR patches by reference into the data set, and
 * made ones that exist nowhere else. Made patches never leave training: neither validation nor evaluation takes this type.
 */

import type { PairReference } from '../dataset/patch_pair.ts';
import { UsageError } from '../errors.ts';
import type { Normalisation } from '../prepare/normalisation.ts';

/** Patches one after another, each side · side numbers. */
export interface PatchStack {
  data: Float32Array;
  side: number;
  count: number;
}

/** A made SAR patch beside the optical patch of a record. */
export interface MadePair {
  /** Record whose optical patch is meant, and whose SAR patch the made one came from. */
  optical: number;
  /** Row of the stack. */
  patch: number;
}

export interface MadePatches {
  /** SHA-256 of the generator's checkpoint. */
  generator: string;
  /** How the patches are prepared: they are ready for a matcher of the same normalisation, and for no other. */
  normalisation: SarPreparation;
  patches: PatchStack;
  /** To be paired with label 0. */
  negatives: readonly MadePair[];
  /** G(E(x)) of the true SAR patch, to be paired with label 1; empty unless they were asked for. */
  reconstructions: readonly MadePair[];
}

export interface NegativeSet {
  /** Real SAR patches of other ground. */
  mined: readonly Pick<PairReference, 'sar' | 'optical'>[];
  generated?: MadePatches | undefined;
}

export const patchAt = ({ data, side }: PatchStack, row: number): Float32Array =>
  data.subarray(row * side * side, (row + 1) * side * side);

/** The part of a normalisation that SAR patches depend on. */
export type SarPreparation = Pick<Normalisation, 'side' | 'sar'>;

export const sarPreparation = ({ side, sar }: SarPreparation): SarPreparation => ({ side, sar });

/**
 * @param made how the generated patches are prepared. @param wanted how the matcher's are.
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
