/**
 * Generators of look-alike SAR patches: architectures in one list, latent moves, made patches, and measures of their
 * quality.
 *
 * @module
 * @example
 * ```ts
 * import { GENERATORS, LATENT_RULES } from '@doppel/core/generator';
 *
 * console.log(GENERATORS.names().join(' '), '-', LATENT_RULES.join(' ')); // paper small spatial - sigma sample noise
 * ```
 */
export type { Generator, GeneratorArchitecture } from './architecture.ts';
export { DEFAULT_GENERATOR, GENERATORS, generatorObjectives } from './architectures.ts';
export { createGenerator, parseNetworks, zeroGeneratorMoments } from './generator.ts';
export { LATENT_RULES, type LatentGenerator, type LatentRule, latentNoise, moveLatents } from './latent.ts';
export { type NegativeSet, requireSamePreparation } from './made_patches.ts';
export { checkGenerator, decodeFor, forEachEncoded } from './make_patches.ts';
export { MATCHES, type Match } from './match_histogram.ts';
export { DONOR_RULES, MOVE_RULES, type MoveRule } from './moves.ts';
export { NAMED_GENERATORS, readGeneratorFile } from './named_generators.ts';
export { type OpenGenerator, openGenerator } from './open.ts';
export { packGenerator } from './pack.ts';
export { type PatchStack, patchAt, stackOf, tensorOf } from './patch_stack.ts';
export type { Beside } from './quality/compare.ts';
export type { Likeness } from './quality/likeness.ts';
export type { LooksSummary } from './quality/looks.ts';
export type { Memorisation } from './quality/nearest.ts';
export type { ValueFigures } from './quality/values.ts';
export {
  evaluateGenerator,
  type GeneratorEvaluation,
  type GeneratorQuality,
  QUALITY_DEFAULTS,
  type QualityMatcher,
  type ShownPatches,
} from './quality.ts';
export { EDITS, type Edit, Remaker, remakerOf, type Source } from './remake.ts';
export { reconstruction, type SampleTask, samplePatches } from './sample.ts';
