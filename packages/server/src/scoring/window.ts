/** Window around an optical patch, over which a correlation map goes. */
import { PatchError } from '@doppel/core';

/** Pixels of which both sides of a window and a patch are multiples. */
const STEP = 8;
/** Longest side: a map costs pixels of the window times pixels of the patch. */
const MAX_SIDE = 256;

interface Size {
  width: number;
  height: number;
}

/** @throws PatchError for a window that is no larger than the patch by whole steps, or too large. */
export function requireWindow(window: Size, patch: Size): void {
  const sides = [
    [window.width, patch.width],
    [window.height, patch.height],
  ] as const;
  if (sides.every(([long, side]) => long >= side && (long - side) % STEP === 0 && long <= MAX_SIDE)) return;
  throw new PatchError({
    action: 'use the window around the optical patch',
    expected: `sides that are those of the patch, or longer by a multiple of ${STEP}, of at most ${MAX_SIDE} pixels`,
    found: `${window.width} × ${window.height} pixels around ${patch.width} × ${patch.height}`,
  });
}
