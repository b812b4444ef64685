/** Checkpoints of generators without what only training needs: to hand on, and to make patches with. */
import type { Network } from './architecture.ts';
import { readGenerator, writeGenerator } from './checkpoint.ts';
import { requireFinished } from './open.ts';

/** Networks that make patches. */
const MAKING: Network[] = ['encoder', 'average', 'speckle'];

/** @param file for messages. @throws CheckpointError as `openGenerator`. */
export function packGenerator(bytes: Uint8Array, file: string): Uint8Array {
  const { resume: _, version: __, ...checkpoint } = readGenerator(bytes, file);
  requireFinished(checkpoint, file);
  return writeGenerator({ ...checkpoint, holds: MAKING });
}
